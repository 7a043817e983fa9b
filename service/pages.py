"""The queue between reading and transforming: bounded in bytes, not only in items.

Pages, never single records, pass between stages: the cost of a hand-over is per message. Parsed
pages kept alive slow the collector down, so the bound is small; its depth is exported.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio


@dataclass(slots=True)
class SourcePage:
    """One page of source records, with the cursor position that sealing it completes."""

    phase: str
    slice_number: int
    page: int
    rows: list[dict[str, Any]]
    included: list[dict[str, Any]]
    size_bytes: int
    ends_phase: bool = False


class PageQueue:
    """First in, first out; `put` waits while the bytes inside are over the limit.

    One page is always let in, however large, so that an over-sized page cannot block the run.
    Nothing in here is durable: a page counts only once it is sealed.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._pages: deque[SourcePage] = deque()
        self._closed = False
        self._changed = anyio.Condition()

    async def put(self, page: SourcePage) -> None:
        """Add a page, waiting for room."""
        async with self._changed:
            while self._pages and self.bytes + page.size_bytes > self.limit_bytes:
                await self._changed.wait()
            self._pages.append(page)
            self.bytes += page.size_bytes
            self._changed.notify_all()

    async def get(self, max_wait_s: float | None = None) -> SourcePage | None:
        """Take the oldest page; None when the queue is closed and empty, or the wait is over.

        `max_wait_s` bounds how long sealed-but-unflushed rows can stay in memory.
        """
        with anyio.move_on_after(max_wait_s):
            async with self._changed:
                while not self._pages:
                    if self._closed:
                        return None
                    await self._changed.wait()
                page = self._pages.popleft()
                self.bytes -= page.size_bytes
                self._changed.notify_all()
                return page
        return None

    async def close(self) -> None:
        """Say that no more pages come; readers get what is left, then None."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """True when the queue is closed and empty."""
        return self._closed and not self._pages

    def __len__(self) -> int:
        return len(self._pages)


async def show_pages(
    queue: PageQueue, read: Callable[[], Awaitable[None]], take: Callable[[SourcePage], None]
) -> None:
    """Let `read` fill the queue and show every page to `take`, for work that seals nothing.

    Raises what `read` raises, in a group.
    """

    async def fill() -> None:
        await read()
        await queue.close()

    async with anyio.create_task_group() as group:
        group.start_soon(fill)
        while not queue.finished:
            page = await queue.get()
            if page is not None and not page.ends_phase:
                take(page)
