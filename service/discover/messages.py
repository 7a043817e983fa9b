"""A look at a few messages and notes: how many files they carry, and how large they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.kustomer.client import KustomerClient, Page
from service.discover.counting import UNABLE
from service.phases import Phase

PAGES = 3


@dataclass
class Looks:
    """What a sample of one stream came to, in bytes of UTF-8; `parts` rows that texts are split into."""

    sampled: int = 0
    json_bytes: int = 0
    parts: int = 0
    files: dict[str, int] = field(default_factory=dict)

    @property
    def mean_bytes(self) -> float:
        """A record's attributes as JSON, on average; 0 without a sample."""
        return self.json_bytes / self.sampled if self.sampled else 0.0

    @property
    def mean_parts(self) -> float:
        """Rows per record."""
        return max(1.0, self.parts / self.sampled) if self.sampled else 1.0


async def look_at(
    client: KustomerClient, phase: Phase, records: int, *, text: str = "", part_bytes: int = 0
) -> Looks:
    """Read up to three pages of a stream, spread over its list; none where the key may not.

    `text` names the attribute whose values are split into parts of `part_bytes`.
    """
    found = Looks()
    stream = phase.stream
    for number in spread(records, stream.page_size):
        try:
            page = await client.list_page(
                stream.path, number, page_size=stream.page_size, params=stream.variants[0]
            )
        except UNABLE:
            continue
        _take(found, page, text, part_bytes)
    return found


def spread(records: int, page_size: int, pages: int = PAGES) -> list[int]:
    """Page numbers spread evenly over a list, in the middles of equal shares."""
    last = max(1, -(-records // page_size))
    return sorted(
        {1 + (2 * n + 1) * last // (2 * pages) for n in range(pages)} & set(range(last + 1))
    )


def _take(found: Looks, page: Page, text: str, part_bytes: int) -> None:
    for row in page.rows:
        told = row.get("attributes")
        attributes: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
        found.sampled += 1
        found.json_bytes += len(orjson.dumps(attributes))
        value = attributes.get(text) if text else None
        size = len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else 0
        found.parts += max(1, -(-size // part_bytes)) if part_bytes else 1
    for each in page.included:
        if each.get("type") == "attachment":
            length = (each.get("attributes") or {}).get("contentLength")
            found.files[str(each.get("id"))] = length if isinstance(length, int) else 0
