"""Values that do not fit, closed lists, and picklists that depend on others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.transforms.reading import LOOKUPS
from tests.unit.transforms.reading import rows_of as filled_rows
from transforms.block import Block
from transforms.columns import MapSettings
from transforms.compile import CompiledPhase, compile_mapping
from transforms.errors import MappingDoesNotFit, MappingInvalid
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape, TargetShape

_FIELDS = {
    each.name: each
    for each in (
        FieldShape("Key__c", "string", 24, unique=True, external_id=True),
        FieldShape("Count__c", "double"),
        FieldShape("Day__c", "date"),
        FieldShape("Short__c", "string", 5),
        FieldShape("Whole__c", "textarea", 10),
        FieldShape("Must__c", "string", 20, nillable=False),
        FieldShape("Unfit__c", "textarea", 300),
        FieldShape("Area__c", "picklist", 255, picklist=("North", "South")),
        FieldShape("Closed__c", "picklist", 255, picklist=("a", "b"), restricted=True),
        FieldShape("Several__c", "multipicklist", 999, picklist=("a", "b"), restricted=True),
        FieldShape("Seen__c", "boolean", nillable=False, defaulted_on_create=True),
        FieldShape(
            "Town__c",
            "picklist",
            255,
            picklist=("Oslo", "Rome", "Bonn"),
            controller="Area__c",
            valid_for=(
                ("Oslo", frozenset({"North"})),
                ("Rome", frozenset({"South"})),
                ("Bonn", frozenset()),
            ),
        ),
        FieldShape("Owner__c", "reference", 18, reference_to=("User",)),
    )
}
_FIELDS["Must__c"] = replace(_FIELDS["Must__c"], nillable=True)


def shape(**changes: FieldShape) -> TargetShape:
    return {"Thing__c": ObjectShape("Thing__c", _FIELDS | changes)}


def rows_of(phase: CompiledPhase, block: Block, table: str) -> list[dict[str, str]]:
    """The rows with all their columns."""
    empty = dict.fromkeys(phase.tables[table].columns, "")
    return [empty | row for row in filled_rows(phase, block, table)]


def mapping(lines: str, more: str = "") -> str:
    return (
        "version: 1\nphases:\n  things:\n    kind: kobject.thing\n    tables:\n      Thing__c:\n"
        f"        key: Key__c\n{more}        fields:\n          Key__c: {{source: id, convert: id}}\n"
        + "".join(f"          {line}\n" for line in lines.strip().split("\n"))
    )


def compiled(lines: str, more: str = "", target: TargetShape | None = None) -> CompiledPhase:
    text = mapping(lines, more)
    made = compile_mapping(parse_mapping(text, "m"), target or shape(), MapSettings())
    return made.phases["things"]


def faults(lines: str, more: str = "", target: TargetShape | None = None) -> list[str]:
    with pytest.raises(MappingDoesNotFit) as error:
        compiled(lines, more, target)
    return error.value.faults


def record(number: int = 1, **custom: Any) -> dict[str, Any]:
    return {"id": f"{number:024x}", "type": "kobject.thing", "attributes": {"custom": custom}}


KEEP = "        unfit: Unfit__c\n"
ODD = """
Count__c: {source: attributes.custom.n, convert: decimal, bad: keep}
Day__c: {source: attributes.custom.d, convert: date, bad: keep}
Short__c: {source: attributes.custom.s, bad: empty}
"""


def test_a_record_with_an_odd_value_arrives_and_the_value_is_kept_as_it_was() -> None:
    phase = compiled(ODD, KEEP)
    good, odd = record(1, n=1, d="2024-01-02", s="x"), record(2, n="lots", d=["soon"], s="y")
    block = phase([good, odd], LOOKUPS)
    first, second = rows_of(phase, block, "Thing__c")
    assert (first["Count__c"], first["Day__c"], first["Unfit__c"]) == ("1", "2024-01-02", "")
    assert (second["Count__c"], second["Day__c"], second["Short__c"]) == ("", "", "y")
    kept = json.loads(second["Unfit__c"])
    assert kept == {"attributes.custom.n": "lots", "attributes.custom.d": ["soon"]}
    assert block.tables["Thing__c"].unfit == {
        ("Count__c", "not-a-number"): 1,
        ("Day__c", "bad-date"): 1,
    }


def test_what_is_left_empty_by_rule_is_counted_and_holds_nothing() -> None:
    phase = compiled(ODD, KEEP)
    block = phase([record(1, s="too long by far"), record(2, s=7), record(3, s={"a": 1})], LOOKUPS)
    assert not block.held
    assert [row["Short__c"] for row in rows_of(phase, block, "Thing__c")] == ["", "7", ""]
    assert block.tables["Thing__c"].unfit == {
        ("Short__c", "too-long"): 1,
        ("Short__c", "wrong-type"): 1,
    }


def test_a_record_whose_odd_values_do_not_fit_either_is_held_and_not_counted() -> None:
    phase = compiled(ODD, KEEP)
    block = phase([record(1, n="x" * 400)], LOOKUPS)
    (held,) = block.held
    assert (held.reason, held.field) == ("too-long", "Unfit__c")
    assert block.tables["Thing__c"].unfit == {}


def test_text_that_no_field_takes_is_kept_escaped() -> None:
    phase = compiled(ODD, KEEP)
    (row,) = rows_of(phase, phase([record(1, n="a\ud800\x00ü")], LOOKUPS), "Thing__c")
    assert row["Unfit__c"].isascii()
    assert json.loads(row["Unfit__c"])["attributes.custom.n"] == "a\ud800\x00ü"


def test_a_line_with_no_rule_holds_the_record_as_ever() -> None:
    phase = compiled("Count__c: {source: attributes.custom.n, convert: decimal}")
    (held,) = phase([record(1, n="lots")], LOOKUPS).held
    assert (held.reason, held.field) == ("not-a-number", "Count__c")


def test_a_shortened_text_of_which_the_whole_does_not_fit_is_kept_raw() -> None:
    line = "Short__c: {source: attributes.custom.s, keep: Whole__c, bad: keep}"
    phase = compiled(line, KEEP)
    block = phase([record(1, s="x" * 8), record(2, s="y" * 20), record(3, s=["z"])], LOOKUPS)
    assert not block.held
    rows = rows_of(phase, block, "Thing__c")
    assert [row["Short__c"] for row in rows] == ["xxxx…", "yyyy…", ""]
    assert [row["Whole__c"] for row in rows] == ["x" * 8, "", ""]
    kept = [json.loads(row["Unfit__c"] or "{}").get("attributes.custom.s") for row in rows]
    assert kept == [None, "y" * 20, ["z"]]


def test_a_map_that_keeps_values_says_where_and_empties_nothing_that_is_required() -> None:
    with pytest.raises(MappingInvalid, match="names no field under `unfit`"):
        compiled(ODD)
    with pytest.raises(MappingInvalid, match="is filled again"):
        compiled(f"{ODD}Unfit__c: {{source: id}}", KEEP)
    must = shape(Must__c=replace(_FIELDS["Must__c"], nillable=False))
    line = "Must__c: {source: attributes.custom.s, bad: empty}"
    assert "requires Must__c" in faults(line, target=must)[0]
    assert faults(ODD, "        unfit: Nowhere__c\n")[0].startswith(
        "Thing__c has no field Nowhere__c"
    )
    assert (
        "is no text field"
        in faults("Short__c: {source: id, bad: keep}", "        unfit: Day__c\n")[0]
    )


def test_a_closed_list_is_looked_at_before_a_row_is_sent() -> None:
    phase = compiled(
        "Closed__c: {source: attributes.custom.c}\n"
        "Several__c: {source: attributes.custom.m, convert: multi-select}"
    )
    block = phase(
        [record(1, c="a", m=["b", "a"]), record(2, c="z"), record(3, m=["a", "z"])], LOOKUPS
    )
    assert [(each.reason, each.field) for each in block.held] == [
        ("unknown-value", "Closed__c"),
        ("unknown-value", "Several__c"),
    ]
    (row,) = rows_of(phase, block, "Thing__c")
    assert (row["Closed__c"], row["Several__c"]) == ("a", "b;a")


TOWNS = """
Area__c: {source: attributes.custom.a, convert: picklist}
Town__c: {source: attributes.custom.t, convert: picklist}
"""


def test_a_pair_that_the_org_does_not_offer_holds_the_record_and_names_both_fields() -> None:
    phase = compiled(TOWNS)
    records = [record(1, a="North", t="Oslo"), record(2, a="South", t="Oslo"), record(3, t="Oslo")]
    block = phase([*records, record(4, a="South")], LOOKUPS)
    assert [(held.source_id[-1], held.reason, held.field, held.detail) for held in block.held] == [
        (n, "invalid-combination", "Town__c", "depends on Thing__c.Area__c") for n in ("2", "3")
    ]
    assert [row["Town__c"] for row in rows_of(phase, block, "Thing__c")] == ["Oslo", ""]


def test_a_pair_that_the_org_does_not_offer_can_be_kept_raw() -> None:
    phase = compiled(TOWNS.replace("Town__c: {", "Town__c: {bad: keep, "), KEEP)
    (row,) = rows_of(phase, phase([record(1, a="South", t="Oslo")], LOOKUPS), "Thing__c")
    assert (row["Area__c"], row["Town__c"]) == ("South", "")
    assert json.loads(row["Unfit__c"]) == {"attributes.custom.t": "Oslo"}


def test_pairs_that_value_maps_make_of_one_source_are_looked_at_when_the_map_is_compiled() -> None:
    lines = """
