"""The folder of batch files: sealed rows on disk, immutable after they are in place.

A file is written aside, synced, then moved into place. When the results of a batch are in the ledger,
the payloads are dropped and the index stays, so that a record's way can still be told.
"""

import mmap
import os
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from state.batch_file import (
    HEAD,
    BatchColumns,
    BatchReader,
    full_pieces,
    index_pieces,
    is_full,
    is_index_only,
    payload_start,
    read_batch,
)
from state.cipher import Cipher
from state.database import plain_errors
from state.errors import StateDamaged, StateError
from state.private import private_file

__all__ = ["BatchColumns", "BatchReader", "Spool", "SpoolFile", "SpoolIsNewer"]

BATCH_FILE = ".batch"


class SpoolIsNewer(StateError):
    """The spool holds the traces of finished batches that the database does not know."""

    code = "state-lost"
    recovery = "refuse"
    next_step = (
        "Put the workspace's newest state.sqlite back; without one run "
        "deskferry state rebuild --anew."
    )


@dataclass(frozen=True)
class SpoolFile:
    """A batch file in place: its name in the spool, its size in bytes and its crc32."""

    name: str
    size_bytes: int
    crc: int


class Spool:
    """Batch files by name. All methods block: call them in a worker thread."""

    def __init__(self, folder: Path, cipher: Cipher | None = None) -> None:
        self._folder = folder
        self._cipher = cipher
        self._serial = 0

    def write(self, hint: str, columns: BatchColumns) -> SpoolFile:
        """Make a batch file durable; raises `DiskFull`, `WorkspaceUnusable`."""
        self._serial += 1
        name = f"{hint}-{os.getpid():x}-{os.urandom(4).hex()}-{self._serial:06d}{BATCH_FILE}"
        pieces = full_pieces(name, columns, self._cipher)
        crc = size = 0
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
            size += len(piece)
        self._place(name, pieces)
        return SpoolFile(name, size, crc)

    @contextmanager
    def open(self, name: str, crc: int | None = None) -> Iterator[BatchReader]:
        """Open a batch file; raises `StateDamaged` when it is gone, cut short or altered.

        With `crc`, as the ledger has it, every byte is checked; without it only the form. (A file
        whose payloads were dropped has a checksum of its own.) The reader is of use inside the block.
        """
        with self._mapped(name) as view:
            if crc is not None and not is_index_only(bytes(view[:4])) and zlib.crc32(view) != crc:
                raise StateDamaged(f"Batch file {name} is not what was written.")
            with view[payload_start(view) :] as body:
                reader = read_batch(name, view, body, self._cipher)
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
                if os.fstat(handle.fileno()).st_size < HEAD.size:
                    raise StateDamaged(f"Batch file {name} is cut short.")
                mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            stack.enter_context(mapped)
            yield stack.enter_context(memoryview(mapped))

    def strip(self, name: str) -> None:
        """Drop the payloads of a batch whose results are known; the index stays.

        Doing it again changes nothing. Raises `StateDamaged`, `DiskFull`, `WorkspaceUnusable`.
        """
        with self.open(name) as reader:
            pieces = index_pieces(name, reader, self._cipher)
        self._place(name, pieces)

    def purge(self, name: str) -> int:
        """Drop payloads and match keys (a company's domain), which `strip` leaves in the index.

        Returns by how many bytes the file shrank. Doing it again changes nothing. Raises as `strip`.
        """
        with self.open(name) as reader:
            before = (self._folder / name).stat().st_size
            reader.parents = [*reader.parents[:-1], [""] * len(reader.keys)]
            pieces = index_pieces(name, reader, self._cipher)
        self._place(name, pieces)
        return before - sum(len(piece) for piece in pieces)

    def remove(self, name: str) -> None:
        """Remove a file; none is fine."""
        with plain_errors():
            (self._folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the files in the spool, unfinished ones too."""
        with plain_errors():
            return sorted(each.name for each in self._folder.iterdir())

    def has_payloads(self, name: str) -> bool:
        """Tell whether a file begins as one with payloads; raises `StateDamaged` when it is gone."""
        return is_full(self._magic(name))

    def is_stripped(self, name: str) -> bool:
        """Tell whether a file begins as one whose results were in a ledger."""
        return is_index_only(self._magic(name))

    def _magic(self, name: str) -> bytes:
        try:
            with plain_errors(), (self._folder / name).open("rb") as file:
                return file.read(4)
        except FileNotFoundError:
            raise StateDamaged(f"Batch file {name} is gone.") from None

    def sweep(self, known: Container[str], finished: Mapping[str, int]) -> None:
        """Clear up after a crash: remove files not in `known`, strip those in `finished`.

        `finished` has the size in bytes with which each was sealed; a file of that size still has
        its payloads. Raises `SpoolIsNewer`, and removes nothing, when a file that is not known was
        stripped: that is done after the ledger has its results, so this is an older ledger.
        """
        names = self.names()
        strange = [name for name in names if name not in known]
        if any(self.is_stripped(name) for name in strange if name.endswith(BATCH_FILE)):
            raise SpoolIsNewer("The database does not know of work that this workspace has done.")
        for name in strange:
            self.remove(name)
        for name in names:
            if name in known and (self._folder / name).stat().st_size == finished.get(name):
                self.strip(name)

    def _place(self, name: str, pieces: tuple[bytes, ...]) -> None:
        path = self._folder / name
        aside = path.with_suffix(".part")
        with plain_errors():
            handle = private_file(aside)
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
