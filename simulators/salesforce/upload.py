"""Reading the uploaded CSV of a job as strictly as the server does (facts, 3.5)."""

import csv
import io
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import IO

DELIMITERS = {
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
    "CARET": "^",
    "BACKQUOTE": "`",
}
MOST_COLUMNS = 5_000
HEADER_CHARS = 32_000
CELL_CHARS = 131_072
RECORD_CHARS = 400_000
_BLOCK = 1 << 20
_CONTROL = bytes(sorted({*range(32)} - {9, 10, 13}))
_STRAY_QUOTE = (
    "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote "
    "should be within a quote"
)
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class JobFailure(Exception):
    """The whole job fails; the text is its errorMessage."""


class Upload:
    """The content of one job. All methods block and are meant for a thread.

    `survey` comes first and fails the job before any row is worked; `take` then gives the rows.
    `close` must come before the content is closed.
    """

    def __init__(self, content: IO[bytes], delimiter: str, line_ending: str) -> None:
        self._content = content
        self._delimiter = DELIMITERS[delimiter]
        self._line_ending = line_ending
        cell = rf'(?:"[^"]*(?:""[^"]*)*"|[^"{re.escape(self._delimiter)}\r\n]*)'
        self._record = re.compile(rf"{cell}(?:{re.escape(self._delimiter)}{cell})*\r?\n?")
        self._rows: Generator[list[str], None, None] | None = None
        self.header: list[str] = []

    def survey(self) -> int:
        """Check form and shape of everything, set `header`, give the number of rows.

        Raises `JobFailure` with the text that the job will show.
        """
        self._check_bytes()
        count = -1
        with closing(self._read(check=True)) as rows:
            for row in rows:
                if count < 0:
                    self.header = row
                    _check_header(row)
                elif len(row) != len(self.header):
                    raise JobFailure("InvalidBatch : A row has not as many cells as the header")
                count += 1
        return max(0, count)

    def take(self, count: int) -> list[list[str]]:
        """Give up to `count` further rows, without the header; none at the end."""
        if self._rows is None:
            self._rows = self._read(check=False)
            next(self._rows, None)
        return list(islice(self._rows, count))

    def close(self) -> None:
        """Stop reading."""
        if self._rows is not None:
            self._rows.close()

    def _check_bytes(self) -> None:
        """Byte-order mark, line ends and control characters, which fail the whole job."""
        self._content.seek(0)
        if self._content.read(3) == b"\xef\xbb\xbf":
            raise JobFailure(_STRAY_QUOTE)
        self._content.seek(0)
        line_feeds = self._line_ending == "LF"
        first, last = True, b""
        while block := self._content.read(_BLOCK):
            if line_feeds and b"\r\n" in last + block:
                raise JobFailure(_wrong_ending("LF"))
            if first and not line_feeds and b"\n" in block:
                if not block[: block.index(b"\n")].endswith(b"\r"):
                    raise JobFailure(_wrong_ending("CRLF"))
                first = False
            if len(block.translate(None, _CONTROL)) != len(block):
                raise JobFailure("InvalidBatch : Failed to parse CSV. Invalid XML character")
            last = block[-1:]

    def _read(self, *, check: bool) -> Generator[list[str], None, None]:
        """Yield the records, header included; empty lines are no records."""
        self._content.seek(0)
        text = io.TextIOWrapper(self._content, encoding="utf-8", newline="\n")
        raw: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                raw.append(line)
                yield line

        reader = csv.reader(lines() if check else text, delimiter=self._delimiter, strict=True)
        try:
            for row in reader:
                if row and check:
                    self._check_record("".join(raw), row)
                raw.clear()
                if row:
                    yield row
        except UnicodeDecodeError:
            raise JobFailure("InvalidBatch : Failed to parse CSV. Not UTF-8") from None
        except csv.Error:
            raise JobFailure(_STRAY_QUOTE) from None
        finally:
            text.detach()

    def _check_record(self, raw: str, row: list[str]) -> None:
        """The csv module takes a quote inside a bare cell for text; the server does not."""
        if '"' in raw and any('"' in cell for cell in row) and not self._record.fullmatch(raw):
            raise JobFailure(_STRAY_QUOTE)
        if len(raw) > CELL_CHARS:
            if max(map(len, row)) > CELL_CHARS:
                raise JobFailure(
                    f"InvalidBatch : Failed to parse CSV. A field has more than {CELL_CHARS} "
                    "characters"
                )
            if sum(map(len, row)) > RECORD_CHARS:
                raise JobFailure(
                    f"InvalidBatch : Failed to parse CSV. A record has more than {RECORD_CHARS} "
                    "characters"
                )


def _check_header(header: list[str]) -> None:
    if len(header) > MOST_COLUMNS or sum(map(len, header)) + len(header) > HEADER_CHARS:
        raise JobFailure("InvalidBatch : The header is too long")


def _wrong_ending(expected: str) -> str:
    return (
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
        f"{expected}"
    )
