"""Puts sealed batches together into the rows of one ingest job, parents resolved.

Late binding: a sealed row names its parents by source id; their Salesforce ids are looked up
here, when the phase's gate has opened. Rows are sorted by parent, so that one parent's children
share a server batch and do not fight for its lock (salesforce facts, 3.7).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

import anyio.to_thread

from service.aside import Aside, AsideRow
from service.phases import Phase
from state.batches import Batch
from state.ledger import Ledger
from transforms.compile import ParentField, Table

REBUILT = "rebuilt"  # the fact that the crosswalk was learned from Salesforce
_YIELD_BYTES = 512_000
Target = tuple[str, str]


class RowReader(Protocol):
    """Columns of rows: a batch file, or loose rows out of the ledger."""

    keys: list[str]
    parts: list[int]
    versions: list[int]
    parents: list[list[str]]
    digests: list[str]

    def payload(self, index: int) -> bytes:
        """The CSV cells of row `index`."""
        ...


@dataclass(slots=True)
class JobRow:
    """One row to send: where its cells are, and the cells of its parents."""

    reader: int
    index: int
    key: str
    part: int
    suffix: bytes


@dataclass
class JobRows:
    """What one job sends, in order, and what was set aside while putting it together."""

    header: bytes
    rows: list[JobRow]
    readers: Sequence[RowReader]
    aside: Aside = field(default_factory=Aside)

    def chunks(self) -> Iterator[bytes]:
        """The CSV, header first, in pieces of about half a megabyte."""
        pieces: list[bytes] = [self.header]
        size = len(self.header)
        readers = self.readers
        for row in self.rows:
            cells = readers[row.reader].payload(row.index)
            pieces.append(cells)
            pieces.append(row.suffix)
            size += len(cells)
            if size >= _YIELD_BYTES:
                yield b"".join(pieces)
                pieces.clear()
                size = 0
        if pieces:
            yield b"".join(pieces)

    def facts(self) -> dict[tuple[str, int], tuple[int, bytes]]:
        """Version (epoch ms) and digest of each row sent, by (source id, part)."""
        found: dict[tuple[str, int], tuple[int, bytes]] = {}
        for row in self.rows:
            reader = self.readers[row.reader]
            digest = bytes.fromhex(reader.digests[row.index])
            found[row.key, row.part] = (reader.versions[row.index], digest)
        return found


class Assembler:
    """Builds the rows of jobs for one target table of one phase."""

    def __init__(self, ledger: Ledger, phase: Phase, table: Table) -> None:
        self._ledger = ledger
        self._phase = phase
        self._table = table

    async def assemble(
        self, stack: ExitStack, batches: Sequence[Batch], loose: Sequence[RowReader]
    ) -> JobRows:
        """Open the batch files (closed by `stack`) and decide for every row: send or set aside.

        Nothing is written: what was set aside becomes durable with the job's intent.
        """
        readers = await anyio.to_thread.run_sync(self._open, stack, batches, loose)
        resolved = [
            await self._resolve(number, parent, readers)
            for number, parent in enumerate(self._table.parents)
        ]
        known = await self._known_keys(readers, None)
        matches = await self._known_matches(readers)
        recovered = await self._recovered(readers)
        return await anyio.to_thread.run_sync(
            self._decide, readers, resolved, known, matches, recovered
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
        resolved = [
            await self._resolve(number, parent, readers)
            for number, parent in enumerate(self._table.parents)
        ]
        known = await self._known_keys(readers, job) | aside.keys()
        rows = await anyio.to_thread.run_sync(self._decide, readers, resolved, known, {}, {})
        rows.aside = aside
        return rows

    def _open(
        self, stack: ExitStack, batches: Sequence[Batch], loose: Sequence[RowReader]
    ) -> list[RowReader]:
        spool = self._ledger.spool
        opened = [stack.enter_context(spool.open(batch.file, batch.crc)) for batch in batches]
        return [*opened, *loose]

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

    async def _known_matches(self, readers: Sequence[RowReader]) -> dict[str, str]:
        keys = sorted({key for reader in readers for key in reader.parents[-1] if key})
        if not keys:
            return {}
        return await self._ledger.matches.lookup(self._table.object, keys)

    async def _resolve(
        self, number: int, parent: ParentField, readers: Sequence[RowReader]
    ) -> dict[str, Target]:
        """Look up every distinct reference of one parent field; absent ones are missing."""
        refs = {ref for reader in readers for ref in reader.parents[number] if ref}
        if not parent.chain:
            kind = parent.kinds[0]
            return dict(await self._ledger.crosswalk.resolve(kind, sorted(refs)))
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
        return chosen

    def _decide(
        self,
        readers: Sequence[RowReader],
        resolved: Sequence[dict[str, Target]],
        known: set[tuple[str, int]],
        matches: dict[str, str],
        recovered: dict[tuple[str, int], str],
    ) -> JobRows:
        aside = Aside()
        cells = [
            _ParentCells(parent, targets)
            for parent, targets in zip(self._table.parents, resolved, strict=True)
        ]
        newest = self._newest(readers, known, recovered, aside)
        sort_at = self._lock_position()
        ordered: list[tuple[str, str, int, JobRow]] = []
        claimed = {match_key for match_key, _, _ in aside.match_keys}
        for (key, part), (number, index) in sorted(newest.items()):
            reader = readers[number]
            if self._set_aside(reader, index, matches, claimed, aside):
                continue
            suffix, missing = _suffix(cells, reader, index)
            if missing:
                aside.held.append(AsideRow.of(reader, index, "parent-missing", *missing))
                continue
            lock = reader.parents[sort_at][index] if sort_at is not None else key
            ordered.append((lock, key, part, JobRow(number, index, key, part, suffix)))
        ordered.sort(key=lambda each: each[:3])
        return JobRows(self._header(), [row for *_, row in ordered], readers, aside)

    def _newest(
        self,
        readers: Sequence[RowReader],
        known: set[tuple[str, int]],
        recovered: dict[tuple[str, int], str],
        aside: Aside,
    ) -> dict[tuple[str, int], tuple[int, int]]:
        """One place per (key, part): a record that pages showed twice is sent once, the newest.

        What a rebuild found is taken over when it is first seen; seen again it is a duplicate.
        """
        newest: dict[tuple[str, int], tuple[int, int]] = {}
        recovered = dict(recovered)
        for number, reader in enumerate(readers):
            for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
                first_part = place[1] == 0
                target = recovered.pop(place, None)
                if target is not None:
                    _take_over(aside, reader, index, target)
                    continue
                if place in known:
                    aside.duplicates += first_part
                    continue
                before = newest.get(place)
                if before is not None:
                    aside.duplicates += first_part
                    if readers[before[0]].versions[before[1]] >= reader.versions[index]:
                        continue
                newest[place] = (number, index)
        return newest

    def _set_aside(
        self,
        reader: RowReader,
        index: int,
        matches: dict[str, str],
        claimed: set[str],
        aside: Aside,
    ) -> bool:
        """Rows whose match key has a record already are matched; twins wait for the first."""
        match_key = reader.parents[-1][index]
        if not match_key:
            return False
        if match_key in matches:
            aside.matched.append((reader.keys[index], matches[match_key]))
            return True
        if match_key in claimed:
            field_name = self._phase.match_existing.get(self._table.object, "")
            aside.waiting.append(AsideRow.of(reader, index, "same-match-key", field_name))
            return True
        claimed.add(match_key)
        return False

    def _lock_position(self) -> int | None:
        names = [parent.name for parent in self._table.parents]
        lock = self._phase.lock_parent
        return names.index(lock) if lock in names else None

    def _header(self) -> bytes:
        columns = list(self._table.columns)
        for parent in self._table.parents:
            columns.extend(dict.fromkeys(parent.columns.values()))
        return ('"' + '","'.join(columns) + '"\n').encode()


class _ParentCells:
    """The CSV cells of one parent field for each distinct reference, made once."""

    def __init__(self, parent: ParentField, targets: dict[str, Target]) -> None:
        self.name = parent.name
        self.required = parent.required
        self._kind = "" if parent.chain else f"{parent.kinds[0]}:"
        columns = tuple(dict.fromkeys(parent.columns.values()))
        self._cells: dict[str, bytes] = {}
        for ref, (table, target_id) in targets.items():
            column = parent.columns.get(table)
            if column is not None:
                self._cells[ref] = _row_cells(columns, column, target_id)
        default = parent.default
        self.absent = _row_cells(columns, columns[0] if default else None, default or "")

    def named(self, ref: str) -> str:
        """The reference with its kind: `kind:id`, or several with `|` between them."""
        return self._kind + ref

    def of(self, ref: str) -> bytes | None:
        """Cells for `ref`; None when the row must wait because its parent is not there."""
        if not ref:
            return self.absent
        found = self._cells.get(ref)
        if found is None and not self.required:
            return self.absent
        return found


def _take_over(aside: Aside, reader: RowReader, index: int, target: str) -> None:
    """Count a row as loaded that is there as `target`.

    Which version of it is there nobody knows, so it is noted as older than any.
    """
    key, match_key = reader.keys[index], reader.parents[-1][index]
    aside.found.append((key, reader.parts[index], target, 0, ""))
    if match_key:
        aside.match_keys.append((match_key, target, key))


def _row_cells(columns: Sequence[str], filled: str | None, value: str) -> bytes:
    return "".join(f',"{value if column == filled else ""}"' for column in columns).encode()


def _suffix(
    cells: Sequence[_ParentCells], reader: RowReader, index: int
) -> tuple[bytes, tuple[str, str] | None]:
    """The cells of a row's parents; or the parent that is missing, by its field and its name."""
    parts = []
    for number, parent in enumerate(cells):
        ref = reader.parents[number][index]
        found = parent.of(ref)
        if found is None:
            return b"", (parent.name, parent.named(ref))
        parts.append(found)
    return b"".join(parts) + b"\n", None
