"""`map show`: every line of the map with samples side by side, as facts for a table or a page.

Values of sensitive attributes are hidden, wherever they would show: in their own lines, and in what
keeps the rest of a record as JSON.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from connectors.clock import Clock
from connectors.errors import NotFound, RoleMissing
from connectors.kustomer.client import KustomerClient
from service.compose import open_kustomer, open_salesforce
from service.config import Config
from service.confirm import map_changes
from service.declared import phases_of
from service.ledger import open_ledger
from service.map_functions import digests_of, load_functions
from service.mapped import default_owner, map_text, parsed, read_shape
from service.names import read_lookups
from service.phases import Phase
from service.source_schema import read_source_schema
from state.errors import NoWorkspace, StateTooOld
from transforms.compile import CompiledMapping, compile_mapping
from transforms.errors import Hold, MappingDoesNotFit
from transforms.lookups import Lookups
from transforms.mapping import FieldLine, Mapping, ParentLine, TableLine
from transforms.planned import planned
from transforms.record import Record, first_of
from transforms.schema.source import SourceSchema
from transforms.table import Table

HIDDEN = "(hidden)"
_SAMPLES = 2
_READ = 25
_SHOWN = 160
_CUSTOM = "attributes.custom."


class ViewFacts(BaseModel):
    """The root of what a view is made of; nothing is in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


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


class TableFacts(ViewFacts):
    """One object that the records of a phase go to."""

    phase: str
    kind: str
    object: str
    moved: bool
    lines: list[LineFacts]


class MapFacts(ViewFacts):
    """The whole map. `confirmed` says by whom and whether it still counts; `faults` what is wrong."""

    confirmed: str
    tables: list[TableFacts]
    faults: list[str]


@dataclass(frozen=True)
class _Samples:
    """Records by kind, and for each kind the names of its sensitive attributes."""

    lookups: Lookups
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sensitive: dict[str, frozenset[str]] = field(default_factory=dict)


async def view_map(config: Config, clock: Clock) -> MapFacts:
    """Read the map, and a few records of each kind to show what becomes of them.

    Nothing is written. Raises `MappingInvalid`, `PhasesCircular` and the connectors' errors.
    """
    mapping = parsed(map_text(config))
    phases = phases_of(mapping)
    async with (
        open_kustomer(config, clock) as kustomer,
        open_salesforce(config, clock) as salesforce,
    ):
        schema = await read_source_schema(kustomer)
        samples = await _samples(kustomer, phases, schema)
        shape = planned(mapping, await read_shape(mapping, salesforce))
        owner = await default_owner(config, salesforce)
    faults: list[str] = []
    compiled = CompiledMapping({})
    try:
        compiled = compile_mapping(mapping, shape, load_functions(config, mapping).settings(owner))
    except MappingDoesNotFit as error:
        faults = error.faults
    tables = [
        _table(name, line.kind, each, mapping, compiled, samples)
        for name, line in mapping.phases.items()
        for each in line.tables
    ]
    return MapFacts(
        confirmed=await confirmation_of(config, clock, mapping), tables=tables, faults=faults
    )


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


async def _samples(
    kustomer: KustomerClient, phases: tuple[Phase, ...], schema: SourceSchema
) -> _Samples:
    samples = _Samples(await read_lookups(kustomer))
    for phase in phases:
        if phase.of or phase.operation == "match":
            continue
        try:
            page = await kustomer.list_page(phase.stream.path, 1, page_size=_READ)
        except (NotFound, RoleMissing):
            continue
        kind = schema.kinds.get(phase.kind)
        samples.records[phase.name] = page.rows
        samples.sensitive[phase.name] = frozenset(
            name for name, each in (kind.attributes if kind else {}).items() if each.sensitive
        )
    return samples


def _table(
    phase: str,
    kind: str,
    name: str,
    mapping: Mapping,
    compiled: CompiledMapping,
    samples: _Samples,
) -> TableFacts:
    line = mapping.phases[phase]
    table = line.tables[name]
    read = line.of or phase
    made = compiled.phases.get(phase)
    sensitive = samples.sensitive.get(read, frozenset())
    records = [_without(each, sensitive) for each in samples.records.get(read, [])]
    ours = [
        each
        for each in (_record(row, samples.lookups) for row in records)
        if each is not None and (made is None or made.choose(each) == name)
    ]
    cells = made.tables[name] if made else None
    lines = [
        _field(field, each, table, cells, ours, sensitive) for field, each in table.fields.items()
    ]
    lines += [_parent(each, parent, table, ours) for each, parent in table.parents.items()]
    return TableFacts(phase=phase, kind=kind, object=name, moved=made is not None, lines=lines)


def _without(row: dict[str, Any], sensitive: frozenset[str]) -> dict[str, Any]:
    """The record as anyone may see it."""
    attributes = row.get("attributes")
    custom = attributes.get("custom") if isinstance(attributes, dict) else None
    if not isinstance(custom, dict) or not sensitive & custom.keys():
        return row
    shown = {key: each for key, each in custom.items() if key not in sensitive}
    return {**row, "attributes": {**row["attributes"], "custom": shown}}


def _record(row: dict[str, Any], lookups: Lookups) -> Record | None:
    attributes = row.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(row.get("id"), str):
        return None
    return Record(row, attributes, lookups)


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
    columns = ", ".join(dict.fromkeys(parent.columns.values()))
    kinds = " or ".join(parent.kinds)
    return LineFacts(
        field=columns,
        source=", ".join(parent.source),
        convert=f"the {kinds} it names",
        made=bool(set(parent.columns.values()) & set(table.create)),
        confidence=None,
        reason="",
        sensitive=False,
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
