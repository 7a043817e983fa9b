"""The form of a batch file: sealed rows as bytes, plain or encrypted.

The magic, the length of the index (u32, big endian), the index (columns as one JSON object, with
the payloads' lengths), then all payloads joined. `DFB1` is plain, `DFB2` encrypted: a salt stands
before the index, the index and every payload are sealed one by one. Without payloads the index is
compressed: `DFX1` plain, `DFX2` encrypted.
"""

import mmap
import os
import struct
import zlib
from array import array
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import orjson

from state.cipher import SALT_BYTES, Cipher, FileCipher, SpoolKeyMissing
from state.errors import StateDamaged

HEAD: Final = struct.Struct(">4sI")
_FULL: Final = (b"DFB1", b"DFB2")
_INDEX_ONLY: Final = (b"DFX1", b"DFX2")
_COLUMNS: Final = ("keys", "parts", "versions", "digests", "pages", "slices")


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


class BatchReader:
    """A batch file opened for reading: the columns in memory, the payloads where they lie."""

    def __init__(
        self, index: dict[str, Any], body: memoryview | None, cipher: FileCipher | None
    ) -> None:
        self.keys: list[str] = index["keys"]
        self.parts: list[int] = index["parts"]
        self.versions: list[int] = index["versions"]
        self.parents: list[list[str]] = index["parents"]
        self.digests: list[str] = index["digests"]
        self.pages: list[int] = index["pages"]
        self.slices: list[int] = index["slices"]
        self._ends = array("Q", accumulate(index["lengths"], initial=0))
        self._body = body
        self._cipher = cipher

    def payload(self, index: int) -> bytes:
        """The bytes of row `index`; raises `StateDamaged` when they were dropped."""
        if self._body is None:
            raise StateDamaged("The payloads of a harvested batch were asked for.")
        data = bytes(self._body[self._ends[index] : self._ends[index + 1]])
        return data if self._cipher is None else self._cipher.open_row(index, data)

    def let_go(self) -> None:
        """Give back the memory that reading has taken: the file stays mapped and can be read on."""
        if self._body is not None and isinstance(self._body.obj, mmap.mmap):
            self._body.obj.madvise(mmap.MADV_DONTNEED)


def is_full(magic: bytes) -> bool:
    """Tell whether a file that begins so still has its payloads."""
    return magic in _FULL


def is_index_only(magic: bytes) -> bool:
    """Tell whether a file that begins so has been stripped: its results were in the ledger."""
    return magic in _INDEX_ONLY


def full_pieces(name: str, columns: BatchColumns, cipher: Cipher | None) -> tuple[bytes, ...]:
    """The bytes of a new batch file, in pieces: head, index, payloads."""
    index = _index(columns)
    if cipher is None:
        index["lengths"] = [len(each) for each in columns.payloads]
        packed = orjson.dumps(index)
        return HEAD.pack(_FULL[0], len(packed)), packed, b"".join(columns.payloads)
    salt = os.urandom(SALT_BYTES)
    own = cipher.for_file(name, salt)
    payloads = own.seal_rows(columns.payloads)
    index["lengths"] = [len(each) for each in payloads]
    packed = salt + own.seal_index(orjson.dumps(index))
    return HEAD.pack(_FULL[1], len(packed)), packed, b"".join(payloads)


def index_pieces(
    name: str, rows: BatchReader | BatchColumns, cipher: Cipher | None
) -> tuple[bytes, ...]:
    """The bytes of a batch file without its payloads."""
    packed = zlib.compress(orjson.dumps({**_index(rows), "lengths": []}), 1)
    if cipher is None:
        return HEAD.pack(_INDEX_ONLY[0], len(packed)), packed
    salt = os.urandom(SALT_BYTES)
    packed = salt + cipher.for_file(name, salt).seal_index(packed)
    return HEAD.pack(_INDEX_ONLY[1], len(packed)), packed


def _index(rows: BatchReader | BatchColumns) -> dict[str, Any]:
    return {"parents": rows.parents, **{name: getattr(rows, name) for name in _COLUMNS}}


def payload_start(view: memoryview) -> int:
    """Where the payloads begin in a file's bytes."""
    _, length = HEAD.unpack(view[: HEAD.size])
    return HEAD.size + int(length)


def read_batch(name: str, view: memoryview, body: memoryview, cipher: Cipher | None) -> BatchReader:
    """Read a file's bytes; `body` is what follows the index.

    Raises `StateDamaged` for what is no whole batch file, `SpoolKeyMissing` for an encrypted one
    without the key.
    """
    magic = bytes(view[:4])
    if not (is_full(magic) or is_index_only(magic)):
        raise StateDamaged(f"Batch file {name} is not a batch file.")
    packed = bytes(view[HEAD.size : payload_start(view)])
    own = None
    if magic in (_FULL[1], _INDEX_ONLY[1]):
        if cipher is None:
            raise SpoolKeyMissing("The workspace's batch files are encrypted.")
        own = cipher.for_file(name, packed[:SALT_BYTES])
        packed = own.open_index(packed[SALT_BYTES:])
    index = _parsed(name, packed, full=is_full(magic))
    if is_full(magic) and sum(index["lengths"]) != len(body):
        raise StateDamaged(f"Batch file {name} is cut short.")
    return BatchReader(index, body if is_full(magic) else None, own)


def _parsed(name: str, packed: bytes, *, full: bool) -> dict[str, Any]:
    try:
        index: dict[str, Any] = orjson.loads(packed if full else zlib.decompress(packed))
        sizes = {len(index[column]) for column in _COLUMNS}
        if full:
            sizes.add(len(index["lengths"]))
        whole = len(sizes) == 1 and isinstance(index["parents"], list)
    except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise StateDamaged(f"Batch file {name} is damaged.")
    return index
