"""Reading lists that come in pages (salesforce facts, 3.11 and 5.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from connectors.errors import BadReply

# An address may hold 16 KB (salesforce facts, 5.4); the rest is for the query around the list.
_LIST_ROOM: Final = 12_000
Row = dict[str, Any]
Read = Callable[[str], Awaitable[Any]]


async def read_pages(read: Read, first: Any, *, base: str) -> AsyncIterator[list[Row]]:
    """Yield the records of `first` and of every page that it leads to.

    `read` gets a page by its path below `base`. Raises `BadReply` for an answer that is no page,
    one that is not done and leads nowhere, or pages that go round in a circle.
    """
    seen: set[str] = set()
    said = first
    while True:
        yield records_of(said)
        following = said.get("nextRecordsUrl")
        if said.get("done", following is None):
            return
        if not isinstance(following, str) or not following.startswith(base + "/"):
            raise BadReply("A list is not complete, and does not say how it goes on.")
        if following in seen:
            raise BadReply("The pages of a list go round in a circle.")
        seen.add(following)
        said = await read(following.removeprefix(base))


def in_lists(values: Iterable[str]) -> Iterator[str]:
    """Yield `values` as the insides of IN lists, each short enough for one query's address."""
    piece: list[str] = []
    size = 0
    for value in values:
        text = literal(value)
        length = len(quote(text, safe="")) + 3
        if piece and size + length > _LIST_ROOM:
            yield ",".join(piece)
            piece, size = [], 0
        piece.append(text)
        size += length
    if piece:
        yield ",".join(piece)


def literal(text: str) -> str:
    """A text as SOQL writes it, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def read_count(said: Any) -> int:
    """The number that a `SELECT COUNT()` query tells; raises `BadReply` when there is none."""
    total = said.get("totalSize") if isinstance(said, dict) else None
    if not isinstance(total, int):
        raise BadReply("A count's answer holds no number.")
    return total


def records_of(said: Any) -> list[Row]:
    """The records of one page; raises `BadReply` when it is none."""
    records = said.get("records") if isinstance(said, dict) else None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise BadReply("A list's answer holds no records.")
    return records
