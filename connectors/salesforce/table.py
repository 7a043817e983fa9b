"""CSV that arrives in pieces, cut only where no cell is open, so that memory stays flat."""

from __future__ import annotations

import codecs
import csv
from typing import Final

from connectors.errors import BadReply

# A record holds at most 400,000 characters (salesforce facts, 3.5); doubled quotes double that.
_LONGEST_ROW: Final = 8 * 1024 * 1024

# The module's own limit is 131,072 characters, which a doubled quote or an error text passes.
csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_ROW))


class TableReader:
    """Takes bytes in any cuts and gives whole rows as lists of cells; the header comes first.

    Comma, UTF-8, quotes doubled, LF or CRLF; blank lines are left out. Raises `BadReply` for text
    that is no such table, or a row that is longer than Salesforce allows.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._lines: list[str] = []  # whole lines of a row that has not ended
        self._rest = ""  # the beginning of a line
        self._open = False  # a cell is open at the end of `_lines`
        self._held = 0  # characters in `_lines`

    def feed(self, data: bytes) -> list[list[str]]:
        """The rows that `data` completes."""
        lines = (self._rest + self._decoded(data)).split("\n")
        self._rest = lines.pop()
        whole = 0
        for line in lines:
            self._lines.append(line + "\n")
            self._held += len(line) + 1
            # Each quote opens or closes a cell, a doubled one does both.
            if line.count('"') & 1:
                self._open = not self._open
            if not self._open:
                whole, self._held = len(self._lines), 0
        if self._held + len(self._rest) > _LONGEST_ROW:
            raise BadReply("A row of a table from Salesforce does not end.")
        rows = _parsed(self._lines[:whole])
        del self._lines[:whole]
        return rows

    def end(self) -> list[list[str]]:
        """The last row, if it lacked a line end. Raises `BadReply` when the table was cut short."""
        self._decoded(b"", final=True)
        lines = [*self._lines, self._rest]
        self._lines, self._rest = [], ""
        if self._open != bool(lines[-1].count('"') & 1):
            raise BadReply("A table from Salesforce ends inside a cell.")
        return _parsed(lines)

    def _decoded(self, data: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError:
            raise BadReply("A table from Salesforce is not UTF-8.") from None


def _parsed(lines: list[str]) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, strict=True) if row]
    except csv.Error:
        raise BadReply("A table from Salesforce is not well-formed CSV.") from None
