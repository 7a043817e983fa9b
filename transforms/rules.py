"""Rules about a line's finished cell: what its field offers, what depends on it, what does not fit.

Each is a function around a cell; a line without the rule has its cell as it is, at no cost.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from transforms.converters.cells import clean, fitted
from transforms.errors import Hold
from transforms.record import Cell, Getter, Record

UNFIT = "unfit"
"""Where a record's memo notes lines whose value did not fit: the reason, by column."""
Bad = Literal["hold", "empty", "keep"]


@dataclass(frozen=True)
class KeptLine:
    """A line whose values are kept raw when they do not fit: their paths, and what makes them."""

    paths: Sequence[tuple[str, Getter]]
    make: Callable[[Record], str]


def lenient(make: Callable[[Record], str], column: str) -> Cell:
    """The cell, or an empty one for a value that does not fit; the record's memo says so."""

    def made(record: Record) -> str:
        try:
            return make(record)
        except Hold as hold:
            record.memo.setdefault(UNFIT, {})[column] = hold.reason
            return ""

    return made


def unfit_values(lines: Sequence[KeptLine], length: int) -> Cell:
    """The cell that keeps values that did not fit, as JSON: the raw value by its path.

    It is empty for a record of which all fits. Raises `Hold` (too-long) rather than cut anything.
    """

    def cell(record: Record) -> str:
        found = {}
        for line in lines:
            try:
                line.make(record)
            except Hold:
                raw = {path: get(record) for path, get in line.paths}
                found.update({path: value for path, value in raw.items() if value is not None})
        return fitted(_json(found), length) if found else ""

    return cell


def _json(values: Mapping[str, object]) -> str:
    """As people read it; escaped throughout where the text holds what no field takes."""
    made = json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)
    try:
        if clean(made) == made:
            return made
    except Hold:
        pass
    return json.dumps(values, sort_keys=True, default=str)


def offered_only(cell: Cell, offered: frozenset[str]) -> Cell:
    """The cell of a closed picklist: what it does not offer holds the record (unknown-value)."""

    def checked(record: Record) -> str:
        made = cell(record)
        if made and not _chosen(made) <= offered and made.replace('""', '"') not in offered:
            raise Hold("unknown-value")
        return made

    return checked


def depending(
    cell: Cell, controller: Cell, valid: Mapping[str, frozenset[str]], controlled_by: str
) -> Cell:
    """The cell of a dependent picklist; `valid` has the controlling values of each of its values.

    A value that does not go with the controlling one holds the record (invalid-combination).
    """

    def checked(record: Record) -> str:
        made = cell(record)
        if not made:
            return made
        other = controller(record).replace('""', '"')
        if any(other not in valid.get(each, ()) for each in _chosen(made)):
            raise Hold("invalid-combination", detail=f"depends on {controlled_by}")
        return made

    return checked


def _chosen(made: str) -> frozenset[str]:
    return frozenset(made.replace('""', '"').split(";"))
