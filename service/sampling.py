"""A bounded sample of real records, to see how attributes are filled before a map is proposed."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import NotFound, PastTheEnd, RoleMissing
from connectors.kustomer.client import KustomerClient, Page
from transforms.schema.profile import Profile
from transforms.schema.source import SourceKind, SourceSchema

PAGES = 8
PAGE_ROWS = 100
_PATHS = {
    "company": "/v1/companies",
    "customer": "/v1/customers",
    "conversation": "/v1/conversations",
    "message": "/v1/messages",
}


@dataclass
class Sample:
    """Profiles by kind and attribute name, and how many records of each kind were read.

    Attributes that records hold and metadata does not know have profiles, too. `relations` are those
    that some record of a kind has; `tags` the lists of tag ids that records of a kind have.
    """

    profiles: dict[str, dict[str, Profile]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    relations: dict[str, frozenset[str]] = field(default_factory=dict)
    tags: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)

    def of(self, kind: str, attribute: str) -> Profile:
        """The profile of one attribute; an empty one where nothing was seen."""
        return self.profiles.get(kind, {}).get(attribute) or Profile()


def add_record(profiles: dict[str, Profile], kind: SourceKind, record: Mapping[str, Any]) -> None:
    """Take one record's custom attributes into the profiles of its kind."""
    attributes = record.get("attributes")
    custom = attributes.get("custom") if isinstance(attributes, Mapping) else None
    values = custom if isinstance(custom, Mapping) else {}
    for name in values.keys() - profiles.keys():
        profiles[str(name)] = Profile()
    for name, profile in profiles.items():
        known = kind.attributes.get(name)
        if name not in values:
            profile.absent()
        else:
            keep = known is None or not known.sensitive
            profile.add(values[name], type=known.type if known else "unknown", keep=keep)


def relations_of(record: Mapping[str, Any]) -> set[str]:
    """The relations of a record that lead somewhere."""
    related = record.get("relationships")
    told = related if isinstance(related, Mapping) else {}
    return {
        str(name)
        for name, each in told.items()
        if isinstance(each, Mapping) and (each.get("data") or each.get("links"))
    }


def tags_of(record: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """The ids of a record's tags, as a set of one list; of none where it has no tags."""
    attributes = record.get("attributes")
    tags = attributes.get("tags") if isinstance(attributes, Mapping) else None
    ids = tuple(str(each) for each in tags) if isinstance(tags, list) else ()
    return {ids} if ids else set()


async def take_sample(
    client: KustomerClient, schema: SourceSchema, *, pages: int = PAGES
) -> Sample:
    """Read up to `pages` pages of each kind, spread over its list, oldest first.

    The pages are 1, 2, 4, 8 ... : few requests see old records and newer ones. Every request comes out
    of the org's budget. A kind that the key may not read has an empty sample.
    """
    sample = Sample()
    for name, kind in schema.kinds.items():
        profiles = {attribute: Profile() for attribute in kind.attributes}
        path = _PATHS.get(name) or f"/v1/klasses/{kind.klass}"
        count = 0
        related: set[str] = set()
        tags: set[tuple[str, ...]] = set()
        async for page in sample_pages(client, path, pages=pages):
            for record in page.rows:
                add_record(profiles, kind, record)
                related |= relations_of(record)
                tags |= tags_of(record)
            count += len(page.rows)
        sample.profiles[name], sample.records[name] = profiles, count
        sample.relations[name] = frozenset(related)
        sample.tags[name] = tags
    return sample


async def sample_pages(
    client: KustomerClient, path: str, *, pages: int = PAGES
) -> AsyncIterator[Page]:
    """Yield pages 1, 2, 4, 8 ... of a list until it ends; nothing of a list that may not be read."""
    for number in (2**power for power in range(pages)):
        page = await _page(client, path, number)
        yield page
        if not page.has_next or not page.rows:
            return


async def _page(client: KustomerClient, path: str, number: int) -> Page:
    try:
        return await client.list_page(path, number, page_size=PAGE_ROWS)
    except (NotFound, PastTheEnd, RoleMissing):
        return Page(rows=[], included=[], has_next=False, total=None, size_bytes=0)
