"""Puts rows that change records in Salesforce together into one job: by Id, and only what differs.

A row comes out differently than the one that was sent when the source or the map has changed. What is in
Salesforce now decides: it is read first, a column goes out only where it differs, and a record that
somebody else has touched since our last write is left alone. A change that is made twice is made once,
so one of unknown outcome is sent again.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.retrieve import retrieve
from service.aside import Aside, AsideRow, LooseRows
from service.assemble import Assembler
from service.job_rows import JobRows, ParentCells
from service.phases import Phase
from service.runners import runners
from service.settle import EXTERNAL_ID
from state.crosswalk import Standing
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import Table
from transforms.same_value import same_value

TOUCHED_BY = "LastModifiedById"
GONE = "gone-in-salesforce"
FIXED = "cannot-change"
CONFLICT = "conflict"
# Set when a record is made, and never again (salesforce facts, 7.9).
_AUDIT = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", TOUCHED_BY})
_NOTHING = "#N/A"


class ChangeLines(LooseRows):
    """Loose rows whose cells are those that differ; `lines` by the row's number."""

    def __init__(self, rows: Sequence[RowEntry], parent_fields: int) -> None:
        super().__init__(rows, parent_fields)
        self.lines: dict[int, bytes] = {}

    def payload(self, index: int) -> bytes:
        """The CSV cells that go out for row `index`."""
        return self.lines[index]

    def made(self, index: int) -> bytes:
        """The CSV cells that the map made of the record."""
        return super().payload(index)


class ChangeAssembler:
    """Builds the changing jobs of one target table of one phase."""

    def __init__(
        self,
        ledger: Ledger,
        client: SalesforceClient,
        phase: Phase,
        table: Table,
        assembler: Assembler,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._phase = phase
        self._table = table
        self._assembler = assembler
        self._made = [name for name in table.shapes if name not in _AUDIT]

    async def assemble(self, rows: Sequence[RowEntry]) -> JobRows:
        """Decide for every row: which columns go out, or why none does.

        Nothing is written: what was decided becomes durable with the job's intent.
        """
        reader = ChangeLines(rows, len(self._table.parents))
        cells, missing = await self._assembler.parents([reader])
        standing = await self._ledger.crosswalk.standing(self._phase.kind, sorted(set(reader.keys)))
        there = await self._there(standing)
        ours = await runners(self._ledger, self._client)
        aside = Aside()
        going: dict[int, dict[str, str]] = {}
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            found = standing.get(place)
            record = there.get(found.target_id) if found else None
            lacks = self._assembler.lacks(reader, index, missing)
            if found is None or record is None:
                aside.held.append(self._aside(reader, index, GONE))
            elif lacks:
                aside.held.append(self._aside(reader, index, "parent-missing", *lacks))
            else:
                wanted = self._wanted(reader, index, cells)
                change = self._decide(reader, index, found, record, wanted, ours, aside)
                if change:
                    going[index] = {"Id": found.target_id, EXTERNAL_ID: place[0], **change}
        return self._job(reader, going, aside)

    def reassemble(self, rows: Sequence[RowEntry], aside: Aside) -> JobRows:
        """Put the rows of a job that was sent together again, to read its results.

        Their cells are not needed: rows that are to be sent again are decided anew.
        """
        reader = ChangeLines(rows, len(self._table.parents))
        apart = aside.keys()
        places = enumerate(zip(reader.keys, reader.parts, strict=True))
        going = [(0, index) for index, place in places if place not in apart]
        return JobRows(b"", [reader], [], going, aside, changes=True)

    async def _there(self, standing: Mapping[Any, Standing]) -> dict[str, dict[str, Any]]:
        """The records as they are now."""
        ids = sorted({each.target_id for each in standing.values()})
        return await retrieve(self._client, self._table.object, ids, [*self._made, TOUCHED_BY])

    def _wanted(
        self, reader: ChangeLines, index: int, cells: Sequence[ParentCells]
    ) -> dict[str, str]:
        """All cells of a row by column, those of its parents among them."""
        parents = zip(cells, reader.parents, strict=False)
        line = reader.made(index) + b"".join(each.sent(column[index]) for each, column in parents)
        values = next(csv.reader(io.StringIO(line.decode(), newline="")))
        return dict(zip(self._assembler.columns, values, strict=True))

    def _decide(
        self,
        reader: ChangeLines,
        index: int,
        found: Standing,
        record: Mapping[str, Any],
        wanted: Mapping[str, str],
        ours: frozenset[str],
        aside: Aside,
    ) -> dict[str, str]:
        """The cells to send for one row; none where it is set aside."""
        table = self._table
        differing = [name for name in self._made if self._differs(name, wanted[name], record)]
        change = {name: wanted[name] for name in differing if table.can_change(name)}
        fixed = [name for name in differing if name not in change]
        if change and str(record.get(TOUCHED_BY)) not in ours:
            aside.held.append(self._aside(reader, index, CONFLICT, ",".join(change)))
            return {}
        if fixed:
            aside.fixed.append(self._aside(reader, index, FIXED, ",".join(fixed)))
        if not change:
            key, part, version = reader.keys[index], reader.parts[index], reader.versions[index]
            aside.same.append((key, part, found.target_id, version, reader.digests[index]))
        return change

    def _differs(self, name: str, cell: str, record: Mapping[str, Any]) -> bool:
        shape = self._table.shapes[name]
        if not cell and not shape.nillable and shape.type != "boolean":
            return False  # it cannot be emptied
        return not same_value(shape.type, cell, record.get(name))

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

    def _aside(
        self, reader: ChangeLines, index: int, reason: str, field: str = "", detail: str = ""
    ) -> AsideRow:
        payload = {
            "cells": reader.made(index).decode(),
            "parents": [column[index] for column in reader.parents],
            "version": reader.versions[index],
            "digest": reader.digests[index],
        }
        return AsideRow(
            reader.keys[index], reader.parts[index], reason, field, payload, detail, change=True
        )
