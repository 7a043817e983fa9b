"""Turns a mapping and the target's shape into plain functions, or says all that does not fit."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from transforms.block import Block, HeldRecord, SkippedRecord
from transforms.converters import CONVERTERS, ConverterContext
from transforms.converters.lists import domain_key
from transforms.errors import Hold, MappingDoesNotFit
from transforms.lookups import Lookups
from transforms.mapping import FieldLine, Mapping, PhaseLine, TableLine
from transforms.match import MatchRule
from transforms.record import Cell, Record, compile_path, first_of
from transforms.shape import FieldShape, ObjectShape, TargetShape
from transforms.table import ParentField, Table, reference

__all__ = [
    "CompiledMapping",
    "CompiledPhase",
    "MapSettings",
    "MatchRule",
    "ParentField",
    "Table",
    "compile_mapping",
]


@dataclass(frozen=True)
class MapSettings:
    """What a map takes from the run: the owner of records whose own owner is unknown (an id)."""

    default_owner_id: str | None = None


@dataclass(frozen=True)
class CompiledPhase:
    """The function of one phase. A match phase has a rule and no tables."""

    name: str
    kind: str
    tables: AnyMapping[str, Table]
    match: MatchRule | None
    choose: Callable[[Record], str]

    def __call__(self, records: Sequence[Any], lookups: Lookups) -> Block:
        """Map one page. Each record ends in rows, held or skipped; none affects its neighbours."""
        block = Block({name: table.empty() for name, table in self.tables.items()})
        for row in records:
            source_id = row.get("id") if isinstance(row, dict) else None
            if not isinstance(source_id, str) or not source_id:
                block.held.append(HeldRecord(_surrogate_id(row), "no-id"))
                continue
            attributes = row.get("attributes")
            if not isinstance(attributes, dict):
                block.held.append(HeldRecord(source_id, "no-attributes"))
                continue
            if attributes.get("deleted") is True and self.match is None:
                block.skipped.append(SkippedRecord(source_id, "deleted"))
                continue
            record = Record(row, attributes, lookups)
            try:
                name = self.choose(record)
                self.tables[name].add(record, block.tables[name])
            except Hold as hold:
                block.held.append(HeldRecord(source_id, hold.reason, hold.field, hold.detail))
        return block


@dataclass(frozen=True)
class CompiledMapping:
    """All phases by name."""

    phases: AnyMapping[str, CompiledPhase]


def compile_mapping(mapping: Mapping, shape: TargetShape, settings: MapSettings) -> CompiledMapping:
    """Compile; raises `MappingDoesNotFit` with every field or value that the target lacks."""
    faults: list[str] = []
    phases = {
        name: _phase(name, line, shape, settings, faults) for name, line in mapping.phases.items()
    }
    if faults:
        raise MappingDoesNotFit(faults)
    return CompiledMapping(phases)


def _phase(
    name: str, line: PhaseLine, shape: TargetShape, settings: MapSettings, faults: list[str]
) -> CompiledPhase:
    if line.match is not None:
        rule = MatchRule(
            line.match.object, line.match.target, line.match.where, compile_path(line.match.source)
        )
        tables = {rule.object: _match_table(rule)}
        return CompiledPhase(name, line.kind, tables, rule, lambda record: rule.object)
    tables = {}
    for object_name, table in line.tables.items():
        target = shape.get(object_name)
        if target is None:
            faults.append(f"{name}: the org has no object {object_name}.")
        else:
            tables[object_name] = _table(target, table, settings, faults)
    return CompiledPhase(name, line.kind, tables, None, _chooser(line))


def _chooser(line: PhaseLine) -> Callable[[Record], str]:
    if line.choose is None:
        only = next(iter(line.tables), "")
        return lambda record: only
    get, present, absent = compile_path(line.choose.source), line.choose.present, line.choose.absent
    return lambda record: present if get(record) else absent


def _match_table(rule: MatchRule) -> Table:
    """A match phase's rows carry nothing but the value to match by."""

    def value(record: Record) -> str:
        found = rule.get(record)
        return rule.normalise(found) if isinstance(found, str) else ""

    return _Unquoted(rule.object, (rule.target,), (), None, (value,), ())


class _Unquoted(Table):
    """A table whose payload is the one cell itself, not CSV."""

    def _parts(self, cells: list[str]) -> list[bytes]:
        return [cells[0].encode("utf-8", "replace")]


