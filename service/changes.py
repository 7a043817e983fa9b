"""Puts rows that change records in Salesforce together into one job: by Id, and only what differs.

A row comes out differently than the one that was sent when the source or the map has changed. What is in
Salesforce now is read first. A change that is made twice is made once, so one of unknown outcome is sent
again.
"""

import csv
import io
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.retrieve import retrieve
from service.aside import Aside, AsideRow, LooseRows
from service.assemble import Assembler
from service.difference import Comparer, ConflictRules, Difference, Sent
from service.job_rows import JobRows, ParentCells
from service.phases import Phase
from service.reasons import PARENT_MISSING
from service.reread import Rereader
from service.runners import runners
from service.transition import KEPT, across
from state.crosswalk import REMOVED, Standing
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import Table
from transforms.table import SEALED

TOUCHED_BY = "LastModifiedById"
_ENDS = ("ById", "Date")
TOUCH_FIELDS = tuple(f"{what}{end}" for what in ("LastModified", "Created") for end in _ENDS)
GONE = "gone-in-salesforce"
REDACTED = "redacted"
MOVED = "moved"  # to another parent, where only a new record can have that
FIXED = "cannot-change"
CONFLICT = "conflict"
_NOTHING = "#N/A"


class ChangeLines(LooseRows):
    """Loose rows whose cells are those that differ; `lines` and `targets` (ids) by the row's number."""

    def __init__(self, rows: Sequence[RowEntry], parent_fields: int) -> None:
        super().__init__(rows, parent_fields)
        self.lines: dict[int, bytes] = {}
        self.targets: dict[int, str] = {}

    def payload(self, index: int) -> bytes:
        """The CSV cells that go out for row `index`."""
        return self.lines[index]

    def made(self, index: int) -> bytes:
        """The CSV cells that the map made of the record."""
        return super().payload(index)

    def aside(self, index: int, reason: str, field: str = "", detail: str = "") -> AsideRow:
        """Row `index`, set aside with all that is needed to decide about it again."""
        payload = {
            "cells": self.made(index).decode(),
            "parents": [column[index] for column in self.parents],
            "version": self.versions[index],
            "digest": self.digests[index],
        }
        place = self.keys[index], self.parts[index]
        return AsideRow(*place, reason, field, payload, detail, change=True)


@dataclass(frozen=True)
class _Compared:
    """A row and the record that it changes; `decided` are fields of which a person has decided."""

    there: Standing
    sent: Sent
    record: Mapping[str, Any]
    decided: frozenset[str]
    difference: Difference


