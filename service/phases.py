"""The table of contents of a migration: one declaration per phase, in dependency order.

A phase is one source stream, the target objects its records become, and the phases that must be
finished before its rows may be loaded. The flow (`extract`, `seal`, `load`, `gate`) reads these
declarations and knows no object by name: adding an object is adding a declaration here and lines
in the mapping file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Operation = Literal["match", "insert", "update"]


@dataclass(frozen=True)
class SearchContext:
    """How a stream is read through search when its list stops short (kustomer facts, section 5).

    `created` and `updated` name the search attributes. `archive` tells whether rows untouched
    for two years can be asked from the archive: notes cannot.
    """

    name: str
    created: str
    updated: str
    archive: bool = True


@dataclass(frozen=True)
class SourceStream:
    """The org-wide list of one kind of record.

    `variants` are extra query parameters, one list each: deactivated and machine users hide from
    the default list of users, so they are read as lists of their own (kustomer facts, 6.8).
    `multi_get`: how many records one call reads by id, where the API has it (section 4).
    """

    path: str
    variants: tuple[Mapping[str, str], ...] = ({},)
    page_size: int = 100
    multi_get: int = 1
    search: SearchContext | None = None


@dataclass(frozen=True)
class ContentKey:
    """How a row is known again in a target that cannot carry our key (salesforce facts, 7.11).

    Columns that nobody can change after the insert. `parent`: the id to ask by. `text` is compared
    here, since the target cannot filter by it. `moment` keeps whole seconds and `author` is a user;
    either may be absent from what is sent, when the org does not let them be set. `unique`: parent and
    text together occur once, with the first filled one of `either` if it names any. `most`: rows that
    one query may ask for (0: any number).
    """

    parent: str
    text: str = ""
    moment: str = ""
    author: str = ""
    unique: bool = False
    most: int = 0
    either: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phase:
    """One kind of source record on its way into its target objects.

    `after`: phases whose gates must be closed before rows are loaded. `lock_parent`: the parent
    field whose rows must never sit in two live jobs (salesforce facts, 3.7: locks). `content`: how
    rows are known again where the target cannot carry `Kustomer_Id__c`; None where it does. `of`: the
    phase whose pages this one is made of, once more; its stream is read for that one alone. An existing
    record is matched by its domain (`match_existing`: field by object) or by a name that occurs once
    (`same_as`).
    """

    name: str
    kind: str
    stream: SourceStream
    operation: Operation
    objects: tuple[str, ...]
    after: tuple[str, ...] = ()
    lock_parent: str | None = None
    content: ContentKey | None = None
    match_existing: Mapping[str, str] = field(default_factory=dict)
    of: str | None = None
    same_as: Mapping[str, str] = field(default_factory=dict)

    def matched_by(self, table: str) -> str:
        """The field by which existing records of `table` are matched; "" when there is none."""
        return self.match_existing.get(table) or self.same_as.get(table, "")

    @property
    def keyed(self) -> bool:
        """Whether the target carries our key."""
        return self.content is None


# Streams that have no standard phase, by the kind of their records. All of them are small, and others
# name their records: they are read first.
STREAMS: Mapping[str, SourceStream] = {
    "tag": SourceStream("/v1/tags", variants=({"deleted": "false"}, {"deleted": "true"})),
}

PHASES: tuple[Phase, ...] = (
    Phase(
        name="users",
        kind="user",
        stream=SourceStream(
            "/v1/users",
            variants=(
                {"deleted": "false"},
                {"deleted": "true"},
                {"pending": "true"},
                {"userType": "machine"},
            ),
            page_size=500,
            multi_get=40,
        ),
        operation="match",
        objects=("User",),
    ),
    Phase(
        name="teams",
        kind="team",
        stream=SourceStream("/v1/teams", page_size=500),
        operation="match",
        objects=("Group",),
        after=("users",),
    ),
    Phase(
        name="companies",
        kind="company",
        stream=SourceStream(
            "/v1/companies",
            search=SearchContext("company", "company_created_at", "company_updated_at"),
        ),
        operation="insert",
        objects=("Account",),
        after=("users",),
        match_existing={"Account": "Website"},
    ),
    Phase(
        name="customers",
        kind="customer",
        stream=SourceStream(
            "/v1/customers",
            search=SearchContext("customer", "customer_created_at", "customer_updated_at"),
        ),
        operation="insert",
        objects=("Contact", "Lead"),
        after=("users", "companies"),
        lock_parent="company",
    ),
    Phase(
        name="conversations",
        kind="conversation",
        stream=SourceStream(
            "/v1/conversations",
            search=SearchContext(
                "conversation", "conversation_created_at", "conversation_updated_at"
            ),
            multi_get=40,
        ),
        operation="insert",
        objects=("Case",),
        after=("users", "teams", "customers"),
        lock_parent="customer",
    ),
    Phase(
        name="messages",
        kind="message",
        stream=SourceStream(
            "/v1/messages",
            variants=({"include": "attachments"},),
            search=SearchContext("message", "message_created_at", "message_updated_at"),
        ),
        operation="insert",
        objects=("EmailMessage",),
        after=("users", "conversations"),
        lock_parent="conversation",
    ),
    Phase(
        name="notes",
        kind="note",
        stream=SourceStream(
            "/v1/notes",
            search=SearchContext("note", "note_created_at", "note_updated_at", archive=False),
        ),
        operation="insert",
        objects=("CaseComment",),
        after=("users", "conversations"),
        lock_parent="conversation",
        content=ContentKey(
            parent="ParentId", text="CommentBody", moment="CreatedDate", author="CreatedById"
        ),
    ),
)


def phase_named(name: str) -> Phase:
    """Return the standard phase called `name`; raises KeyError when there is none."""
    for phase in PHASES:
        if phase.name == name:
            return phase
    raise KeyError(name)