Area__c: {source: attributes.custom.t, convert: values, values: {o: North, r: North, b: South}}
Town__c: {source: attributes.custom.t, convert: values, values: {o: Oslo, r: Rome, b: Bonn}}
"""
    (fault,) = faults(lines)
    assert fault == (
        "Thing__c.Town__c depends on Thing__c.Area__c: Rome with North, Bonn with South do not go "
        "together."
    )
    good = lines.replace("r: North", "r: South").replace("b: Bonn", "b: Rome")
    assert compiled(good).tables["Thing__c"].columns == ("Key__c", "Area__c", "Town__c")
    other = good.replace("values: {o: Oslo", "default: Rome, values: {o: Oslo")
    (default,) = faults(other.replace("{o: North, r", "{o: North, x: North, r"))
    assert "Rome with North do not go together" in default


def test_a_value_that_goes_with_nothing_that_can_come_is_a_fault() -> None:
    lonely = (
        "Area__c: {convert: constant, default: South}\nTown__c: {convert: constant, default: Oslo}"
    )
    assert "no value that the map gives that goes with Oslo" in faults(lonely)[0]
    assert "the map does not fill that" in faults("Town__c: {source: attributes.custom.t}")[0]


def test_a_checkbox_can_control_a_picklist() -> None:
    town = replace(
        _FIELDS["Town__c"], controller="Seen__c", valid_for=(("Oslo", frozenset({"true"})),)
    )
    lines = (
        "Seen__c: {source: attributes.custom.b, convert: boolean}\n"
        "Town__c: {source: attributes.custom.t}"
    )
    phase = compiled(lines, target=shape(Town__c=town))
    block = phase([record(1, b=True, t="Oslo"), record(2, t="Oslo")], LOOKUPS)
    assert [each.reason for each in block.held] == ["invalid-combination"]


def test_a_user_is_found_by_mail_address_and_one_that_nobody_has_is_told() -> None:
    lookups = Lookups(user_emails={"ann@a.test": "5" * 24})
    more = (
        "        parents:\n          owner: {source: attributes.custom.o, kinds: user, by: email, "
        "columns: {User: Owner__c}%s}\n"
    )
    found, unknown = record(1, o=" Ann@A.test "), record(2, o="bob@a.test")
    line = "Short__c: {source: attributes.custom.s}"
    block = compiled(line, more % "")([found, unknown, record(3)], lookups)
    assert block.tables["Thing__c"].parents == [["5" * 24, ""]]
    assert [(each.reason, each.field) for each in block.held] == [("unknown-user", "owner")]
    phase = compiled(line, more % ", bad: keep" + KEEP)
    block = phase([found, unknown], lookups)
    assert block.tables["Thing__c"].parents == [["5" * 24, ""]]
    assert block.tables["Thing__c"].unfit == {("owner", "unknown-user"): 1}
    rows = rows_of(phase, block, "Thing__c")
    assert [row["Unfit__c"] for row in rows] == ["", '{"attributes.custom.o": "bob@a.test"}']


def test_a_line_that_takes_a_part_stands_beside_one_that_keeps_the_whole() -> None:
    part = "Short__c: {source: attributes.custom.t, convert: tree, options: {part: leaf}}"
    with pytest.raises(MappingInvalid, match="keep the whole"):
        compiled(part)
    compiled(f"{part}\nWhole__c: {{source: attributes.custom.t, convert: tree}}")
    money = "Count__c: {source: attributes.custom.c, convert: currency, options: {multi: true}}"
    with pytest.raises(MappingInvalid, match="part: code"):
        compiled(money)
    with pytest.raises(MappingInvalid, match="full-name"):
        compiled("Short__c: {convert: first-name}")


def test_a_function_that_is_not_there_is_a_fault_of_its_line() -> None:
    text = mapping("Short__c: {source: attributes.custom.s, convert: 'python:m:f'}")
    with pytest.raises(MappingDoesNotFit) as error:
        compile_mapping(
            parse_mapping(text, "m"), shape(), MapSettings(unusable={"m:f": "m has no f"})
        )
    assert error.value.faults == ["Thing__c.Short__c: python:m:f: m has no f."]
    assert error.value.places[0][-2:] == ("fields", "Short__c")
    settings = MapSettings(functions={"m:f": lambda value, record: str(value).upper()})
    phase = compile_mapping(parse_mapping(text, "m"), shape(), settings).phases["things"]
    (row,) = rows_of(phase, phase([record(1, s="abc")], LOOKUPS), "Thing__c")
    assert row["Short__c"] == "ABC"


def test_the_lines_that_the_operators_page_shows_are_lines_of_a_map() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operator" / "map.md").read_text(encoding="utf-8")
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    lines = "".join(f"        {line}\n" for line in shown.splitlines())
    head = mapping("Short__c: {source: id}", KEEP).partition("        fields:")[0]
    key = "fields:\n          Key__c: {source: id, convert: id}\n"
    read = parse_mapping(head + lines.replace("fields:\n", key), "m")
    table = read.phases["things"].tables["Thing__c"]
    assert {line.convert for line in table.fields.values()} >= {
        "currency",
        "tree",
        "python:mine:score",
    }
