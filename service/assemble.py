"""Puts sealed batches together into the rows of one ingest job, parents resolved.

Late binding: a sealed row names its parents by source id; their Salesforce ids are looked up
here, when the phase's gate has opened. Rows are sorted by parent, so that one parent's children
share a server batch and do not fight for its lock (salesforce facts, 3.7).
"""

from collections.abc import Container, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count, repeat
from operator import itemgetter

import anyio.to_thread

from service.agents import USER, WAITS
from service.aside import CHANGED, Aside, AsideRow
from service.gone_parents import GoneParents
from service.job_rows import CompactRows, JobRow, JobRows, ParentCells, RowReader, Target
from service.open_users import OpenRefs, open_chains, open_plain, users_lacking
from service.phases import Phase
from service.transition import CONTACT, KEPT, across, is_lead
from service.twins import Known, Twins
from state.batches import Batch
from state.crosswalk import REMOVED, Standing
from state.ledger import Ledger
from transforms.compile import ParentField, Table
from transforms.match_keys import read_keys

__all__ = ["Assembler", "JobRow", "JobRows", "RowReader"]

PARENT_GONE = "parent-gone"
REBUILT = "rebuilt"  # the fact that the crosswalk was learned from Salesforce

Place = tuple[str, int]
_Placed = tuple[str, str, int, int, int]
"""A row: its lock parent, key and part, the number of its reader and its place there."""


