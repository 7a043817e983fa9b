"""Turns a mapping and the target's shape into plain functions, or says all that does not fit."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from transforms.choice import chooser
from transforms.columns import Columns, MapSettings, add_unfit, columns_of, supplies_of
from transforms.elements import ASKED, compile_each
from transforms.errors import Hold, MappingDoesNotFit
from transforms.fit import Fit
from transforms.generate import row_maker
from transforms.map_lines import MatchLine
from transforms.mapping import Mapping, PhaseLine, TableLine
from transforms.match import MatchRule
from transforms.matching import matching_of
from transforms.phase import CompiledPhase
from transforms.record import Record, compile_path
from transforms.references import ParentField, reference, user_by_email
from transforms.rules import KeptLine, lenient
from transforms.shape import FieldShape, ObjectShape, TargetShape
from transforms.table import LenientTable, Table

__all__ = [
    "CompiledMapping",
    "CompiledPhase",
    "MapSettings",
    "MatchRule",
    "ParentField",
    "Table",
    "compile_mapping",
]


Reference = Callable[[Record], str]


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
        if _moves(line, mapping)
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
    tables, changes = {}, line.operation == "update"
    for object_name, table in line.tables.items():
        target = shape.get(object_name)
        fit.at = ("phases", name, "tables", object_name)
        if target is None:
            fit.fault(f"{name}: the org has no object {object_name}.")
        else:
            taken = _is_taken_over(mapping, line.kind, object_name)
            tables[object_name] = _table(
                target, table, settings, fit, changes=changes, supplies=taken
            )
            if not changes:
                fit.required(target, _columns_of(tables[object_name]))
    read_as, read = (line.of, mapping.phases[line.of]) if line.of else (name, line)
    reads = frozenset({read.kind, read_as})
    return CompiledPhase(
        name,
        line.kind,
        tables,
        None,
        chooser(line),
        reads,
        fed=line.of is not None,
        keeps_deleted=line.deleted == "move",
        known_by=compile_path(line.known_by) if line.known_by and _is_asked(mapping) else None,
        asks=next((ASKED[each] for each in _makers(line)), None),
    )


def _makers(line: PhaseLine) -> list[str]:
    """The makers of lists that look for customers by their addresses."""
    return [t.each for t in line.tables.values() if t.each is not None and t.each in ASKED]


def _is_asked(mapping: Mapping) -> bool:
    """Whether any phase that moves looks for customers by their addresses."""
    return any(_moves(line, mapping) and _makers(line) for line in mapping.phases.values())


def _is_taken_over(mapping: Mapping, kind: str, target: str) -> bool:
    """Whether any phase that moves takes over values of parents of a kind that became `target`."""
    return any(
        kind in parent.kinds and target in parent.supplied
        for line in mapping.phases.values()
        if _moves(line, mapping)
        for table in line.tables.values()
        for parent in table.parents.values()
    )


def _moves(line: PhaseLine, mapping: Mapping) -> bool:
    return line.move and (line.of is None or mapping.phases[line.of].move)


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


def _table(
    target: ObjectShape,
    line: TableLine,
    settings: MapSettings,
    fit: Fit,
    *,
    changes: bool,
    supplies: bool,
) -> Table:
    columns, kept = columns_of(target, line, settings, fit)
    parents, references, kept_parents = _parents(target, line, settings, fit)
    add_unfit(columns, target, line, fit, kept, kept_parents)
    fit.key(target, line.key)
    fit.dependent(target, line, changes=changes)
    matching, match_key = matching_of(target, line, _same_as(line, columns), fit)
    split = line.split
    made = LenientTable if line.bends() else Table
    asked = supplies_of(line, settings, fit) if supplies else {}
    return made(
        target.name,
        tuple(columns.names),
        tuple(parents),
        line.key,
        row_maker(columns.makers, columns.order),
        tuple(columns.makers[number].cell for number in columns.order),
        tuple(references),
        match_key,
        columns.names.index(split.field) if split and split.field in columns.names else None,
        split.bytes if split else 0,
        compile_each(line.each) if line.each else None,
        changes,
        _shapes(target, columns, parents),
        tuple(map(columns.names.index, columns.volatile)),
        matching,
        line.retired if line.retired and line.retired in target.fields else "",
        asked,
    )


def _shapes(
    target: ObjectShape, columns: Columns, parents: Sequence[ParentField]
) -> dict[str, FieldShape]:
    """The field behind each column; `Id`, which names a record and is no field of the map, is not."""
    names = [*columns.names, *(c for parent in parents for c in parent.columns.values())]
    return {name: target.fields[name] for name in names if name in target.fields and name != "Id"}


def _columns_of(table: Table) -> list[str]:
    return [*table.columns, *(c for parent in table.parents for c in parent.columns.values())]


def _same_as(line: TableLine, columns: Columns) -> Callable[[Record], str] | None:
    if line.same_as not in columns.names:
        return None
    return columns.makers[columns.order[columns.names.index(line.same_as)]].cell


def _parents(
    target: ObjectShape, line: TableLine, settings: MapSettings, fit: Fit
) -> tuple[list[ParentField], list[Reference], list[KeptLine]]:
    """The parents of a table, the functions that write their references, and what of them is kept."""
    parents: list[ParentField] = []
    references: list[Reference] = []
    kept: list[KeptLine] = []
    for name, each in line.parents.items():
        if not fit.parent(target, name, each):
            continue
        # Owners come as lists also where only one kind can be owner.
        chain = len(each.kinds) > 1 or each.default is not None
        default = settings.default_owner_id if each.default else None
        parents.append(
            ParentField(
                name,
                tuple(each.kinds),
                each.columns,
                each.required,
                default,
                chain,
                each.gone == "leave",
                fit.supplied(target, each),
            )
        )
        paths = [(path, compile_path(path)) for path in each.source]
        sources = [
            (kind, user_by_email(name, get) if each.by == "email" else get)
            for kind, (_, get) in zip(each.kinds, paths, strict=True)
        ]
        write = reference(name, sources, chain=chain, needed=each.absent == "hold")
        references.append(write if each.bad == "hold" else lenient(write, name))
        if each.bad == "keep":
            kept.append(KeptLine(paths, write))
    return parents, references, kept
