"""What differs between two maps, line by line, and which tables' rows that affects. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from transforms.mapping import Mapping, PhaseLine, TableLine

# These say why a line is there, not what it does.
_EXPLAINS = {"reason", "confidence"}
# These make no cell of a row.
_NO_CELL = {"create", "object", "leave_out", "closed", "retired"}


@dataclass(frozen=True)
class Change:
    """One line that differs: its place as keys from the top, and both values; None where it is not."""

    path: tuple[str, ...]
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any

    @property
    def phase(self) -> str:
        """The phase that the line belongs to; empty for the file's own keys."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "phases" else ""


def meaning(mapping: Mapping) -> dict[str, Any]:
    """The map as plain values, without what only explains and without defaults: two maps of one
    meaning are equal, whatever their comments and their layout.
    """
    told: dict[str, Any] = _meant(mapping.model_dump(mode="json", exclude_defaults=True))
    return told


def _meant(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _meant(each) for key, each in value.items() if key not in _EXPLAINS}
    return [_meant(each) for each in value] if isinstance(value, list) else value


def changes(old: Mapping, new: Mapping) -> list[Change]:
    """Every line that differs, in the order of the new file, what is gone from it last."""
    before, after = dict(_lines(meaning(old))), dict(_lines(meaning(new)))
    found = []
    for path, value in after.items():
        if path not in before:
            found.append(Change(path, "added", None, value))
        elif before[path] != value:
            found.append(Change(path, "changed", before[path], value))
    found += [Change(p, "removed", value, None) for p, value in before.items() if p not in after]
    return found


def _lines(told: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A phase's own keys, and of each table its own keys and one line for each field and parent."""
    for name, value in told.items():
        if name != "phases":
            yield (name,), value
    for phase, line in told.get("phases", {}).items():
        for key, value in line.items():
            if key != "tables":
                yield ("phases", phase, key), value
        for table, content in line.get("tables", {}).items():
            yield from _table(("phases", phase, "tables", table), content)


def _table(at: tuple[str, ...], content: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in content.items():
        if key in ("fields", "parents", "create"):
            for name, each in value.items():
                yield (*at, key, name), each
        else:
            yield (*at, key), value


def affected(old: Mapping, new: Mapping, edited: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """The tables whose rows come out differently under the new map, by phase.

    `edited`: the operator's own functions, as lines name them, of which the source is another one.

    A phase that is new, or that is moved now and was not, has all its tables here; one that is gone or
    no longer moved has none: nothing of it is made any more. What a field is made as (`create`)
    changes no row by itself.
    """
    found = {}
    for name, line in new.phases.items():
        if not _moves(new, line):
            continue
        was = old.phases.get(name)
        if was is None or not _moves(old, was):
            found[name] = frozenset(line.tables)
            continue
        fresh = _choice(was) != _choice(line)
        tables = {
            table
            for table, content in line.tables.items()
            if fresh
            or table not in was.tables
            or _row(was.tables[table]) != _row(content)
            or any(field.convert in edited for field in content.fields.values())
        }
        if tables:
            found[name] = frozenset(tables)
    return found


def _moves(mapping: Mapping, line: PhaseLine) -> bool:
    return line.move and (line.of is None or mapping.phases[line.of].move)


def _choice(line: PhaseLine) -> Any:
    return line.choose, line.match, line.of, line.operation, line.kind


def _row(table: TableLine) -> Any:
    return _meant(table.model_dump(mode="json", exclude=_NO_CELL))
