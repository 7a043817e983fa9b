"""Cells as they are sent against values as Salesforce gives them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.same_value import same_value


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("string", "", None),
        ("string", "  ", None),
        ("string", " Ada ", "Ada"),
        ("textarea", "a\r\nb\n", "a\nb"),
        ("boolean", "true", True),
        ("boolean", "", False),
        ("boolean", "", None),
        ("double", "5", 5.0),
        ("currency", "-0.50", -0.5),
        ("int", "7", 7),
        ("datetime", "2024-05-06T07:08:09.123Z", "2024-05-06T07:08:09.000+0000"),
        ("datetime", "2024-05-06T09:08:09+02:00", "2024-05-06T07:08:09.000+0000"),
        ("date", "2024-05-06", "2024-05-06"),
        ("reference", "001000000000001", "001000000000001AAA"),
        ("multipicklist", "b;a", "a;b"),
        ("email", "Ada@Example.com", "ada@example.com"),
        ("picklist", "Open", "Open"),
    ],
)
def test_a_value_in_the_form_that_salesforce_keeps_is_the_same(
    kind: str, cell: str, value: object
) -> None:
    assert same_value(kind, cell, value)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("string", "Ada", None),
        ("string", "", "Ada"),
        ("string", "ada", "Ada"),
        ("textarea", "a  b", "a b"),
        ("boolean", "true", False),
        ("boolean", "false", True),
        ("double", "5", 5.1),
        ("double", "five", 5.0),
        ("datetime", "2024-05-06T07:08:10Z", "2024-05-06T07:08:09.000+0000"),
        ("datetime", "soon", "2024-05-06T07:08:09.000+0000"),
        ("reference", "001000000000001AAA", "001000000000002AAA"),
        ("reference", "", "001000000000002AAA"),
        ("multipicklist", "a", "a;b"),
    ],
)
def test_another_value_is_not_the_same(kind: str, cell: str, value: object) -> None:
    assert not same_value(kind, cell, value)


@given(st.text(), st.sampled_from(["string", "textarea", "picklist", "url", "phone"]))
def test_what_salesforce_would_make_of_a_text_is_the_same_text(text: str, kind: str) -> None:
    kept = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    assert same_value(kind, text, kept or None)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_texts_are_the_same_only_when_they_differ_in_blanks_at_their_ends(
    one: str, other: str
) -> None:
    ends = one.replace("\r\n", "\n").replace("\r", "\n").strip()
    assert same_value("string", one, other) == (
        ends == other.replace("\r\n", "\n").replace("\r", "\n").strip()
    )
