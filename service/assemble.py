"""Puts sealed batches together into the rows of one ingest job, parents resolved.

Late binding: a sealed row names its parents by source id; their Salesforce ids are looked up
here, when the phase's gate has opened. Rows are sorted by parent, so that one parent's children
share a server batch and do not fight for its lock (salesforce facts, 3.7).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count, repeat
from operator import itemgetter

import anyio.to_thread

from service.agents import WAITS, users_in
from service.aside import Aside, AsideRow
from service.gone_parents import GoneParents
from service.job_rows import CompactRows, JobRow, JobRows, ParentCells, RowReader
from service.open_users import OpenRefs, late_column, users_lacking
from service.parents import Parents
from service.phases import Phase
from service.reasons import PARENT_MISSING
from service.sightings import Earlier, Placed, Sightings
from service.supplied import SuppliedValues
from service.twins import Known, Twins
from state.batches import Batch
from state.ledger import Ledger
from transforms.compile import Table

__all__ = ["Assembler", "JobRow", "JobRows", "RowReader"]

PARENT_GONE = "parent-gone"
TOO_LONG = "too-long"


class Assembler:
    """Builds the rows of jobs for one target table of one phase."""

    def __init__(
        self,
        ledger: Ledger,
        phase: Phase,
        table: Table,
        gone: GoneParents | None = None,
        supplied: SuppliedValues | None = None,
        *,
        users_wait: bool = False,
        revives: bool = False,
    ) -> None:
        """Take the parts.

        `gone` tells which parents were deleted; without it rows wait for those too. `supplied` tells what
        parents give of whom nothing was learned. `users_wait`: a row that names an unsettled user is
        held, never given away. `revives`: as `Sightings` has it.
        """
        self._ledger = ledger
        self._users_wait = users_wait
        self._phase = phase
        self._table = table
        self.parents = Parents(ledger, table, gone, supplied)
        self.twins = Twins(ledger, phase, table)
        self._sightings = Sightings(ledger, phase, table, revives=revives)

    async def assemble(
        self, stack: ExitStack, batches: Sequence[Batch], loose: Sequence[RowReader]
    ) -> JobRows:
        """Open the batch files (closed by `stack`) and decide for every row: send or set aside.

        Nothing is written: what was set aside becomes durable with the job's intent.
        """
        readers = await anyio.to_thread.run_sync(self._open, stack, batches, loose)
        open_refs: OpenRefs = []
        parents = await self.parents.of(readers, open_refs, making=True)
        seen = await self._sightings.earlier(readers)
        matches = await self.twins.look(readers, alone=bool(loose))
        waiting = open_refs if self._users_wait else []
        rows = await anyio.to_thread.run_sync(
            self._decide, readers, parents, seen, matches, waiting
        )
        if not self._users_wait:
            self._note_late(rows, open_refs)
        return rows

    async def reassemble(
        self,
        stack: ExitStack,
        batches: Sequence[Batch],
        loose: Sequence[RowReader],
        aside: Aside,
        job: int,
    ) -> JobRows:
        """Put the rows of a job that was sent together again, to read its results.

        What was set aside then is not decided anew; rows that this job has already brought into
        the crosswalk still belong to it.
        """
        readers = await anyio.to_thread.run_sync(self._open, stack, batches, loose)
        parents = await self.parents.of(readers)
        seen = Earlier(await self._sightings.known(readers, job) | aside.keys())
        rows = await anyio.to_thread.run_sync(self._decide, readers, parents, seen, None, [])
        rows.aside = aside
        return rows

    def _open(
        self, stack: ExitStack, batches: Sequence[Batch], loose: Sequence[RowReader]
    ) -> list[RowReader]:
        spool = self._ledger.spool
        known: dict[str, str] = {}
        opened = [
            CompactRows(stack.enter_context(spool.open(batch.file, batch.crc)), known)
            for batch in batches
        ]
        return [*opened, *loose]

    def _decide(
        self,
        readers: Sequence[RowReader],
        parents: tuple[list[ParentCells], list[set[str]]],
        seen: Earlier,
        matches: Known | None,
        open_refs: OpenRefs,
    ) -> JobRows:
        aside = Aside()
        cells, missing = parents
        rows = placed = self._in_order(readers)
        if seen.known or seen.recovered or _has_repeats(readers):
            rows = self._sightings.newest(rows, readers, seen, aside)
        lacking = any(missing) or any(open_refs)
        if matches is not None and (lacking or any(any(reader.parents[-1]) for reader in readers)):
            rows = self._that_go(rows, readers, missing, matches, aside, open_refs)
        if matches is not None:
            self._note_gone(rows, readers, cells, missing, aside)
            there = {each[:2] for each in aside.found}
            found = [row for row in placed if row[1:3] in there] if there else []
            self._note_unfit([*rows, *found], readers, cells, aside)
        places = [row[3:] for row in rows]
        return JobRows(self.header(), readers, cells, places, aside)

    def _in_order(self, readers: Sequence[RowReader]) -> list[Placed]:
        """All rows, sorted by lock parent, then key and part."""
        sort_at = self.lock_position
        rows: list[Placed] = []
        for number, reader in enumerate(readers):
            locks = reader.keys if sort_at is None else reader.parents[sort_at]
            rows += zip(locks, reader.keys, reader.parts, repeat(number), count())
        rows.sort()
        return rows

    def _that_go(
        self,
        rows: Sequence[Placed],
        readers: Sequence[RowReader],
        missing: Sequence[set[str]],
        matches: Known,
        aside: Aside,
        open_refs: OpenRefs,
    ) -> list[Placed]:
        """The rows to send; those that match a record, wait for a twin or lack a parent are not."""
        going = []
        for each, _, key in aside.match_keys:
            self.twins.claim([each], key)
        order = sorted(rows, key=itemgetter(1, 2))
        # What is matched claims its other keys before a twin goes out.
        order.sort(key=lambda row: not matches.settles(readers[row[3]], row[4]))
        for row in order:
            reader, index = readers[row[3]], row[4]
            field_name, users = users_lacking(self._table.parents, reader, index, open_refs)
            if users:
                aside.held.append(AsideRow.of(reader, index, WAITS, field_name, users))
                continue
            if self.twins.set_aside(reader, index, matches, aside):
                continue
            lacks = self.parents.lacks(reader, index, missing)
            if lacks:
                aside.held.append(AsideRow.of(reader, index, PARENT_MISSING, *lacks))
            else:
                going.append(row)
        return sorted(going)

    def _note_gone(
        self,
        rows: Sequence[Placed],
        readers: Sequence[RowReader],
        cells: Sequence[ParentCells],
        missing: Sequence[set[str]],
        aside: Aside,
    ) -> None:
        """Count the rows that go out without a parent that was deleted."""
        for number, parent in enumerate(self._table.parents):
            if not parent.may_be_gone:
                continue
            refs = {ref for reader in readers for ref in reader.parents[number]}
            gone = cells[number].missing(refs) - missing[number]
            if gone:
                left = sum(readers[row[3]].parents[number][row[4]] in gone for row in rows)
                column = next(iter(parent.columns.values()))
                aside.emptied[f"{self._table.object}.{column}: {PARENT_GONE}"] = left

    def _note_late(self, rows: JobRows, open_refs: OpenRefs) -> None:
        """Note the rows that go out without a user who is open, where they can name that one later."""
        for number, parent in enumerate(self._table.parents):
            if not (open_refs[number] and late_column(self._phase, parent)):
                continue
            for row in rows.rows:
                column = rows.readers[row.reader].parents[number]
                users = users_in("|".join(open_refs[number].get(column[row.index], ())))
                rows.aside.late += [(user, row.key, row.part) for user in users]

    def _note_unfit(
        self,
        rows: Sequence[Placed],
        readers: Sequence[RowReader],
        cells: Sequence[ParentCells],
        aside: Aside,
    ) -> None:
        """Count the rows that go out, or went, without what a parent gives, since it does not fit."""
        for number, parent in enumerate(cells):
            for row in rows if parent.unfit else ():
                for column in parent.unfit.get(readers[row[3]].parents[number][row[4]], ()):
                    line = f"{self._table.object}.{column}: {TOO_LONG}"
                    aside.emptied[line] = aside.emptied.get(line, 0) + 1

    @property
    def lock_position(self) -> int | None:
        """The number of the parent field by which rows are sorted, if there is one."""
        names = [parent.name for parent in self._table.parents]
        lock = self._phase.lock_parent
        return names.index(lock) if lock in names else None

    @property
    def columns(self) -> list[str]:
        """All columns of a row, those of its parents behind."""
        columns = list(self._table.columns)
        for parent in self._table.parents:
            columns.extend(parent.wide)
        return columns

    def header(self) -> bytes:
        """The first line of a job that makes records."""
        return ('"' + '","'.join(self.columns) + '"\n').encode()


def _has_repeats(readers: Sequence[RowReader]) -> bool:
    """Whether a key is there twice. Parts of a split record count as such: they are few."""
    keys: set[str] = set()
    for reader in readers:
        keys.update(reader.keys)
    return len(keys) < sum(len(reader.keys) for reader in readers)