def _table(target: ObjectShape, line: TableLine, settings: MapSettings, faults: list[str]) -> Table:
    columns: list[str] = []
    cells: list[Cell] = []
    for name, field in _in_order(line):
        shape = _usable(target, name, field.optional, faults)
        if shape is None:
            continue
        _check_values(target, shape, field, faults)
        columns.append(name)
        cells.append(
            _cell(name, field, shape, split=line.split is not None and line.split.field == name)
        )
        if field.keep is not None and (whole := _usable(target, field.keep, False, faults)):
            columns.append(field.keep)
            cells.append(_whole(field, limit=shape.length, room=whole.length))
    parents, references = _parents(target, line, settings, faults)
    _check_required(target, columns, parents, faults)
    return Table(
        target.name,
        tuple(columns),
        tuple(parents),
        line.key,
        tuple(cells),
        tuple(references),
        _match_key(line),
        columns.index(line.split.field) if line.split else None,
        line.split.bytes if line.split else 0,
    )


def _in_order(line: TableLine) -> list[tuple[str, FieldLine]]:
    """The key first: results are read by it."""
    return sorted(line.fields.items(), key=lambda item: item[0] != line.key)


def _match_key(line: TableLine) -> Callable[[Record], str] | None:
    if line.match_key is None:
        return None
    get = compile_path(line.match_key)
    return lambda record: domain_key(get(record))


def _cell(name: str, field: FieldLine, shape: FieldShape, *, split: bool) -> Cell:
    paths = [field.source] if isinstance(field.source, str) else field.source
    return CONVERTERS[field.convert](
        ConverterContext(
            field=name,
            get=first_of(paths),
            length=0 if split else shape.length,
            default=field.default,
            keep=field.keep is not None,
            values={key.lower(): value for key, value in field.values.items()},
            options=field.options,
        )
    )


def _whole(field: FieldLine, *, limit: int, room: int) -> Cell:
    """The cell that keeps the whole of a value that was shortened; else empty."""
    paths = [field.source] if isinstance(field.source, str) else field.source
    get = first_of(paths)
    whole = CONVERTERS["text"](ConverterContext(field="", get=get, length=room))

    def cell(record: Record) -> str:
        value = get(record)
        if not isinstance(value, str) or len(value) <= limit:
            return ""
        return whole(record)

    return cell


def _parents(
    target: ObjectShape, line: TableLine, settings: MapSettings, faults: list[str]
) -> tuple[list[ParentField], list[Callable[[Record], str]]]:
    parents, references = [], []
    for name, reference_line in line.parents.items():
        usable = [
            _usable(target, column, reference_line.optional, faults)
            for column in reference_line.columns.values()
        ]
        if None in usable:
            continue
        chain = len(reference_line.kinds) > 1
        default = settings.default_owner_id if reference_line.default else None
        parents.append(
            ParentField(
                name,
                tuple(reference_line.kinds),
                reference_line.columns,
                reference_line.required,
                default,
                chain,
            )
        )
        sources = [
            (kind, compile_path(path))
            for kind, path in zip(reference_line.kinds, reference_line.source, strict=True)
        ]
        references.append(reference(sources, chain=chain))
    return parents, references


def _usable(target: ObjectShape, name: str, optional: bool, faults: list[str]) -> FieldShape | None:
    shape = target.fields.get(name)
    if shape is not None and shape.createable:
        return shape
    if not optional:
        what = "has no field" if shape is None else "does not let us set"
        faults.append(f"{target.name} {what} {name} (or the running user may not see or write it).")
    return None


def _check_values(
    target: ObjectShape, shape: FieldShape, field: FieldLine, faults: list[str]
) -> None:
    if not shape.restricted:
        return
    wanted = {value for value in (*field.values.values(), field.default) if value}
    missing = sorted(wanted - set(shape.picklist))
    if missing:
        faults.append(f"{target.name}.{shape.name} does not offer {', '.join(missing)}.")


def _check_required(
    target: ObjectShape, columns: list[str], parents: list[ParentField], faults: list[str]
) -> None:
    given = {*columns, *(column for parent in parents for column in parent.columns.values())}
    missing = [
        name for name, field in target.fields.items() if field.required and name not in given
    ]
    faults.extend(
        f"{target.name} requires {name}, which the map does not give." for name in missing
    )


def _surrogate_id(row: Any) -> str:
    """A stable name for a record without an id, so that it can be held and counted once."""
    try:
        data = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        data = repr(row).encode("utf-8", "replace")
    return f"noid-{blake2b(data, digest_size=8).hexdigest()}"
