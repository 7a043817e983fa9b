"""`map show`: every line of the map with samples side by side, as facts for a table or a page.

Values of sensitive attributes are hidden, wherever they would show: in their own lines, and in what
keeps the rest of a record as JSON.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from connectors.clock import Clock
from service.compose import open_kustomer, open_salesforce
from service.config import Config
from service.confirm import map_changes
from service.declared import phases_of
from service.ledger import open_ledger
from service.map_functions import digests_of, load_functions
from service.map_samples import Samples, read_samples, record_of, whole_values
from service.mapped import default_owner, map_text, parsed, read_shape
from service.names import read_lookups
from service.source_schema import read_source_schema
from service.value_facts import (
    Basis,
    KindValues,
    ValueFacts,
    ViewFacts,
    line_facts,
)
from state.errors import NoWorkspace, StateTooOld
from transforms.compile import CompiledMapping, compile_mapping
from transforms.errors import Hold, MappingDoesNotFit
from transforms.map_lines import FieldLine, ParentLine
from transforms.mapping import Mapping, TableLine
from transforms.planned import planned
from transforms.record import Record, first_of
from transforms.shape import TargetShape
from transforms.table import Table

HIDDEN = "(hidden)"
_SAMPLES = 2
_SHOWN = 160
_CUSTOM = "attributes.custom."


class SampleFacts(ViewFacts):
    """One record's value at the source, and what it becomes; `held` when the record would be held."""

    source: str
    target: str
    held: bool = False


class LineFacts(ViewFacts):
    """One line. `made`: the field is made by `schema deploy`. `confidence` null: not proposed."""

    field: str
    source: str
    convert: str
    made: bool
    confidence: float | None
    reason: str
    sensitive: bool
    samples: list[SampleFacts]
    values: list[ValueFacts]


class TableFacts(ViewFacts):
    """One object that the records of a phase go to. `basis`: what the lines' `values` are counted of.

    `all`: every extracted record; `sample`: some pages, before that; `records` how many. Of `sampled`
    records that were looked at now, `chosen` go to this object.
    """

    phase: str
    kind: str
    object: str
    moved: bool
    basis: Basis
    records: int
    sampled: int
    chosen: int
    lines: list[LineFacts]


class MapFacts(ViewFacts):
    """The whole map. `confirmed` says by whom and whether it still counts; `faults` what is wrong."""

    confirmed: str
    tables: list[TableFacts]
    faults: list[str]


@dataclass(frozen=True)
class MapView:
    """The map's facts, and what only the operator's own page may show.

    `outside`: by object and field, values that the target has no place for, as far as their names are
    known; never those of sensitive attributes.
    """

    facts: MapFacts
    outside: dict[tuple[str, str], list[str]]


async def view_map(config: Config, clock: Clock) -> MapView:
    """Read the map, and a few records of each kind to show what becomes of them.

    A kind that was not read to its end yet costs up to eight pages, for the figures of a sample.

    Nothing is written. Raises `MappingInvalid`, `PhasesCircular` and the connectors' errors.
    """
    mapping = parsed(map_text(config))
    phases = phases_of(mapping)
    async with (
        open_kustomer(config, clock) as kustomer,
        open_salesforce(config, clock) as salesforce,
    ):
        schema = await read_source_schema(kustomer)
        shape = planned(mapping, await read_shape(mapping, salesforce))
        samples = Samples(
            await read_lookups(kustomer), schema, await whole_values(config, clock, phases)
        )
        await read_samples(samples, kustomer, mapping, phases)
        owner = await default_owner(config, salesforce)
    faults: list[str] = []
    compiled = CompiledMapping({})
    try:
        compiled = compile_mapping(mapping, shape, load_functions(config, mapping).settings(owner))
    except MappingDoesNotFit as error:
        faults = error.faults
    tables = [
        _table(name, line.kind, each, mapping, compiled, samples, shape)
        for name, line in mapping.phases.items()
        for each in line.tables
    ]
    facts = MapFacts(
        confirmed=await confirmation_of(config, clock, mapping), tables=tables, faults=faults
    )
    return MapView(facts, samples.outside)


async def confirmation_of(config: Config, clock: Clock, mapping: Mapping) -> str:
    """Say who confirmed the map, and whether it is the same still; the orgs are not asked."""
    try:
        async with open_ledger(config, clock.now, read_only=True) as ledger:
            known = await ledger.confirmations.latest()
    except (NoWorkspace, StateTooOld):
        known = None
    if known is None:
        return "not confirmed"
    if map_changes(known, mapping, digests_of(config, mapping)):
        return f"changed since {known.confirmed_by} confirmed it"
    return f"confirmed by {known.confirmed_by}"


