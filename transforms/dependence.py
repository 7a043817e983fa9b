"""Which values the lines of a dependent picklist and its controlling field can make together. Pure."""

from collections.abc import Iterator

from transforms.map_lines import FieldLine
from transforms.shape import FieldShape

_MOST = 5


def impossible(
    shape: FieldShape, controller: FieldShape, line: FieldLine, other: FieldLine | None
) -> Iterator[str]:
    """Say what can never go together, as ends of a sentence; nothing where only records can tell.

    Where both lines map values of one source, each source value is looked at; else each value of the
    dependent line must go with some value that the controlling line can make. `other` is that line.
    """
    valid = dict(shape.valid_for)
    if other is None:
        if controller.type != "boolean":
            yield "the map does not fill that"
            return
        made: frozenset[str] | None = frozenset({"false"})
    else:
        made = _makes(other, controller)
    if other is not None and _maps(line) and _maps(other) and line.source == other.source:
        pairs = _pairs(line, other, controller)
        wrong = [f"{v} with {c or 'nothing'}" for v, c in pairs if c not in valid.get(v, ())]
        if wrong:
            yield f"{_listed(wrong)} do not go together"
        return
    lonely = [
        value
        for value in sorted(_makes(line, shape) or ())
        if not (
            valid.get(value, frozenset()) if made is None else made & valid.get(value, frozenset())
        )
    ]
    if lonely:
        yield f"no value that the map gives that goes with {_listed(lonely)}"


def _maps(line: FieldLine) -> bool:
    return line.convert == "values" and line.when is None


def _makes(line: FieldLine, shape: FieldShape) -> frozenset[str] | None:
    """The values that a line can make; None where its source decides."""
    if line.convert == "constant":
        found = {line.default or ""}
    elif line.convert == "values" or (line.convert == "tree" and line.values):
        found = {*line.values.values(), line.default or ""}
    elif shape.type == "boolean":
        return frozenset({"true", "false"})
    else:
        return None
    return frozenset(found - {""})


def _pairs(line: FieldLine, other: FieldLine, controller: FieldShape) -> list[tuple[str, str]]:
    """(dependent, controlling) for every value of the common source, and for any other value."""
    mine = {key.lower(): value for key, value in line.values.items()}
    theirs = {key.lower(): value for key, value in other.values.items()}
    empty = "false" if controller.type == "boolean" else ""
    found: dict[tuple[str, str], None] = {}
    for key in (*mine, *theirs, None):
        value = mine.get(key, line.default) if key else line.default
        control = theirs.get(key, other.default) if key else other.default
        # A side without a target holds the record: no pair is made.
        if value and control is not None:
            found[value, control or empty] = None
    return list(found)


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + more
