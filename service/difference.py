"""What is to be changed of one record in Salesforce, given what was sent before and what is there now.

A field goes out when the source has changed it and Salesforce holds something else. Where somebody else
has written to the record, a field that is not as we left it is a conflict: a rule or a person decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from state.conflicts import Decision
from state.crosswalk import Standing
from transforms.compile import Table
from transforms.fingerprint import length_marked, mark, marks_of, seed
from transforms.references import parent_mark
from transforms.same_value import same_value

Rule = Literal["ask", "source", "target"]
# Filled in every record that we make, and in none that was there before.
MADE_MARK = "Kustomer_Created_At__c"
# Set when a record is made, and never again (salesforce facts, 7.9).
AUDIT = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})


@dataclass(frozen=True)
class ConflictRules:
    """Who wins: by `Object.Field`, and for all others."""

    default: Rule = "ask"
    fields: Mapping[str, Rule] = field(default_factory=dict)

    def of(self, table: str, column: str) -> Rule:
        """The rule of one field."""
        return self.fields.get(f"{table}.{column}", self.default)


@dataclass
class Difference:
    """Cells to send by column, fields that cannot be changed, and conflicts with what was decided.

    `filled`: fields of a record that is not ours, which were empty.
    """

    change: dict[str, str] = field(default_factory=dict)
    fixed: list[str] = field(default_factory=list)
    conflicts: dict[str, Decision] = field(default_factory=dict)
    filled: list[str] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        """Conflicts that nobody has decided."""
        return [name for name, decision in self.conflicts.items() if not decision]


@dataclass(frozen=True)
class Sent:
    """One row as the map makes it now: cells by column, references by parent field."""

    cells: Mapping[str, str]
    references: Mapping[str, str]


class Comparer:
    """Compares rows of one table; holds nothing between calls."""

    def __init__(self, table: Table, rules: ConflictRules) -> None:
        self._table = table
        self._rules = rules
        self.columns = [name for name in table.shapes if name not in AUDIT]
        self._given = [name for parent in table.parents for name in parent.given]
        self.read = [*self.columns, *self._given]
        self._parent_of = {
            column: parent.name for parent in table.parents for column in parent.columns.values()
        }
        self._moving = frozenset(table.columns[number] for number in table.volatile)

    def compare(
        self,
        there: Standing,
        row: Sent,
        record: Mapping[str, Any],
        decided: Mapping[str, Decision],
        *,
        touched: bool,
    ) -> Difference:
        """Say what is to be changed of `record`. `touched`: somebody else has written to it."""
        if there.origin == "matched":
            return self._fill(row, record)
        found = Difference()
        marks = marks_of(there.digest)
        for name in self.columns:
            if name in self._moving or not self._differs(name, row, record, marks, decided):
                continue
            if not self._table.can_change(name):
                found.fixed.append(name)
            elif not touched or self._as_we_left_it(name, record, marks):
                found.change[name] = row.cells[name]
            else:
                self._conflict(name, row, decided, found)
        if not touched:
            self._take_over(row, record, found)
        if found.change:
            found.change |= {name: row.cells[name] for name in self._moving & set(self.columns)}
        return found

    def _fill(self, row: Sent, record: Mapping[str, Any]) -> Difference:
        """Empty fields of a record that was there before are filled; nothing is overwritten."""
        found = Difference()
        for name in self.columns:
            if name == MADE_MARK:
                continue  # it is not ours: a rebuild must not take it for a record that we made
            empty = record.get(name) in (None, "")
            if empty and row.cells[name] and self._table.can_change(name):
                found.change[name] = row.cells[name]
                found.filled.append(name)
        return found

    def _take_over(self, row: Sent, record: Mapping[str, Any], found: Difference) -> None:
        """What a parent gives fills what is empty; what was given once stays, whatever it gives now."""
        for name in self._given:
            if row.cells[name] and record.get(name) in (None, ""):
                found.change[name] = row.cells[name]

    def _differs(
        self,
        name: str,
        row: Sent,
        record: Mapping[str, Any],
        marks: frozenset[int] | None,
        decided: Mapping[str, Decision],
    ) -> bool:
        shape, cell = self._table.shapes[name], row.cells[name]
        if not cell and not shape.nillable and shape.type != "boolean":
            return False  # it cannot be emptied
        can_tell = marks is not None and self._table.can_change(name)
        if can_tell and decided.get(name) != "source" and self._mark(name, row) in (marks or ()):
            return False  # the source has not changed it
        return not same_value(shape.type, cell, record.get(name))

    def _mark(self, name: str, row: Sent) -> int:
        parent = self._parent_of.get(name)
        if parent is not None:
            return mark(seed(parent_mark(parent)), row.references[parent])
        return self._mark_of(name, row.cells[name])

    def _mark_of(self, name: str, cell: str) -> int:
        most = length_marked(self._table.shapes[name].type)
        return mark(seed(name), cell.replace('"', '""')[:most])

    def _as_we_left_it(
        self, name: str, record: Mapping[str, Any], marks: frozenset[int] | None
    ) -> bool:
        """Whether a field is empty, or holds what we sent last, as far as that can be told."""
        value = record.get(name)
        if value is None or value == "":
            return True
        if marks is None or name in self._parent_of:
            return False
        kind = self._table.shapes[name].type
        return any(self._mark_of(name, each) in marks for each in _as_cells(kind, value))

    def _conflict(
        self, name: str, row: Sent, decided: Mapping[str, Decision], found: Difference
    ) -> None:
        rule = self._rules.of(self._table.object, name)
        decision = decided.get(name) or ("" if rule == "ask" else rule)
        found.conflicts[name] = decision
        if decision == "source":
            found.change[name] = row.cells[name]


def _as_cells(kind: str, value: Any) -> list[str]:
    """Cells that would have left this value; what a reference was nobody can tell."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int | float):
        whole = [str(int(value))] if value == int(value) else []
        return [str(value), *whole]
    if kind == "reference":
        return []
    return [str(value)]
