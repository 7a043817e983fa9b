"""Reading lists that come in pages (salesforce facts, 3.11 and 5.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from connectors.errors import BadReply

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
        yield _records(said)
        following = said.get("nextRecordsUrl")
        if said.get("done", following is None):
            return
        if not isinstance(following, str) or not following.startswith(base + "/"):
            raise BadReply("A list is not complete, and does not say how it goes on.")
        if following in seen:
            raise BadReply("The pages of a list go round in a circle.")
        seen.add(following)
        said = await read(following.removeprefix(base))


def read_count(said: Any) -> int:
    """The number that a `SELECT COUNT()` query tells; raises `BadReply` when there is none."""
    total = said.get("totalSize") if isinstance(said, dict) else None
    if not isinstance(total, int):
        raise BadReply("A count's answer holds no number.")
    return total


def _records(said: Any) -> list[Row]:
    records = said.get("records") if isinstance(said, dict) else None
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise BadReply("A list's answer holds no records.")
    return records