class Assembler:
    """Builds the rows of jobs for one target table of one phase."""

    def __init__(
        self,
        ledger: Ledger,
        phase: Phase,
        table: Table,
        gone: GoneParents | None = None,
        *,
        users_wait: bool = False,
    ) -> None:
        """Take the parts.

        `gone` tells which parents were deleted; without it rows wait for those too. `users_wait`: a row
        that names an unsettled user is held, never given away.
        """
        self._ledger = ledger
        self._gone = gone
        self._users_wait = users_wait
        self._phase = phase
        self._table = table
        self.twins = Twins(ledger, phase, table)

    async def assemble(
        self, stack: ExitStack, batches: Sequence[Batch], loose: Sequence[RowReader]
    ) -> JobRows:
        """Open the batch files (closed by `stack`) and decide for every row: send or set aside.

        Nothing is written: what was set aside becomes durable with the job's intent.
        """
        readers = await anyio.to_thread.run_sync(self._open, stack, batches, loose)
        open_refs: OpenRefs = []
        parents = await self.parents(readers, open_refs)
        known = await self._known_keys(readers, None)
        standing = await self._standing(known)
        kept = await self._kept(known)
        matches = await self.twins.look(readers, alone=bool(loose))
        recovered = await self._recovered(readers)
        return await anyio.to_thread.run_sync(
            self._decide,
            readers,
            parents,
            known,
            matches,
            recovered,
            standing,
            open_refs if self._users_wait else [],
            kept,
        )

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
        parents = await self.parents(readers)
        known = await self._known_keys(readers, job) | aside.keys()
        rows = await anyio.to_thread.run_sync(
            self._decide, readers, parents, known, None, {}, {}, [], ()
        )
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

    async def parents(
        self, readers: Sequence[RowReader], open_refs: OpenRefs | None = None
    ) -> tuple[list[ParentCells], list[set[str]]]:
        """The cells of each parent field, and its references whose rows must wait.

        Those that an unsettled user stands in the way of are added to `open_refs`.
        """
        cells, missing = [], []
        found: OpenRefs = [] if open_refs is None else open_refs
        bare = not self._table.columns
        for number, parent in enumerate(self._table.parents):
            targets = await self._resolve(number, parent, readers, found)
            made = ParentCells(parent, targets, leads=bare and number == 0)
            cells.append(made)
            lacking = made.missing({r for reader in readers for r in reader.parents[number]})
            if lacking and parent.may_be_gone and self._gone is not None:
                lacking -= await self._gone.among(parent.kinds[0], lacking)
            missing.append(lacking)
        return cells, missing

    async def _standing(self, known: set[Place]) -> dict[Place, Standing]:
        """What the known rows became, where a record can be changed."""
        if not known or not self._table.followed:
            return {}
        keys = sorted({key for key, _ in known})
        return await self._ledger.crosswalk.standing(self._phase.kind, keys)

    async def _kept(self, known: set[Place]) -> set[Place]:
        """Known rows of which it was told that they stayed here though they belonged elsewhere."""
        if not known or self._table.object != CONTACT or len(self._phase.objects) == 1:
            return set()
        keys = sorted({key for key, _ in known})
        return await self._ledger.rows.held_changes(self._phase.name, keys, KEPT)

    async def _known_keys(
        self, readers: Sequence[RowReader], except_job: int | None
    ) -> set[tuple[str, int]]:
        keys = [key for reader in readers for key in reader.keys]
        return await self._ledger.crosswalk.known_parts(
            self._phase.kind, keys, except_job=except_job
        )

    async def _recovered(self, readers: Sequence[RowReader]) -> dict[tuple[str, int], str]:
        """Rows that a rebuild found in Salesforce and that no job has met since."""
        if not await self._ledger.facts.get(REBUILT):
            return {}
        keys = [key for reader in readers for key in reader.keys]
        return await self._ledger.crosswalk.unclaimed(self._phase.kind, keys)

    async def _resolve(
        self,
        number: int,
        parent: ParentField,
        readers: Sequence[RowReader],
        open_refs: OpenRefs,
    ) -> dict[str, Target]:
        """Look up every distinct reference of one parent field; absent ones are missing.

        Those that an unsettled user stands in the way of are added to `open_refs`.
        """
        refs = {ref for reader in readers for ref in reader.parents[number] if ref}
        if not parent.chain:
            kind = parent.kinds[0]
            plain = await self._ledger.crosswalk.resolve(kind, sorted(refs))
            open_refs.append(open_plain(refs, plain) if kind == USER else {})
            return dict(plain)
        links = {link for ref in refs for link in ref.split("|")}
        by_link: dict[str, Target] = {}
        for kind in parent.kinds:
            ids = sorted(link[len(kind) + 1 :] for link in links if link.startswith(f"{kind}:"))
            found = await self._ledger.crosswalk.resolve(kind, ids)
            by_link.update({f"{kind}:{source}": target for source, target in found.items()})
        chosen = {}
        for ref in refs:
            target = next((by_link[link] for link in ref.split("|") if link in by_link), None)
            if target is not None:
                chosen[ref] = target
        open_refs.append(open_chains(refs, by_link) if USER in parent.kinds else {})
        return chosen

    def _decide(
        self,
        readers: Sequence[RowReader],
        parents: tuple[list[ParentCells], list[set[str]]],
        known: set[Place],
        matches: Known | None,
        recovered: dict[Place, str],
        standing: dict[Place, Standing],
        open_refs: OpenRefs,
        kept: Container[Place],
    ) -> JobRows:
        aside = Aside()
        cells, missing = parents
        rows = self._in_order(readers)
        if known or recovered or _has_repeats(readers):
            rows = self._newest(rows, readers, known, recovered, standing, kept, aside)
        lacking = any(missing) or any(open_refs)
        if matches is not None and (lacking or any(any(reader.parents[-1]) for reader in readers)):
            rows = self._that_go(rows, readers, missing, matches, aside, open_refs)
        if matches is not None:
            self._note_gone(rows, readers, cells, missing, aside)
        places = [row[3:] for row in rows]
        return JobRows(self.header(), readers, cells, places, aside)

    def _in_order(self, readers: Sequence[RowReader]) -> list[_Placed]:
        """All rows, sorted by lock parent, then key and part."""
        sort_at = self.lock_position
        rows: list[_Placed] = []
        for number, reader in enumerate(readers):
            locks = reader.keys if sort_at is None else reader.parents[sort_at]
            rows += zip(locks, reader.keys, reader.parts, repeat(number), count())
        rows.sort()
        return rows

    def _newest(
        self,
        rows: Sequence[_Placed],
        readers: Sequence[RowReader],
        known: set[Place],
        recovered: dict[Place, str],
        standing: dict[Place, Standing],
        kept: Container[Place],
        aside: Aside,
    ) -> list[_Placed]:
        """One place per (key, part): a record that pages showed twice is sent once, the newest.

        What a rebuild found is taken over when it is first seen; seen again it is a duplicate. One that
        is there already and comes out differently is a duplicate too, and its row changes it. `kept`:
        those of which it is no longer true that they belong elsewhere.
        """
        newest: dict[Place, _Placed] = {}
        changed: dict[Place, _Placed] = {}
        recovered = dict(recovered)
        for row in sorted(rows, key=itemgetter(3, 4)):  # as they were read
            place = row[1], row[2]
            target = recovered.pop(place, None)
            if target is not None:
                _take_over(aside, readers[row[3]], row[4], target)
                if is_lead(target) and self._table.object == CONTACT:
                    changed[place] = row
                continue
            before = newest.get(place)
            if place in standing and (
                self._changes(standing[place], readers, row) or place in kept
            ):
                later = changed.get(place, row)
                changed[place] = (
                    row if _version(readers, row) >= _version(readers, later) else later
                )
            if place in known or before is not None:
                aside.duplicates += row[2] == 0
            if place not in known and (
                before is None or _version(readers, row) > _version(readers, before)
            ):
                newest[place] = row
        for place, row in changed.items():
            there = standing[place].object if place in standing else self._table.object
            self._change(
                aside, AsideRow.of(readers[row[3]], row[4], CHANGED, "", change=True), there
            )
        return sorted(newest.values())

    def _changes(self, there: Standing, readers: Sequence[RowReader], row: _Placed) -> bool:
        """Whether a row says something else than the record that it became, and nothing older."""
        if there.origin == REMOVED:
            return False
        reader, index = readers[row[3]], row[4]
        if reader.versions[index] < there.version_ms:
            return False
        if there.object != self._table.object:
            return across(there.object, self._table.object) != ""
        return bytes.fromhex(reader.digests[index]) != there.digest

    def _change(self, aside: Aside, row: AsideRow, there: str) -> None:
        """Set a changed row aside, by what the record is there: it may have to become another one."""
        reason = across(there, self._table.object)
        if reason == KEPT:
            aside.held.append(replace(row, reason=KEPT))
        else:
            aside.changed.append(replace(row, reason=reason or CHANGED))

    def _that_go(
        self,
        rows: Sequence[_Placed],
        readers: Sequence[RowReader],
        missing: Sequence[set[str]],
        matches: Known,
        aside: Aside,
        open_refs: OpenRefs,
    ) -> list[_Placed]:
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
            lacks = self.lacks(reader, index, missing)
            if lacks:
                aside.held.append(AsideRow.of(reader, index, "parent-missing", *lacks))
            else:
                going.append(row)
        return sorted(going)

    def _note_gone(
        self,
        rows: Sequence[_Placed],
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

    def lacks(
        self, reader: RowReader, index: int, missing: Sequence[set[str]]
    ) -> tuple[str, str] | None:
        """The parent that is not there: its field, and its name as `kind:id`, or several."""
        for parent, column, absent in zip(
            self._table.parents, reader.parents, missing, strict=False
        ):
            if column[index] in absent:
                kind = "" if parent.chain else f"{parent.kinds[0]}:"
                return parent.name, kind + column[index]
        return None

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
            columns.extend(dict.fromkeys(parent.columns.values()))
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


def _version(readers: Sequence[RowReader], row: _Placed) -> int:
    return readers[row[3]].versions[row[4]]


def _take_over(aside: Aside, reader: RowReader, index: int, target: str) -> None:
    """Count a row as loaded that is there as `target`.

    Which version of it is there nobody knows, so it is noted as older than any.
    """
    key, match_key = reader.keys[index], reader.parents[-1][index]
    aside.found.append((key, reader.parts[index], target, 0, ""))
    aside.match_keys += [(each, target, key) for way in read_keys(match_key) for each in way]
