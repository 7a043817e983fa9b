"""Any value at all: a converter makes a cell or holds the record, and shortens nothing silently."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_transform_cells import JSON
from transforms.converters import CONVERTERS, ConverterContext
from transforms.converters.cells import clean
from transforms.converters.html import text_of
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.record import Record, compile_path
from transforms.rules import KeptLine, lenient, unfit_values

OPTIONS: dict[str, dict[str, Any]] = {
    "names": {"of": "tags"},
    "phone": {"type": "phone", "types": ["phone"]},
    "other-phones": {"types": ["phone"]},
    "address": {"part": "street"},
    "tree": {"part": "level", "level": 2},
    "currency": {"multi": True},
}
ODD = JSON | st.sampled_from(
    [
        *(
            "12,50 €",
            "USD 1.234,5",
            "$5",
            "1,234",
            "kr",
            "(3)",
            "−5",
            "1e9",
            "٣",
            "²",
            "1\u00a0000",
        ),
        *(
            "a.b.c",
            "..",
            "yes",
            "<b>x",
            "<![x",
            "<!",
            "&#0;",
            "<a href=",
            "2024-02-30",
            "0001-01-01",
        ),
    ]
)


def cell_of(name: str, length: int = 0, **told: Any) -> Any:
    context = ConverterContext(
        get=compile_path("attributes.x"),
        length=length,
        default="d" if name == "constant" else None,
        values={"a": "A"} if name == "values" else {},
        options=OPTIONS.get(name, {}) | told,
    )
    return CONVERTERS[name].make(context)


def record(value: Any) -> Record:
    names = ("x", "emails", "phones", "locations", "displayName")
    return Record({"id": "a"}, dict.fromkeys(names, value), Lookups())


def unquoted(cell: str) -> str:
    assert '"' not in cell.replace('""', "")
    return cell.replace('""', '"')


@pytest.mark.parametrize("name", sorted(CONVERTERS))
@settings(max_examples=150, deadline=None)
@given(value=ODD)
def test_a_converter_makes_a_cell_or_holds_the_record(name: str, value: Any) -> None:
    try:
        made = cell_of(name)(record(value))
    except Hold as hold:
        assert hold.reason
        return
    assert isinstance(made, str)
    unquoted(made)


# Those that may give less than their source, because another line of the table must keep the whole.
_IN_PARTS = {"first-name", "last-name"}


@pytest.mark.parametrize("name", sorted(set(CONVERTERS) - _IN_PARTS - {"constant", "values"}))
@settings(max_examples=150, deadline=None)
@given(value=ODD, length=st.integers(1, 12))
def test_a_value_longer_than_its_field_is_held_and_never_cut(
    name: str, value: Any, length: int
) -> None:
    def made(limit: int) -> str | None:
        try:
            return str(cell_of(name, limit)(record(value)))
        except Hold:
            return None

    whole, fitted = made(0), made(length)
    # `unusable-email` leaves out what does not fit; other-emails has it.
    assert fitted in (whole, None) or (name == "unusable-email" and fitted == "")


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_text_to_html_and_back_loses_no_word(text: str) -> None:
    html = unquoted(cell_of("text-to-html")(record(text)))
    back = text_of(html) if html else ""
    assert "".join(back.split()) == "".join(clean(text).split())


WORDS = st.text("abcdefghij", min_size=1, max_size=6)
TAGS = st.sampled_from("p div b li ul ol td tr table blockquote pre h1 span br hr a".split())  # noqa: SIM905


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.tuples(TAGS, st.booleans(), WORDS), max_size=12))
def test_html_in_any_disorder_keeps_every_word_in_its_order(
    pieces: list[tuple[str, bool, str]],
) -> None:
    html = "".join(f"<{'/' if end else ''}{tag}> {word} " for tag, end, word in pieces)
    shown = [word for word in text_of(html).split() if word.isalpha()]
    assert shown == [word for _, _, word in pieces]


@settings(max_examples=200, deadline=None)
@given(value=ODD)
def test_a_value_that_is_kept_raw_can_be_read_again_as_it_was(value: Any) -> None:
    cell = cell_of("decimal")
    get = compile_path("attributes.x")
    each = record(value)
    made = lenient(cell, "X__c")(each)
    kept = unquoted(unfit_values([KeptLine([("attributes.x", get)], cell)], 0)(each))
    if not kept:
        assert "unfit" not in each.memo
        return
    assert made == ""
    found = json.loads(kept)["attributes.x"]
    assert json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)
