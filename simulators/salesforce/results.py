"""The three result files of an ingest job (facts, 3.8)."""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import IO, Literal

Which = Literal["successful", "failed", "unprocessed"]
_IN_MEMORY = 1_000_000
_BLOCK = 256 * 1024
_ROWS = 200
_LEADING: dict[Which, tuple[str, ...]] = {
    "successful": ("sf__Id", "sf__Created"),
    "failed": ("sf__Id", "sf__Error"),
    "unprocessed": (),
}


class ResultFiles:
    """Ready CSV, all cells quoted, on disk once it is large.

    `add` and `read` block and are meant for a thread; they may run side by side.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._header: Sequence[str] = ()
        self._files: dict[Which, IO[bytes]] = {}
        self._lock = Lock()

    def start(self, header: Sequence[str]) -> None:
        """Note the columns of the upload: they follow those of the result."""
        self._header = header

    def add(self, which: Which, rows: Sequence[Sequence[str]]) -> None:
        """Append rows in the given order."""
        # In small pieces: the csv module holds the interpreter for the whole of a call.
        for start in range(0, len(rows), _ROWS):
            self._append(which, self._rendered(rows[start : start + _ROWS]))

    def _append(self, which: Which, made: bytes) -> None:
        with self._lock:
            file = self._files.get(which)
            if file is None:
                file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - lives with the job
                self._files[which] = file
            file.seek(0, io.SEEK_END)
            file.write(made)

    def read(self, which: Which) -> Iterator[bytes]:
        """Yield a whole file in pieces, its header first."""
        yield self._rendered([[*_LEADING[which], *self._header]])
        position = 0
        while True:
            with self._lock:
                file = self._files.get(which)
                if file is None:
                    return
                file.seek(position)
                block = file.read(_BLOCK)
            if not block:
                return
            position += len(block)
            yield block

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _rendered(self, rows: Sequence[Sequence[str]]) -> bytes:
        made = io.StringIO(newline="")
        writer = csv.writer(
            made, quoting=csv.QUOTE_ALL, lineterminator="\n", delimiter=self._delimiter
        )
        writer.writerows(rows)
        return made.getvalue().encode()
