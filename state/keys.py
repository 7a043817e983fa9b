"""Source ids as short binary keys: 24 hexadecimal characters become 12 bytes."""

import re
from collections.abc import Iterable

_HEX = re.compile(r"[0-9a-f]{24}\Z")
_OTHER = b"\xff"


def encode_id(source_id: str) -> bytes:
    """Return the key of an id; ids of any other form are kept as they are, behind a mark."""
    if _HEX.match(source_id):
        return bytes.fromhex(source_id)
    return _OTHER + source_id.encode("utf-8", "surrogatepass")


def encode_ids(source_ids: Iterable[str]) -> list[bytes]:
    """Return the keys of many ids, in order."""
    matches, unhex = _HEX.match, bytes.fromhex
    return [unhex(each) if matches(each) else encode_id(each) for each in source_ids]


def decode_id(key: bytes) -> str:
    """Return the id of a key. A 12-byte key is an id in hexadecimal."""
    if key[:1] == _OTHER and len(key) != 12:
        return key[1:].decode("utf-8", "surrogatepass")
    if len(key) == 12:
        return key.hex()
    return key[1:].decode("utf-8", "surrogatepass")
