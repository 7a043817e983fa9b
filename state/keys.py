"""Source ids as short binary keys: 24 hexadecimal characters become 12 bytes.

Every other id is kept as UTF-8 behind the byte 0xff, which UTF-8 never holds. One that would be 12
bytes long as well gets a second 0xff at its end, so that no two ids share a key.
"""

import re
from collections.abc import Iterable

_HEX = re.compile(r"[0-9a-f]{24}\Z")
_OTHER = b"\xff"
_KEY_BYTES = 12


def encode_id(source_id: str) -> bytes:
    """Return the key of an id; ids of any form have one, and no other id has the same."""
    if _HEX.match(source_id):
        return bytes.fromhex(source_id)
    key = _OTHER + source_id.encode("utf-8", "surrogatepass")
    return key + _OTHER if len(key) == _KEY_BYTES else key


def encode_ids(source_ids: Iterable[str]) -> list[bytes]:
    """Return the keys of many ids, in order."""
    matches, unhex = _HEX.match, bytes.fromhex
    return [unhex(each) if matches(each) else encode_id(each) for each in source_ids]


def decode_id(key: bytes) -> str:
    """Return the id of a key that `encode_id` made."""
    if len(key) == _KEY_BYTES:
        return key.hex()
    return key[1:].removesuffix(_OTHER).decode("utf-8", "surrogatepass")