class ChangeAssembler:
    """Builds the changing jobs of one target table of one phase."""

    def __init__(
        self,
        ledger: Ledger,
        client: SalesforceClient,
        phase: Phase,
        table: Table,
        assembler: Assembler,
        rules: ConflictRules,
        source: Rereader,
        *,
        moves: bool = False,
    ) -> None:
        """`moves`: a sealed record that belongs to another parent now is made anew there."""
        self._moves = moves and table.object in SEALED
        self._ledger = ledger
        self._client = client
        self._phase = phase
        self._table = table
        self._assembler = assembler
        self._source = source
        self._comparer = Comparer(table, rules)

    async def assemble(self, rows: Sequence[RowEntry]) -> JobRows:
        """Decide for every row: which columns go out, or why none does.

        Nothing is written: what was decided becomes durable with the job's intent.
        """
        reader = ChangeLines(rows, len(self._table.parents))
        keys = sorted(set(reader.keys))
        cells, missing = await self._assembler.parents.of([reader])
        standing = await self._ledger.crosswalk.standing(self._phase.kind, keys)
        there = await self._there(standing)
        touched = await self._touched(there)
        decisions = await self._ledger.conflicts.decisions(self._phase.name, keys)
        revived = await self._revived(reader, standing)
        aside = Aside()
        compared: dict[int, _Compared] = {}
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            found = standing.get(place)
            record = there.get(found.target_id) if found else None
            lacks = self._assembler.parents.lacks(reader, index, missing)
            if found is not None and across(found.object, self._table.object) == KEPT:
                aside.held.append(reader.aside(index, KEPT))
            elif index in revived:
                aside.changed.append(reader.aside(index, MOVED))
            elif found is None or record is None:
                aside.held.append(reader.aside(index, GONE))
            elif lacks:
                aside.held.append(reader.aside(index, PARENT_MISSING, *lacks))
            else:
                sent = self._sent(reader, index, cells)
                decided = {
                    field: made for (*at, field), made in decisions.items() if (*at,) == place
                }
                difference = self._comparer.compare(
                    found, sent, record, decided, touched=found.target_id in touched
                )
                compared[index] = _Compared(found, sent, record, frozenset(decided), difference)
        aside.touched = sorted(touched)
        return await self._put_together(reader, compared, touched, aside)

    async def _put_together(
        self,
        reader: ChangeLines,
        compared: Mapping[int, "_Compared"],
        touched: Collection[str],
        aside: Aside,
    ) -> JobRows:
        """The job of rows that were compared; those that are to be made anew are set aside."""
        redacted = await self._redacted(reader, compared)
        going: dict[int, dict[str, str]] = {}
        for index, each in compared.items():
            if index in redacted:
                aside.changed.append(reader.aside(index, REDACTED))
                continue
            if self._is_moved(each) and each.there.target_id not in touched:
                aside.changed.append(reader.aside(index, MOVED))
                continue
            self._note(reader, index, each, aside)
            if each.difference.change:
                reader.targets[index] = each.there.target_id
                going[index] = {"Id": each.there.target_id, **each.difference.change}
        return self._job(reader, going, aside)

    async def _revived(
        self, reader: ChangeLines, standing: Mapping[Any, Standing]
    ) -> Container[int]:
        """Rows whose records went with their former parents, and whose present ones are there."""
        lock = self._assembler.lock_position
        places = enumerate(zip(reader.keys, reader.parts, strict=True))
        gone = [i for i, at in places if at in standing and standing[at].origin == REMOVED]
        if not self._moves or lock is None or not gone:
            return ()
        kind, parents = self._table.parents[lock].kinds[0], reader.parents[lock]
        origins = await self._ledger.crosswalk.origins(kind, sorted({parents[i] for i in gone}))
        return {index for index in gone if origins.get(parents[index]) != REMOVED}

    def _is_moved(self, row: "_Compared") -> bool:
        """Whether a row belongs to another parent now, and is to be made anew there."""
        lock = self._assembler.lock_position
        if not self._moves or lock is None:
            return False
        return not set(self._table.parents[lock].columns.values()).isdisjoint(row.difference.fixed)

    async def _redacted(self, reader: ChangeLines, compared: Mapping[int, "_Compared"]) -> set[int]:
        """Rows of sealed records whose source was redacted: their old text must not stay."""
        edited = [index for index, each in compared.items() if each.difference.fixed]
        if not edited or self._table.object not in SEALED:
            return set()
        read = await self._source.read(self._phase, [reader.keys[index] for index in edited])
        return {
            index
            for index in edited
            if (read.get(reader.keys[index]) or {}).get("attributes", {}).get("redacted") is True
        }

    async def reassemble(self, rows: Sequence[RowEntry], aside: Aside) -> JobRows:
        """Put the rows of a job that was sent together again, to read its results.

        Their cells are not needed: rows that are to be sent again are decided anew.
        """
        reader = ChangeLines(rows, len(self._table.parents))
        apart = aside.keys()
        keys = sorted(set(reader.keys))
        standing = await self._ledger.crosswalk.standing(self._phase.kind, keys)
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            if place not in apart and place in standing:
                reader.targets[index] = standing[place].target_id
        going = [(0, index) for index in reader.targets]
        return JobRows(b"", [reader], [], going, aside, changes=True)

    async def _there(self, standing: Mapping[Any, Standing]) -> dict[str, dict[str, Any]]:
        """The records as they are now."""
        here = [each for each in standing.values() if each.object == self._table.object]
        ids = sorted({each.target_id for each in here})
        fields = [*self._comparer.read, *TOUCH_FIELDS]
        return await retrieve(self._client, self._table.object, ids, fields)

    async def _touched(self, there: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """The records that somebody else has written to: last, or before a change of ours."""
        ours = await runners(self._ledger, self._client)
        last = {target for target, each in there.items() if is_touched(each, ours)}
        return last | await self._ledger.conflicts.touched(self._table.object, list(there))

    def _sent(self, reader: ChangeLines, index: int, cells: Sequence[ParentCells]) -> Sent:
        named = zip(self._table.parents, reader.parents, strict=False)
        return Sent(
            sent_cells(reader, index, cells, self._assembler.columns),
            {parent.name: column[index] for parent, column in named},
        )

    def _note(self, reader: ChangeLines, index: int, row: _Compared, aside: Aside) -> None:
        """Set aside what does not go out of a row."""
        there, record, difference = row.there, row.record, row.difference
        place = reader.keys[index], reader.parts[index]
        for name, decision in difference.conflicts.items():
            if name in row.decided:
                aside.settled.append((*place, name))
                continue
            values = row.sent.cells[name], _text(record.get(name)), str(record.get(TOUCHED_BY))
            aside.conflicts.append((*place, name, there.target_id, *values, decision))
        if difference.open:
            aside.fixed.append(reader.aside(index, CONFLICT, ",".join(difference.open)))
        elif difference.fixed:
            aside.fixed.append(reader.aside(index, FIXED, ",".join(difference.fixed)))
        aside.filled += [(there.target_id, name) for name in difference.filled]
        if not difference.change:
            version = reader.versions[index]
            aside.same.append((*place, there.target_id, version, reader.digests[index]))

    def _job(self, reader: ChangeLines, going: dict[int, dict[str, str]], aside: Aside) -> JobRows:
        names = dict.fromkeys(name for change in going.values() for name in change)
        for index, change in going.items():
            shown = [self._cell(name, change.get(name)) for name in names]
            reader.lines[index] = '"{}"'.format('","'.join(shown)).encode()
        header = '"{}"\n'.format('","'.join(names)).encode()
        lock = self._assembler.lock_position
        locks = reader.keys if lock is None else reader.parents[lock]
        places = [(0, index) for index in sorted(going, key=lambda each: locks[each])]
        return JobRows(header, [reader], [], places, aside, changes=True)

    def _cell(self, name: str, value: str | None) -> str:
        """An empty cell leaves a field as it is; `#N/A` empties it (salesforce facts, 3.5)."""
        if value is None:
            return ""
        if value:
            return value.replace('"', '""')
        return "false" if self._table.shapes[name].type == "boolean" else _NOTHING


def sent_cells(
    reader: ChangeLines, index: int, cells: Sequence[ParentCells], columns: Sequence[str]
) -> dict[str, str]:
    """Return the cells of row `index` by column, its parents' among them, as they would be sent."""
    parents = zip(cells, reader.parents, strict=False)
    line = reader.made(index) + b"".join(each.sent(column[index]) for each, column in parents)
    values = next(csv.reader(io.StringIO(line.decode(), newline="")))
    return dict(zip(columns, values, strict=True))


def is_touched(record: Mapping[str, Any], ours: Collection[str]) -> bool:
    """Whether somebody else wrote last to a record that was read with `TOUCH_FIELDS`.

    One that nobody changed since it was made bears its author's name, whom we have set ourselves.
    """
    if str(record.get(TOUCHED_BY)) in ours:
        return False
    return any(record.get(f"LastModified{end}") != record.get(f"Created{end}") for end in _ENDS)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
