"""Turns a mapping and the target's shape into plain functions, or says all that does not fit."""

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field

from transforms.converters import CONVERTERS, ConverterContext
from transforms.converters.cells import quoted
from transforms.converters.lists import domain_key
from transforms.errors import Hold, MappingDoesNotFit
from transforms.fit import Fit
from transforms.generate import Maker, row_maker
from transforms.mapping import FieldLine, Mapping, MatchLine, PhaseLine, TableLine, WhenLine
from transforms.match import MatchRule
from transforms.phase import CompiledPhase
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
class CompiledMapping:
    """All phases by name."""

    phases: AnyMapping[str, CompiledPhase]


def compile_mapping(mapping: Mapping, shape: TargetShape, settings: MapSettings) -> CompiledMapping:
    """Compile the phases that move; raises `MappingDoesNotFit` with all that the target lacks."""
    fit = Fit()
    phases = {
        name: _phase(name, line, mapping, shape, settings, fit)
        for name, line in mapping.phases.items()
        if line.move and (line.of is None or mapping.phases[line.of].move)
    }
    if fit.faults:
        raise MappingDoesNotFit(fit.faults, fit.places)
    return CompiledMapping(phases)


def _phase(
    name: str,
    line: PhaseLine,
    mapping: Mapping,
    shape: TargetShape,
    settings: MapSettings,
    fit: Fit,
) -> CompiledPhase:
    if line.match is not None:
        return _match_phase(name, line.kind, line.match)
    tables = {}
    for object_name, table in line.tables.items():
        target = shape.get(object_name)
        fit.at = ("phases", name, "tables", object_name)
        if target is None:
            fit.fault(f"{name}: the org has no object {object_name}.")
        else:
            tables[object_name] = _table(
                target, table, settings, fit, changes=line.operation == "update"
            )
            if line.operation == "insert":
                fit.required(target, _columns_of(tables[object_name]))
    read_as, read = (line.of, mapping.phases[line.of]) if line.of else (name, line)
    reads = frozenset({read.kind, read_as})
    fed = line.of is not None
    return CompiledPhase(name, line.kind, tables, None, _chooser(line), reads, fed)


def _match_phase(name: str, kind: str, line: MatchLine) -> CompiledPhase:
    rule = MatchRule(line.object, line.target, line.where, compile_path(line.source), line.make)
    table = _Unquoted(
        rule.object,
        (rule.target,),
        (),
        None,
        lambda record: [rule.payload(record)],
        (rule.payload,),
        (),
    )
    reads = frozenset({kind, name})
    return CompiledPhase(name, kind, {rule.object: table}, rule, lambda record: rule.object, reads)


class _Unquoted(Table):
    """A table of a match phase: its payload is what the match needs (`MatchFacts`), not CSV."""

    def _payloads(self, cells: list[str]) -> list[bytes]:
        try:
            return [cells[0].encode()]
        except UnicodeEncodeError:
            raise Hold("bad-text", self.columns[0]) from None


def _chooser(line: PhaseLine) -> Callable[[Record], str]:
    if line.choose is None:
        only = next(iter(line.tables), "")
        return lambda record: only
    get, present, absent = compile_path(line.choose.source), line.choose.present, line.choose.absent
    return lambda record: present if get(record) else absent


@dataclass
class _Columns:
    """Columns in CSV order; a cell that several columns show is made once."""

    names: list[str] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, maker: Maker, recipe: str) -> int:
        """Add a column; returns the number of its cell."""
        number = self.known.get(recipe)
        if number is None:
            number = self.known[recipe] = len(self.makers)
            self.makers.append(maker)
        self.names.append(name)
        self.order.append(number)
        return number


