"""Any record: one outcome each, cells that a CSV reader gives back, splits that lose nothing."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.transforms import samples
from tests.unit.transforms.reading import LOOKUPS, cells
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.converters import ConverterContext
from transforms.converters.cells import clean
from transforms.converters.plain import text
from transforms.errors import Hold
from transforms.generate import Maker, row_maker
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.record import Record, compile_path, first_of
from transforms.split import split_text
from transforms.table import joined

TEXT = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
MAP: CompiledMapping = compile_mapping(
    parse_mapping(TEXT, "m"), default_shape(), MapSettings("005000000000001AAA")
)
PHASES = {
    "users": samples.user(),
    "teams": samples.team(),
    "companies": samples.company(),
    "customers": samples.customer(),
    "conversations": samples.conversation(),
    "messages": samples.message(),
    "notes": samples.note(),
}
ODD_TEXT = st.text(st.characters(exclude_categories=[]), max_size=30) | st.sampled_from(
    ["", " ", "a@b.test", '"', "2026-03-04T05:06:07.089Z", "\r\n", "a" * 300, "done", "in"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoiled(draw: st.DrawFn, phase: str) -> Any:
    """A good record with some places replaced by anything at all, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    good = PHASES[phase]
    attributes = dict(good["attributes"])
    for name in draw(st.lists(st.sampled_from(sorted(attributes)), max_size=4)):
        attributes[name] = draw(JSON)
    relationships = dict(good["relationships"])
    for name in draw(st.lists(st.sampled_from(sorted(relationships)), max_size=1)):
        relationships[name] = draw(JSON)
    record = {**good, "attributes": attributes, "relationships": relationships}
    for name in draw(st.lists(st.sampled_from(sorted(record)), max_size=1)):
        record[name] = draw(JSON)
    return record


@pytest.mark.parametrize("phase", sorted(PHASES))
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_every_record_ends_in_exactly_one_place(phase: str, data: st.DataObject) -> None:
    records = data.draw(st.lists(spoiled(phase), min_size=1, max_size=4))
    block = MAP.phases[phase](records, LOOKUPS)
    loaded = sum(rows.parts.count(0) for rows in block.tables.values())
    assert loaded + len(block.held) + len(block.skipped) == len(records)
    assert "unmappable" not in {record.reason for record in block.held}
    for name, rows in block.tables.items():
        table = MAP.phases[phase].tables[name]
        lengths = {len(column) for column in (rows.keys, rows.payloads, rows.digests, rows.parts)}
        assert lengths == {len(rows.keys)}
        assert all(len(column) == len(rows.keys) for column in rows.parents)
        if MAP.phases[phase].match is None:
            assert all(len(cells(payload)) == len(table.columns) for payload in rows.payloads)
        assert all(b"\r" not in payload and b"\x00" not in payload for payload in rows.payloads)
    for record in block.held:
        assert record.source_id.encode()


@given(st.lists(st.text(), min_size=1))
def test_a_csv_reader_gives_the_values_back(values: list[str]) -> None:
    getters = [compile_path(f"attributes.v{number}") for number in range(len(values))]
    attributes = {f"v{number}": value for number, value in enumerate(values)}
    record = Record({"id": "x"}, attributes, Lookups())
    made = [text(ConverterContext(get=get))(record) for get in getters]
    expected = [clean(value) for value in values]
    read = cells(joined(made))
    assert read == ["" if not value or value.isspace() else value for value in expected]


@given(value=JSON, other=JSON, length=st.sampled_from([0, 1, 5, 255]))
def test_the_generated_shortcut_gives_what_the_cell_gives(
    value: Any, other: Any, length: int
) -> None:
    record = Record({"id": "x"}, {"it's": value, "meta": other}, Lookups())
    paths = ("attributes.it's", "attributes.meta.html")
    cell = text(ConverterContext(get=first_of(paths), length=length, default="d"))
    make = row_maker([Maker(cell, paths, length, plain=True, absent="d")], [0, 0])
    assert _made(lambda: make(record)) == _made(lambda: [cell(record), cell(record)])


@pytest.mark.parametrize("phase", sorted(set(PHASES) - {"users", "teams"}))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_generated_row_is_its_cells_one_by_one(phase: str, data: st.DataObject) -> None:
    row = data.draw(spoiled(phase))
    if not isinstance(row, dict) or not isinstance(row.get("attributes"), dict) or "id" not in row:
        return
    for table in MAP.phases[phase].tables.values():
        records = [Record(row, row["attributes"], LOOKUPS) for _ in range(2)]
        made = _made(lambda table=table, record=records[0]: table.make(record))  # type: ignore[misc]
        expected = _made(
            lambda table=table, record=records[1]: [cell(record) for cell in table.cells]  # type: ignore[misc]
        )
        assert made == expected


def _made(make: Callable[[], list[str]]) -> list[str] | str:
    """The cells, or why the record is held."""
    try:
        return make()
    except Hold as hold:
        return hold.reason


@given(
    body=st.text(st.sampled_from("a é🙂\n"), min_size=1, max_size=1500), limit=st.integers(20, 400)
)
def test_a_split_loses_no_character_and_every_part_fits(body: str, limit: int) -> None:
    parts = split_text(body, limit)
    assert all(len(part.encode()) <= limit for part in parts)
    if len(parts) == 1:
        assert parts == [body]
    else:
        heads = [f"({number}/{len(parts)}) " for number in range(1, len(parts) + 1)]
        assert all(part.startswith(head) for part, head in zip(parts, heads, strict=True))
        whole = "".join(part.removeprefix(head) for part, head in zip(parts, heads, strict=True))
        assert whole == body
