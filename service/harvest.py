"""Brings a finished job's results into the ledger: what was made, what failed, what was not run.

Results come unordered and are joined on the source key, or by content where the object cannot
carry one. The three lists must add up to what was sent, else nothing is concluded. Reading them
twice changes nothing: the crosswalk counts a record only when it is new.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ingest import IngestJobs
from connectors.salesforce.results import (
    Failure,
    existing_id,
    read_failures,
    read_rows,
    read_successes,
    to_18,
)
from service.aside import Aside, LooseRows, loose_payload
from service.assemble import JobRow, JobRows
from service.content import content_key, sent_cells
from service.errors import DeskferryError
from service.phases import Phase
from service.progress import PhaseProgress
from state.ledger import Ledger, Tx
from state.rows import RowEntry, RowState

AGAIN = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})
STOPPING = frozenset({"STORAGE_LIMIT_EXCEEDED"})
EXTERNAL_ID = "Kustomer_Id__c"
LEARN_ROWS = 4_000
MAX_ATTEMPTS = 8


class ResultsIncomplete(DeskferryError):
    """The three result lists of a job do not add up to what was sent."""

    code = "results-incomplete"


class StorageFull(DeskferryError):
    """Salesforce has no data storage left."""

    code = "storage-full"


@dataclass
class Harvested:
    """What one job came to, in rows."""

    successes: int = 0
    found: int = 0
    failed: int = 0
    again: int = 0
    stopping: str | None = None
    entries: list[RowEntry] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The figures of a log line."""
        return {
            "made": self.successes,
            "found": self.found,
            "failed": self.failed,
            "again": self.again,
        }


