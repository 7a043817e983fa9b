"""Batch files: sealed rows on disk, immutable after they are in place.

Form: the magic `DFB1`, the length of the index (u32, big endian), the index (columns as one JSON
object, with the payloads' lengths), then all payloads joined. A file is written aside, synced,
then moved into place. When the results of a batch are in the ledger, the payloads are dropped and
the index stays (`DFX1`, compressed), so that a record's way can still be told.
"""

import mmap
import os
import struct
import zlib
from array import array
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import orjson

from state.database import plain_errors
from state.errors import StateDamaged

_HEAD = struct.Struct(">4sI")
_FULL = b"DFB1"
_INDEX_ONLY = b"DFX1"
_COLUMNS = ("keys", "parts", "versions", "digests", "pages", "slices")


@dataclass(slots=True)
class BatchColumns:
    """Rows by column. `parents` has one list per parent field and a last one of match keys."""

    keys: list[str] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    parents: list[list[str]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    slices: list[int] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    @staticmethod
    def empty(parent_columns: int) -> "BatchColumns":
        """Return columns without rows."""
        return BatchColumns(parents=[[] for _ in range(parent_columns)])


@dataclass(frozen=True)
class SpoolFile:
    """A batch file in place: its name in the spool, its size in bytes and its crc32."""

    name: str
    size_bytes: int
    crc: int


class BatchReader:
    """A batch file opened for reading: the columns in memory, the payloads mapped."""

    def __init__(self, index: dict[str, list[int]], body: memoryview | None) -> None:
        self.keys: list[str] = index["keys"]  # type: ignore[assignment]
        self.parts: list[int] = index["parts"]
        self.versions: list[int] = index["versions"]
        self.parents: list[list[str]] = index["parents"]  # type: ignore[assignment]
        self.digests: list[str] = index["digests"]  # type: ignore[assignment]
        self.pages: list[int] = index["pages"]
        self.slices: list[int] = index["slices"]
        self._ends = array("Q", accumulate(index["lengths"], initial=0))
        self._body = body

    def payload(self, index: int) -> bytes:
        """The bytes of row `index`; raises `StateDamaged` when they were dropped."""
        if self._body is None:
            raise StateDamaged("The payloads of a harvested batch were asked for.")
        return bytes(self._body[self._ends[index] : self._ends[index + 1]])

    def let_go(self) -> None:
        """Give back the memory that reading has taken: the file stays mapped and can be read on."""
        if self._body is not None and isinstance(self._body.obj, mmap.mmap):
            self._body.obj.madvise(mmap.MADV_DONTNEED)


class Spool:
    """The folder of batch files. All methods block: call them in a worker thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = 0

    def write(self, hint: str, columns: BatchColumns) -> SpoolFile:
        """Make a batch file durable; raises `DiskFull`, `WorkspaceUnusable`."""
        index = orjson.dumps(
            {
                "keys": columns.keys,
                "parts": columns.parts,
                "versions": columns.versions,
                "parents": columns.parents,
                "digests": columns.digests,
                "pages": columns.pages,
                "slices": columns.slices,
                "lengths": [len(each) for each in columns.payloads],
            }
        )
        body = b"".join(columns.payloads)
        head = _HEAD.pack(_FULL, len(index))
        crc = zlib.crc32(body, zlib.crc32(index, zlib.crc32(head)))
        self._serial += 1
        name = f"{hint}-{os.getpid():x}-{os.urandom(4).hex()}-{self._serial:06d}.batch"
        self._place(name, (head, index, body))
        return SpoolFile(name, len(head) + len(index) + len(body), crc)

    @contextmanager
    def open(self, name: str, crc: int | None = None) -> Iterator[BatchReader]:
        """Open a batch file; raises `StateDamaged` when it is gone, cut short or altered.

        With `crc`, as the ledger has it, every byte is checked; without it only the form. (A file
        whose payloads were dropped has a checksum of its own.) The reader is of use inside the block.
        """
        with self._mapped(name) as view:
            magic = bytes(view[:4])
            if crc is not None and magic != _INDEX_ONLY and zlib.crc32(view) != crc:
                raise StateDamaged(f"Batch file {name} is not what was written.")
            start, index = _index_of(name, view)
            with view[start:] as body:
                if magic == _FULL and sum(index["lengths"]) != len(body):
                    raise StateDamaged(f"Batch file {name} is cut short.")
                reader = BatchReader(index, body if magic == _FULL else None)
                del index  # the reader may drop columns that it needs no more
                reader.let_go()
                yield reader

    @contextmanager
    def _mapped(self, name: str) -> Iterator[memoryview]:
        with ExitStack() as stack:
            with plain_errors():
                try:
                    handle = stack.enter_context((self._folder / name).open("rb"))
                except FileNotFoundError:
                    if not self._folder.exists():
                        raise  # all of it is gone, not this file alone
                    raise StateDamaged(f"Batch file {name} is gone.") from None
                if os.fstat(handle.fileno()).st_size < _HEAD.size:
                    raise StateDamaged(f"Batch file {name} is cut short.")
                mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            stack.enter_context(mapped)
            yield stack.enter_context(memoryview(mapped))

    def strip(self, name: str) -> None:
        """Drop the payloads of a batch whose results are known; the index stays.

        Doing it again changes nothing. Raises `StateDamaged`, `DiskFull`, `WorkspaceUnusable`.
        """
        with self.open(name) as reader:
            index = {
                "keys": reader.keys,
                "parts": reader.parts,
                "versions": reader.versions,
                "parents": reader.parents,
                "digests": reader.digests,
                "pages": reader.pages,
                "slices": reader.slices,
                "lengths": [],
            }
        packed = zlib.compress(orjson.dumps(index), 1)
        self._place(name, (_HEAD.pack(_INDEX_ONLY, len(packed)), packed))

    def remove(self, name: str) -> None:
        """Remove a file; none is fine."""
        with plain_errors():
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the files in the spool, unfinished ones too."""
        with plain_errors():
            return sorted(each.name for each in self._folder.iterdir())

    def sweep(self, known: Container[str], finished: Mapping[str, int]) -> None:
        """Clear up after a crash: remove files not in `known`, strip those in `finished`.

        `finished` has the size in bytes with which each was sealed; a file of that size still has
        its payloads.
        """
        for name in self.names():
            if name not in known:
                self.remove(name)
            elif (self._folder / name).stat().st_size == finished.get(name):
                self.strip(name)

    def _place(self, name: str, pieces: tuple[bytes, ...]) -> None:
        path = self._folder / name
        aside = path.with_suffix(".part")
        with plain_errors():
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines(pieces)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(path)
            except OSError:
                aside.unlink(missing_ok=True)  # a full disk needs the room back
                raise
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _index_of(name: str, view: memoryview) -> tuple[int, dict[str, list[int]]]:
    """Return where the payloads start, and the index."""
    magic, length = _HEAD.unpack(view[: _HEAD.size])
    start = _HEAD.size + length
    packed = bytes(view[_HEAD.size : start])
    if magic not in (_FULL, _INDEX_ONLY):
        raise StateDamaged(f"Batch file {name} is not a batch file.")
    try:
        index: dict[str, list[int]] = orjson.loads(
            zlib.decompress(packed) if magic == _INDEX_ONLY else packed
        )
        sizes = {len(index[column]) for column in _COLUMNS}
        if magic == _FULL:
            sizes.add(len(index["lengths"]))
    except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError):
        raise StateDamaged(f"Batch file {name} is damaged.") from None
    if len(sizes) != 1:
        raise StateDamaged(f"Batch file {name} is damaged.")
    return start, index
