"""Days, decimals and lists of choices, as people have entered them."""

from typing import Any

import pytest

from transforms.converters import CONVERTERS, ConverterContext
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.record import Record, compile_path


def made(convert: str, value: Any, **options: Any) -> str:
    context = ConverterContext(get=compile_path("attributes.x"), options=options)
    return CONVERTERS[convert].make(context)(Record({"id": "a"}, {"x": value}, Lookups()))


def reason(convert: str, value: Any) -> str:
    with pytest.raises(Hold) as held:
        made(convert, value)
    return held.value.reason


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, "1"),
        (2.5, "2.5"),
        ("1,5", "1.5"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234.567", "1234567"),
        (" 7 ", "7"),
        ("1 234,5", "1234.5"),
        ("-3,25", "-3.25"),
        ("1.234", "1.234"),
        (None, ""),
    ],
)
def test_a_number_is_read_whatever_marks_it_is_written_with(value: Any, number: str) -> None:
    assert made("decimal", value) == number


def test_a_number_that_reads_two_ways_or_not_at_all_holds_the_record() -> None:
    assert reason("decimal", "1,234") == "ambiguous-number"
    for value in ("12 pieces", "", True, [1], "1,2,3", "nan", "1e5"):
        if value != "":
            assert reason("decimal", value) == "not-a-number"
    assert reason("decimal", 10**18) == "out-of-range"
    assert reason("decimal", float("inf")) == "out-of-range"
    assert reason("decimal", float("nan")) == "out-of-range"


def test_a_day_is_the_one_that_is_written_and_may_be_before_1970() -> None:
    assert made("date", "1919-12-01T00:00:00.000Z") == "1919-12-01"
    assert made("date", "2024-03-01T00:00:00+02:00") == "2024-03-01"
    assert made("date", "2024-03-01") == "2024-03-01"
    assert reason("date", "1600-01-01") == reason("date", "soon") == reason("date", 7) == "bad-date"


def test_a_moment_before_1970_is_taken_where_the_line_says_so() -> None:
    early = "1950-01-01T00:00:00.000Z"
    assert made("datetime", early, early=True) == early
    assert reason("datetime", early) == "bad-date"


def test_choices_are_each_there_once_and_none_holds_a_semicolon() -> None:
    assert made("multi-select", ["b", "a", "b", " "]) == "b;a"
    assert made("multi-select", "x") == "x"
    assert made("multi-select", None) == made("multi-select", []) == ""
    assert reason("multi-select", ["a;b"]) == "unknown-value"
    assert reason("multi-select", [7]) == "wrong-type"