class Harvester:
    """Reads the results of one phase's jobs for one target table."""

    def __init__(
        self,
        ledger: Ledger,
        ingest: IngestJobs,
        client: SalesforceClient,
        phase: Phase,
        table: str,
        progress: PhaseProgress,
    ) -> None:
        self._ledger = ledger
        self._ingest = ingest
        self._client = client
        self._phase = phase
        self._table = table
        self._progress = progress

    async def harvest(self, job: int, sf_id: str, rows: JobRows, aside: Aside) -> Harvested:
        """Make the job's results durable.

        Raises `ResultsIncomplete` (stop; the job stays finished and is read again by the next
        run) and `StorageFull` after the rows that were made are in the crosswalk.
        """
        outcome = Harvested()
        by_key = {(row.key, row.part): row for row in rows.rows}
        facts = rows.facts()
        if self._phase.keyed:
            await self._keyed_successes(job, sf_id, facts, outcome)
        else:
            await self._keyless_successes(job, sf_id, rows, facts, outcome)
        await self._failures(job, sf_id, rows, by_key, facts, outcome)
        await self._unprocessed(sf_id, rows, by_key, outcome)
        total = outcome.successes + outcome.found + outcome.failed + outcome.again
        if total != len(rows.rows):
            raise ResultsIncomplete(
                f"Job {sf_id} was sent {len(rows.rows)} rows, its results tell of {total}.",
                next_step="Run migrate again: the job's results are read anew, nothing is re-sent.",
            )
        await self._learn_matches(rows)
        await self._end(job, aside, outcome)
        if outcome.stopping:
            raise StorageFull(
                "Salesforce refused rows because its data storage is full.",
                next_step="Free or buy data storage, then run migrate again.",
            )
        return outcome

    async def nothing_sent(self, job: int, aside: Aside) -> None:
        """End a job whose rows were all set aside: nothing went to Salesforce."""
        await self._end(job, aside, Harvested())

    async def _keyed_successes(
        self,
        job: int,
        sf_id: str,
        facts: dict[tuple[str, int], tuple[int, bytes]],
        outcome: Harvested,
    ) -> None:
        entries: list[tuple[str, int, str, int, bytes]] = []
        async with self._ingest.results(sf_id, "successful") as chunks:
            async for successes in read_successes(chunks, key_column=EXTERNAL_ID):
                for key, target_id, _ in successes:
                    version, digest = facts[key, 0]
                    entries.append((key, 0, target_id, version, digest))
                if len(entries) >= LEARN_ROWS:
                    await self._learn(job, entries, outcome)
                    entries = []
        await self._learn(job, entries, outcome)

    async def _keyless_successes(
        self,
        job: int,
        sf_id: str,
        rows: JobRows,
        facts: dict[tuple[str, int], tuple[int, bytes]],
        outcome: Harvested,
    ) -> None:
        columns, cells = sent_cells(rows)
        waiting: dict[bytes, list[JobRow]] = defaultdict(list)
        for row, values in zip(rows.rows, cells, strict=True):
            waiting[content_key(columns, values)].append(row)
        entries: list[tuple[str, int, str, int, bytes]] = []
        async with self._ingest.results(sf_id, "successful") as chunks:
            async for made in read_rows(chunks):
                for echoed in made:
                    twins = waiting[
                        content_key(columns, [echoed.get(name, "") for name in columns])
                    ]
                    if twins:
                        row = twins.pop(0)
                        version, digest = facts[row.key, row.part]
                        entries.append((row.key, row.part, echoed["sf__Id"], version, digest))
        entries.sort()
        await self._learn(job, entries, outcome)

    async def _learn(
        self, job: int, entries: Sequence[tuple[str, int, str, int, bytes]], outcome: Harvested
    ) -> None:
        if not entries:
            return
        outcome.successes += len(entries)
        async with self._ledger.write() as tx:
            self._progress.loaded += await self._into_crosswalk(tx, job, entries, "loaded")

    async def _into_crosswalk(
        self, tx: Tx, job: int, entries: Sequence[tuple[str, int, str, int, bytes]], origin: str
    ) -> int:
        """Store ids; a record counts as loaded when its first part is new in the crosswalk."""
        ledger, phase = self._ledger, self._phase
        firsts = [entry for entry in entries if entry[1] == 0]
        others = [entry for entry in entries if entry[1] != 0]
        new = await ledger.crosswalk.learn(
            tx, phase.kind, self._table, firsts, origin=origin, job=job
        )
        if others:
            await ledger.crosswalk.learn(
                tx, phase.kind, self._table, others, origin=origin, job=job
            )
        await ledger.books.add(tx, phase.name, loaded=new)
        return new

    async def _failures(
        self,
        job: int,
        sf_id: str,
        rows: JobRows,
        by_key: dict[tuple[str, int], JobRow],
        facts: dict[tuple[str, int], tuple[int, bytes]],
        outcome: Harvested,
    ) -> None:
        found: list[tuple[str, int, str, int, bytes]] = []
        lookup = _RowLookup(self._phase, rows, by_key)
        async with self._ingest.results(sf_id, "failed") as chunks:
            async for failures in read_failures(chunks):
                for failure in failures:
                    row = lookup.of(failure.cells)
                    target = await self._already_there(row, failure)
                    if target is not None:
                        version, digest = facts[row.key, row.part]
                        found.append((row.key, row.part, target, version, digest))
                    else:
                        self._note(row, rows, failure, outcome)
        if found:
            outcome.found += len(found)
            async with self._ledger.write() as tx:
                self._progress.loaded += await self._into_crosswalk(tx, job, found, "found")

    async def _already_there(self, row: JobRow, failure: Failure) -> str | None:
        """The id of the record that carries our external id already, if that is the failure."""
        if failure.code != "DUPLICATE_VALUE" or not self._phase.keyed:
            return None
        if EXTERNAL_ID not in failure.message:
            return None
        named = existing_id(failure.message)
        if named is not None:
            return to_18(named)
        soql = f"SELECT Id FROM {self._table} WHERE {EXTERNAL_ID} = '{row.key}'"  # noqa: S608
        async for page in self._client.query(soql, all_rows=True):
            for record in page:
                return str(record["Id"])
        return None

    def _note(self, row: JobRow, rows: JobRows, failure: Failure, outcome: Harvested) -> None:
        again = failure.code in AGAIN and (self._phase.keyed or failure.code != "UNKNOWN_EXCEPTION")
        if failure.code in STOPPING:
            outcome.stopping = failure.code
            again = True
        outcome.again += again
        outcome.failed += not again
        outcome.entries.append(
            self._entry(
                row, rows, "pending" if again else "failed", failure.code, ",".join(failure.fields)
            )
        )

    async def _unprocessed(
        self,
        sf_id: str,
        rows: JobRows,
        by_key: dict[tuple[str, int], JobRow],
        outcome: Harvested,
    ) -> None:
        lookup = _RowLookup(self._phase, rows, by_key)
        async with self._ingest.results(sf_id, "unprocessed") as chunks:
            async for unprocessed in read_rows(chunks):
                for cells in unprocessed:
                    row = lookup.of(cells)
                    outcome.again += 1
                    outcome.entries.append(self._entry(row, rows, "pending", "not-processed", ""))

    def _entry(
        self, row: JobRow, rows: JobRows, state: RowState, reason: str, field_name: str
    ) -> RowEntry:
        reader = rows.readers[row.reader]
        payload = loose_payload(reader, row.index)
        attempts = reader.attempts[row.index] + 1 if isinstance(reader, LooseRows) else 1
        if state == "pending" and attempts >= MAX_ATTEMPTS:
            state = "failed"
        return RowEntry(
            phase=self._phase.name,
            source_id=row.key,
            part=row.part,
            state=state,
            reason=reason,
            field=field_name,
            detail="",
            payload=orjson.dumps({**payload, "object": self._table, "attempts": attempts}),
        )

    async def _learn_matches(self, rows: JobRows) -> None:
        """Remember which record now stands for a match key, for the twins that wait."""
        keyed = {
            row.key: rows.readers[row.reader].parents[-1][row.index]
            for row in rows.rows
            if rows.readers[row.reader].parents[-1][row.index]
        }
        if not keyed:
            return
        made = await self._ledger.crosswalk.resolve(self._phase.kind, list(keyed))
        entries = [(keyed[key], target_id, key) for key, (_, target_id) in made.items()]
        async with self._ledger.write() as tx:
            await self._ledger.matches.learn(tx, self._table, entries)

    async def _end(self, job: int, aside: Aside, outcome: Harvested) -> None:
        """End the job, its batches and its loose rows in one transaction."""
        async with self._ledger.write() as tx:
            await self._ledger.rows.clear_of_job(tx, self._phase.name, job)
            if outcome.entries:
                await self._ledger.rows.put(tx, outcome.entries)
            duplicates, matched, held = await aside.apply(
                tx, self._ledger, self._phase, self._table, job
            )
            await self._ledger.batches.done(tx, job)
            await self._ledger.jobs.harvested(tx, job)
        self._progress.duplicates += duplicates
        self._progress.matched += matched
        self._progress.held += held
        self._progress.failed += sum(
            entry.state == "failed" and entry.part == 0 for entry in outcome.entries
        )


