"""What a row was when it was sent, in a few bytes: to tell later which cells the source has changed.

A digest of the whole row (16 bytes) tells whether anything changed. Where records can be changed, marks
follow: four bytes for each column and each reference, of its name and its cell, in no order that matters.
A mark that is not among the earlier ones is of a changed cell; by chance it is there once in a hundred
million cells, and then the change goes out with the next one of that row.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from zlib import crc32

DIGEST_BYTES = 16
_SECONDS = len("2026-01-31T12:34:56")
_MARK_BYTES = 4


def seed(name: str) -> int:
    """The beginning of a mark: of the name of a column, or of a parent."""
    return crc32(name.encode())


def length_marked(kind: str) -> int | None:
    """How many characters of a cell count, by its field's type: milliseconds are lost."""
    return _SECONDS if kind == "datetime" else None


def mark(seeded: int, cell: str) -> int:
    """The mark of one cell, as it stands in the CSV, or of one reference."""
    return crc32(cell.encode("utf-8", "surrogatepass"), seeded)


def fingerprint(stable: bytes, marks: Sequence[int]) -> str:
    """The fingerprint of a row, hexadecimal; `stable`: what the digest is of."""
    whole = blake2b(stable, digest_size=DIGEST_BYTES).digest()
    return (whole + struct.pack(f"<{len(marks)}I", *marks)).hex() if marks else whole.hex()


def marks_of(kept: bytes) -> frozenset[int] | None:
    """The marks in a fingerprint; None where it has none, so that nothing is known of single cells."""
    behind = kept[DIGEST_BYTES:]
    if not behind:
        return None
    return frozenset(struct.unpack(f"<{len(behind) // _MARK_BYTES}I", behind))