def _table(
    target: ObjectShape, line: TableLine, settings: MapSettings, fit: Fit, *, changes: bool
) -> Table:
    columns = _columns(target, line, fit)
    parents, references = _parents(target, line, settings, fit)
    fit.key(target, line.key)
    split = line.split
    return Table(
        target.name,
        tuple(columns.names),
        tuple(parents),
        line.key,
        row_maker(columns.makers, columns.order),
        tuple(columns.makers[number].cell for number in columns.order),
        tuple(references),
        _match_key(line),
        columns.names.index(split.field) if split and split.field in columns.names else None,
        split.bytes if split else 0,
        compile_path(line.each) if line.each else None,
        changes,
    )


def _columns_of(table: Table) -> list[str]:
    return [*table.columns, *(c for parent in table.parents for c in parent.columns.values())]


def _columns(target: ObjectShape, line: TableLine, fit: Fit) -> _Columns:
    columns = _Columns()
    # The key first: results are read by it.
    for name, each in sorted(line.fields.items(), key=lambda item: item[0] != line.key):
        shape = fit.usable(target, name, optional=each.optional)
        if shape is None:
            continue
        fit.line(target, shape, each)
        is_split = line.split is not None and line.split.field == name
        length = 0 if is_split else shape.length
        recipe = each.model_dump_json(exclude={"optional", "reason", "confidence"})
        number = columns.add(name, _maker(each, length), f"{length} {recipe}")
        if each.keep is not None and (whole := fit.usable(target, each.keep)):
            cell = _whole(each, shape, whole)
            short = number if shape.length else None
            columns.add(each.keep, Maker(cell, length=shape.length, shortened=short), each.keep)
    return columns


def _maker(line: FieldLine, length: int) -> Maker:
    cell = _cell(line, length)
    if line.when is not None:
        return Maker(cell)
    has_default = line.convert in ("text", "boolean")
    return Maker(
        cell,
        tuple(line.source),
        length,
        plain=line.convert == "text",
        blank=CONVERTERS[line.convert].blank,
        absent=quoted(line.default or "") if has_default else "",
    )


def _cell(line: FieldLine, length: int) -> Cell:
    cell = CONVERTERS[line.convert].make(
        ConverterContext(
            get=first_of(line.source),
            length=length,
            default=line.default,
            keep=line.keep is not None,
            values={key.lower(): value for key, value in line.values.items()},
            options=line.options,
        )
    )
    return cell if line.when is None else _guarded(cell, line.when)


def _guarded(cell: Cell, when: WhenLine) -> Cell:
    """The cell for records of which the condition holds; empty for all others."""
    get, equals = compile_path(when.source), frozenset(when.equals)

    def guarded(record: Record) -> str:
        value = get(record)
        return cell(record) if isinstance(value, str) and value in equals else ""

    return guarded


def _whole(line: FieldLine, short: FieldShape, whole: FieldShape) -> Cell:
    """The cell that keeps the whole of a value that was shortened; else empty."""
    limit = short.length
    text = FieldLine(source=line.source, convert="text", when=line.when)
    cell = _cell(text, whole.length)

    def kept(record: Record) -> str:
        # A cell is never shorter than its text: one that fits was not shortened.
        made = cell(record)
        if not limit or len(made) <= limit:
            return ""
        return made if len(made.replace('""', '"')) > limit else ""

    return kept


def _match_key(line: TableLine) -> Callable[[Record], str] | None:
    if line.match_key is None:
        return None
    get = compile_path(line.match_key)
    return lambda record: domain_key(get(record))


def _parents(
    target: ObjectShape, line: TableLine, settings: MapSettings, fit: Fit
) -> tuple[list[ParentField], list[Callable[[Record], str]]]:
    parents, references = [], []
    for name, each in line.parents.items():
        if not fit.parent(target, name, each):
            continue
        chain = len(each.kinds) > 1
        default = settings.default_owner_id if each.default else None
        parents.append(
            ParentField(name, tuple(each.kinds), each.columns, each.required, default, chain)
        )
        sources = [
            (kind, compile_path(path)) for kind, path in zip(each.kinds, each.source, strict=True)
        ]
        references.append(reference(name, sources, chain=chain, needed=each.absent == "hold"))
    return parents, references
