"""Encryption at rest: what was sealed comes back, and nothing else is taken for it."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.cipher import Cipher, SpoolKeyInvalid, parse_key
from state.errors import StateDamaged

KEY = bytes(range(32))
cipher = Cipher(KEY)


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
    ],
)
def test_a_key_is_read_from_hexadecimal_and_base64(text: str) -> None:
    assert parse_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    ["", "x", "a secret pass phrase", KEY.hex()[:-1], KEY.hex() + "0", "é" * 44]
    + [base64.b64encode(KEY[:n]).decode() for n in (16, 31)]
    + [base64.b64encode(KEY + b"x").decode()],
)
def test_another_form_of_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SpoolKeyInvalid) as refused:
        parse_key(text)
    assert not text or text not in refused.value.message


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_blob_comes_back_and_hides_what_it_holds(data: bytes) -> None:
    sealed = cipher.seal_blob(data, "row.payload")
    assert cipher.open_blob(sealed, "row.payload") == data
    assert len(data) < 8 or data not in sealed
    assert sealed != cipher.seal_blob(data, "row.payload")


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 255))
def test_a_blob_with_any_byte_altered_is_damage(at: int, by: int) -> None:
    sealed = bytearray(cipher.seal_blob(b"twelve bytes", "row.payload"))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(StateDamaged):
        cipher.open_blob(bytes(sealed), "row.payload")


def test_a_blob_fits_only_its_own_place_and_key() -> None:
    sealed = cipher.seal_blob(b"text", "row.payload")
    for other, place in ((cipher, "job.aside"), (Cipher(bytes(32)), "row.payload")):
        with pytest.raises(StateDamaged):
            other.open_blob(sealed, place)
    for short in (b"", b"DFE1", sealed[:20], b'{"plain": 1}'):
        with pytest.raises(StateDamaged):
            cipher.open_blob(short, "row.payload")


def test_a_mark_recognises_its_key_alone() -> None:
    mark = cipher.mark()
    assert cipher.is_marked(mark)
    assert not Cipher(bytes(32)).is_marked(mark)
    assert not cipher.is_marked("no mark")
    assert KEY.hex() not in mark


def test_a_blind_text_is_the_same_each_time_and_another_with_another_key() -> None:
    assert cipher.blind("acme.example") == cipher.blind("acme.example")
    assert cipher.blind("acme.example") != cipher.blind("acme.examples")
    assert cipher.blind("acme.example") != Cipher(bytes(32)).blind("acme.example")
