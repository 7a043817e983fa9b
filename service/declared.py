"""The phases of one migration: the standard ones, and those that only its map declares.

A klass becomes a phase like any other; what is made once more of the records of another phase
(links of a second pass, topics of a case) is a phase of its own that is fed by the same pages.
"""

from dataclasses import replace

from pydantic import TypeAdapter

from service.errors import DeskferryError
from service.phases import PHASES, STREAMS, ContentKey, Phase, SearchContext, SourceStream
from state.ledger import Ledger, Tx
from transforms.map_lines import ContentLine, ParentLine
from transforms.mapping import Mapping, PhaseLine, TableLine
from transforms.schema.source import KOBJECT

_FACT = "phases"
_FORM = TypeAdapter(tuple[Phase, ...])


class PhasesCircular(DeskferryError):
    """Phases of the map wait for each other."""

    code = "phases-circular"
    exit_code = 2


def phases_of(mapping: Mapping | None) -> tuple[Phase, ...]:
    """Return all phases in the order of their needs; without a map, the standard ones.

    Raises `PhasesCircular` when the parents of the map's phases form a ring; a second pass with
    `of` and `operation: update` breaks it.
    """
    if mapping is None:
        return PHASES
    standard = {phase.name: phase for phase in PHASES}
    lines = mapping.phases
    moved = {
        n: line for n, line in lines.items() if line.move and (not line.of or lines[line.of].move)
    }
    by_kind = {line.kind: name for name, line in moved.items()}
    found = {}
    for name, line in moved.items():
        phase = standard.get(name) or _declared(name, line, moved)
        needs = [by_kind[kind] for kind in _parent_kinds(line) if kind in by_kind]
        known = [each for each in phase.after if each in moved]
        after = tuple(each for each in dict.fromkeys([*known, *needs]) if each != name)
        found[name] = replace(phase, after=after, objects=tuple(line.tables) or phase.objects)
    return tuple(_ordered(found))


async def remember(tx: Tx, ledger: Ledger, phases: tuple[Phase, ...]) -> None:
    """Note the phases of the map in force, for all who look at the ledger without the map."""
    await ledger.facts.set(tx, _FACT, _FORM.dump_json(phases).decode())


async def recall(ledger: Ledger) -> tuple[Phase, ...]:
    """Return the phases of the map in force; the standard ones before any map was accepted."""
    said = await ledger.facts.get(_FACT)
    return _FORM.validate_json(said) if said else PHASES


def _parent_kinds(line: PhaseLine) -> list[str]:
    return [
        kind
        for table in line.tables.values()
        for parent in table.parents.values()
        for kind in parent.kinds
    ]


def _declared(name: str, line: PhaseLine, moved: dict[str, PhaseLine]) -> Phase:
    """A phase that is not one of the standard ones."""
    read = next((phase for phase in PHASES if phase.name == line.of), None)
    kind = moved[line.of].kind if line.of in moved else line.kind
    return Phase(
        name=name,
        kind=line.kind,
        stream=read.stream if read else STREAMS.get(kind) or klass_stream(kind),
        operation=line.operation,
        objects=tuple(line.tables),
        lock_parent=_lock_parent(line),
        content=_content_key(line.content),
        of=line.of,
        same_as={name: table.same_as for name, table in line.tables.items() if table.same_as},
    )


def _content_key(line: ContentLine | None) -> ContentKey | None:
    if line is None:
        return None
    return ContentKey(**{**line.model_dump(), "either": tuple(line.either)})


def _lock_parent(line: PhaseLine) -> str | None:
    """The parent that a row locks most surely: the first one it cannot be without."""
    needed = [
        name
        for table in line.tables.values()
        for name, parent in table.parents.items()
        if parent.required and not _is_self(table, parent)
    ]
    return needed[0] if needed else None


def _is_self(table: TableLine, parent: ParentLine) -> bool:
    return "Id" in parent.columns.values()


def klass_stream(kind: str) -> SourceStream:
    """The stream of a klass's records; `kind` is `kobject.NAME`."""
    klass = kind.removeprefix(KOBJECT)
    return SourceStream(
        f"/v1/klasses/{klass}",
        search=SearchContext(f"kobject_{klass}", "kobject_created_at", "kobject_updated_at"),
    )


def _ordered(found: dict[str, Phase]) -> list[Phase]:
    """Needs first; otherwise small streams, then as the standard has them, then as the map does."""
    small = [name for name, phase in found.items() if phase.kind in STREAMS]
    names = dict.fromkeys([*small, *(phase.name for phase in PHASES), *found])
    places = {name: place for place, name in enumerate(names)}
    waiting = sorted(found.values(), key=lambda phase: places[phase.name])
    order: list[Phase] = []
    while waiting:
        done = {phase.name for phase in order}
        ready = next((phase for phase in waiting if done.issuperset(phase.after)), None)
        if ready is None:
            ring = ", ".join(phase.name for phase in waiting)
            raise PhasesCircular(
                f"Phases of the map wait for each other: {ring}.",
                next_step="Let one of the references be made in a second pass: a phase with `of` "
                "and `operation: update`.",
            )
        order.append(ready)
        waiting.remove(ready)
    return order
