"""Which page of which slice is read next, when several readers work on one stream.

A slice whose end is known is handed out page by page. The end of a list is not known: readers run
ahead of the last page seen, first by one page, then by twice as many for each page that was
not the last, so that a short list costs few requests and a long one uses every reader.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SliceCursor:
    """The reading position in one slice: pages done before, pages handed out, and the end."""

    number: int
    spec: dict[str, Any]
    last_page: int | None
    done: set[int] = field(default_factory=set)
    out: set[int] = field(default_factory=set)
    next_page: int = 1
    full_pages: int = 0
    ahead: int = 1

    def take(self) -> int | None:
        """Hand out the next page to read; None when none may be read now."""
        while self.next_page in self.done or self.next_page in self.out:
            self.next_page += 1
        if self.last_page is not None and self.next_page > self.last_page:
            return None
        if self.last_page is None and len(self.out) >= self.ahead:
            return None
        page = self.next_page
        self.out.add(page)
        self.next_page += 1
        return page

    def landed(self, page: int, *, last: bool, max_ahead: int) -> None:
        """Note that `page` was read; `last` when the source says that nothing follows it."""
        self.out.discard(page)
        self.done.add(page)
        if last:
            self.last_page = page if self.last_page is None else min(page, self.last_page)
        else:
            self.ahead = min(max_ahead, self.ahead * 2)

    def reopen(self, pages: Iterable[int]) -> None:
        """Pages that were read are to be read again."""
        again = set(pages)
        self.done -= again
        self.next_page = min([self.next_page, *again])

    def reopen_after(self, page: int) -> None:
        """A page behind the presumed end has rows after all: read on from there."""
        if self.last_page is not None and page > self.last_page:
            self.last_page = None

    @property
    def finished(self) -> bool:
        """True when every page up to the known end was read."""
        if self.last_page is None or self.out:
            return False
        return all(page in self.done for page in range(1, self.last_page + 1))


class PageSchedule:
    """Hands pages of a phase's open slices to readers, in order, oldest slice first."""

    def __init__(self, cursors: Iterable[SliceCursor], *, readers: int) -> None:
        self.cursors = list(cursors)
        self._open = [cursor for cursor in self.cursors if not cursor.finished]
        self._by_number = {cursor.number: cursor for cursor in self.cursors}
        self._readers = readers

    def take(self) -> tuple[SliceCursor, int] | None:
        """Return the next (slice, page) to read, or None when all readable pages are out."""
        for cursor in self._open:
            page = cursor.take()
            if page is not None:
                return cursor, page
        return None

    def landed(self, number: int, page: int, *, rows: int, has_next: bool) -> None:
        """Note a page's arrival; an empty page or one without a next page ends its slice."""
        cursor = self._by_number[number]
        if rows:
            cursor.reopen_after(page)
        cursor.landed(page, last=not has_next or rows == 0, max_ahead=self._readers)
        self._open = [each for each in self._open if not each.finished]

    def reopen(self, number: int, pages: Iterable[int]) -> None:
        """Read pages of a slice again, as the rows on them have moved."""
        cursor = self._by_number[number]
        cursor.reopen(pages)
        if cursor not in self._open and not cursor.finished:
            self._open.insert(0, cursor)

    @property
    def finished(self) -> bool:
        """True when no slice has a page left to read or under way."""
        return not self._open
