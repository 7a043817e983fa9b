"""What a remote says is cleaned before it may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.redact import MAX_CHARS, safe_code, safe_text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Invalid value for ada.park@example.test", "Invalid value for [address]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: [token]"),
        ("session 00D5g0000012345!AQEAQ.abc_def is gone", "session [token] is gone"),
        ("jwt eyJhbGciOi.eyJpZCI6.c2ln expired", "jwt [token] expired"),
        ("call +1 (555) 555-0101 failed", "call [number] failed"),
        ("No such column 'Kustomer_Id__c' on 'O'Brien'", "No such column 'Kustomer_Id__c' on '…'"),
        ('value "secret thing" is bad', "value '…' is bad"),
        ("can't and won't", "can't and won't"),
        ("two\nlines", "two lines"),
        (None, ""),
        ({"a": 1}, ""),
    ],
)
def test_remote_text_is_cleaned(text: object, clean: str) -> None:
    assert safe_text(text) == clean


@pytest.mark.parametrize(
    ("code", "clean"),
    [
        ("bad_request", "bad_request"),
        (404, "404"),
        ("ada@example.test", None),
        ("two words", None),
        (None, None),
        (True, None),
    ],
)
def test_only_something_like_a_code_passes_as_one(code: object, clean: str | None) -> None:
    assert safe_code(code) == clean


@given(st.text(max_size=3_000), st.emails())
def test_no_mail_address_survives_and_the_line_is_short(text: str, address: str) -> None:
    clean = safe_text(f"{text[:200]} {address} {text[200:]}")
    assert address not in clean
    assert len(clean) <= MAX_CHARS
    assert "\n" not in clean