class _RowLookup:
    """Finds the row that was sent from the cells that a result echoes."""

    def __init__(self, phase: Phase, rows: JobRows, by_key: dict[tuple[str, int], JobRow]) -> None:
        self._keyed = phase.keyed
        self._by_key = by_key
        self._rows = rows
        self._columns: list[str] = []
        self._by_content: dict[bytes, list[JobRow]] | None = None

    def of(self, cells: dict[str, str]) -> JobRow:
        """Return the row; raises `ResultsIncomplete` when the cells are none that were sent."""
        if self._keyed:
            row = self._by_key.get((cells.get(EXTERNAL_ID, ""), 0))
        else:
            twins = self._contents().get(
                content_key(self._columns, [cells.get(name, "") for name in self._columns]), []
            )
            row = twins.pop() if twins else None
        if row is None:
            raise ResultsIncomplete(
                "A result row of the job matches no row that was sent.",
                next_step="Run migrate again; if it stays, send the report to support.",
            )
        return row

    def _contents(self) -> dict[bytes, list[JobRow]]:
        if self._by_content is None:
            self._columns, cells = sent_cells(self._rows)
            self._by_content = defaultdict(list)
            for row, values in zip(self._rows.rows, cells, strict=True):
                self._by_content[content_key(self._columns, values)].append(row)
        return self._by_content