def _table(
    phase: str,
    kind: str,
    name: str,
    mapping: Mapping,
    compiled: CompiledMapping,
    samples: Samples,
    target: TargetShape,
) -> TableFacts:
    line = mapping.phases[phase]
    table = line.tables[name]
    read = line.of or phase
    made = compiled.phases.get(phase)
    sensitive = samples.sensitive.get(read, frozenset())
    records = [_without(each, sensitive) for each in samples.records.get(read, [])]
    ours = [
        each
        for each in (record_of(row, samples.lookups) for row in records)
        if each is not None and (made is None or made.choose(each) == name)
    ]
    cells = made.tables[name] if made else None
    lines = [
        _field(field, each, table, cells, ours, sensitive) for field, each in table.fields.items()
    ]
    known = samples.values.get(read) or KindValues()
    there = target.get(name)
    for fact, (column, each) in zip(lines, table.fields.items(), strict=True):
        shape = there.fields.get(column) if there else None
        fact.values = line_facts(known, each, shape, {_CUSTOM + one for one in sensitive})
        if not fact.sensitive:
            samples.name_outside((name, column), known, each, shape, read, kind)
    lines += [_parent(each, parent, table, ours) for each, parent in table.parents.items()]
    return TableFacts(
        phase=phase,
        kind=kind,
        object=name,
        moved=made is not None,
        basis=known.basis,
        records=known.records,
        sampled=len(records),
        chosen=len(ours),
        lines=lines,
    )


def _without(row: dict[str, Any], sensitive: frozenset[str]) -> dict[str, Any]:
    """The record as anyone may see it."""
    attributes = row.get("attributes")
    custom = attributes.get("custom") if isinstance(attributes, dict) else None
    if not isinstance(custom, dict) or not sensitive & custom.keys():
        return row
    shown = {key: each for key, each in custom.items() if key not in sensitive}
    return {**row, "attributes": {**row["attributes"], "custom": shown}}


def _field(
    name: str,
    line: FieldLine,
    table: TableLine,
    cells: Table | None,
    records: list[Record],
    sensitive: frozenset[str],
) -> LineFacts:
    hidden = any(path.removeprefix(_CUSTOM) in sensitive for path in line.source)
    if hidden:
        samples = [SampleFacts(source=HIDDEN, target=HIDDEN)]
    elif cells is None or name not in cells.columns or table.each:
        samples = []
    else:
        samples = _compared(line, cells.cells[cells.columns.index(name)], records)
    return LineFacts(
        field=name,
        source=", ".join(line.source),
        convert=line.convert,
        made=name in table.create,
        confidence=line.confidence,
        reason=line.reason or "",
        sensitive=hidden,
        samples=samples,
        values=[],
    )


def _compared(line: FieldLine, cell: Any, records: list[Record]) -> list[SampleFacts]:
    """Some records that differ, those with a value first."""
    get = first_of(line.source)
    found: list[SampleFacts] = []
    for record in records:
        try:
            target, held = str(cell(record)).replace('""', '"'), False
        except Hold as hold:
            target, held = f"held: {hold.reason}", True
        each = SampleFacts(source=_said(get(record)), target=_short(target), held=held)
        if target and all(each.target != other.target for other in found):
            found.append(each)
        if len(found) == _SAMPLES:
            break
    return found


def _parent(name: str, parent: ParentLine, table: TableLine, records: list[Record]) -> LineFacts:
    get = first_of(parent.source)
    values = list(dict.fromkeys(_said(value) for each in records if (value := get(each))))
    given = [column for some in parent.supplied.values() for column in some]
    columns = ", ".join(dict.fromkeys([*parent.columns.values(), *given]))
    kinds = " or ".join(parent.kinds)
    return LineFacts(
        field=columns,
        source=", ".join(parent.source),
        convert=f"the {kinds} it names",
        made=bool(set(parent.columns.values()) & set(table.create)),
        confidence=None,
        reason="",
        sensitive=False,
        values=[],
        samples=[
            SampleFacts(source=value, target=f"its {' or '.join(parent.columns)}")
            for value in values[:1]
        ],
    )


def _said(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return _short(text)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
