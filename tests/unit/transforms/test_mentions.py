"""Users that a note mentions are shown by name; what nobody knows stays as it is."""

from typing import Any

import pytest

from transforms.converters import CONVERTERS
from transforms.converters.context import ConverterContext
from transforms.lookups import Lookups
from transforms.record import Record, compile_path

SAM, LEE, GONE = "5" * 24, "6" * 24, "7" * 24
LOOKUPS = Lookups(users={SAM: "Sam", LEE: 'Lee "Q" __Park__'})


def shown(body: Any, *listed: str) -> str:
    data = [{"type": "user", "id": each} for each in listed]
    row = {"id": "a", "relationships": {"userMentions": {"data": data}} if listed else {}}
    context = ConverterContext(compile_path("attributes.body"))
    return CONVERTERS["mentions"].make(context)(Record(row, {"body": body}, LOOKUPS))


@pytest.mark.parametrize(
    ("body", "listed", "text"),
    [
        ("Checked with __Sam__.", [SAM], "Checked with @Sam."),
        ("__Sam__ and __Sam__", [SAM], "@Sam and @Sam"),
        (f"Ask __{SAM}__", [], "Ask @Sam"),
        (f"Ask __{GONE}__", [], f"Ask __{GONE}__"),
        ("Checked with __Sam__.", [], "Checked with __Sam__."),
        ("very __bold__", [SAM], "very __bold__\n(@Sam)"),
        ("Renamed: __Old Name__", [SAM, GONE], f"Renamed: __Old Name__\n(@Sam, {GONE})"),
        ("no mark", [LEE], 'no mark\n(@Lee ""Q"" __Park__)'),
        ("____ __ Sam__ __", [], "____ __ Sam__ __"),
        ('plain "text"', [], 'plain ""text""'),
        (" ", [SAM], ""),
        (None, [SAM], ""),
    ],
)
def test_mentions(body: Any, listed: list[str], text: str) -> None:
    assert shown(body, *listed) == text


@pytest.mark.parametrize("related", [None, 5, {"data": None}, {"data": [5, {"id": 5}, {}]}])
def test_odd_lists_of_mentions_change_nothing(related: Any) -> None:
    row = {"id": "a", "relationships": {"userMentions": related}}
    context = ConverterContext(compile_path("attributes.body"))
    record = Record(row, {"body": "__Sam__"}, LOOKUPS)
    assert CONVERTERS["mentions"].make(context)(record) == "__Sam__"
