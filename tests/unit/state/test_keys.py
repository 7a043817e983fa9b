"""Ids and their keys."""

import pytest

from state.keys import decode_id, encode_id, encode_ids

IDS = [
    "66f0a1b2c3d4e5f601020301",
    "ff" * 12,
    "F" * 24,
    "x",
    "",
    "noid-00ff",
    "ü" * 11,
    "abcdefghijk",  # with its mark as long as a hexadecimal id's key
    "abcdefghijk\x00",
    "66f0a1b2c3d4e5f60102030",
    "66f0a1b2c3d4e5f601020301\n",
    "\ud800",
]


@pytest.mark.parametrize("source_id", IDS)
def test_every_id_survives_its_key(source_id: str) -> None:
    assert decode_id(encode_id(source_id)) == source_id


def test_no_two_ids_share_a_key() -> None:
    twin = "ff" + b"abcdefghijk".hex()
    assert len(twin) == 24
    assert len({*encode_ids(IDS), encode_id(twin)}) == len(IDS) + 1


def test_a_kustomer_id_takes_twelve_bytes() -> None:
    assert encode_id(IDS[0]) == bytes.fromhex(IDS[0])
