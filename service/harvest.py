"""Brings a finished job's results into the ledger: what was made, what failed, what was not run.

Results come unordered and are joined on the source key, or by content where the object cannot
carry one. A row that they do not tell of for certain is asked for in Salesforce, and only what is
not there is sent again. Harvesting twice changes nothing: what this job has brought already is
known, and the crosswalk counts a record only when it is new.
"""

from collections.abc import Container, Sequence

import structlog

from connectors.errors import BadReply, NotFound
from connectors.salesforce.ids import to_18
from connectors.salesforce.ingest import IngestJobs
from connectors.salesforce.results import Success, read_failures, read_rows, read_successes
from service.aside import Aside
from service.assemble import JobRow, JobRows
from service.claims import Claims
from service.collisions import Collisions
from service.crash_points import reach
from service.errors import DeskferryError
from service.learning import Learner
from service.phases import Phase
from service.progress import PhaseProgress
from service.reading import TAKEN, UNSURE, End, Harvested, Learned, Reading
from service.repeats import Repeats
from service.settle import EXTERNAL_ID, Settler
from service.twins import DUPLICATES
from state.ledger import Ledger

LEARN_ROWS = 10_000  # ids come in no order: larger transactions touch each page fewer times
READ_TRIES = 3
_log = structlog.get_logger()


class StorageFull(DeskferryError):
    """Salesforce has no data storage left."""

    code = "storage-full"


class NoProgress(DeskferryError):
    """A job ended without any of its rows tried: another one would fare no better now."""

    code = "no-progress"


class Harvester:
    """Reads the results of one phase's jobs for one target table."""

    def __init__(
        self,
        ledger: Ledger,
        ingest: IngestJobs,
        settler: Settler,
        phase: Phase,
        table: str,
        progress: PhaseProgress,
        *,
        shared: bool = True,
        collisions: Collisions | None = None,
    ) -> None:
        """`shared`: twins of the rows find the records that were made by their match keys.

        `collisions` names what a duplicate rule may have found; without it nothing is named.
        """
        self._collisions = collisions
        self._ledger = ledger
        self._learner = Learner(ledger, phase, table, progress, shared=shared)
        self._ingest = ingest
        self._phase = phase
        self._table = table
        self._progress = progress
        self._settler = settler

    async def harvest(self, job: int, sf_id: str, rows: JobRows, end: End) -> Harvested:
        """Make the job's results durable, whatever is left of them.

        Raises, after all of it is durable: `StorageFull`; `NoProgress` for a job of which no row
        was tried.
        """
        brought = {} if rows.changes else await self._brought(job, rows)
        reading = Reading(
            job,
            sf_id,
            self._phase.name,
            self._table,
            rows,
            end,
            Claims(self._phase, rows, brought),
            rows.facts(),
        )
        reading.outcome.successes = len(brought)
        if end != "gone":
            await self._read(reading)
        reading.doubts += [(row, "outcome-unknown", "") for row in reading.claims.left()]
        await self._settle(reading)
        reach("results-read")
        if not rows.changes:
            await self._learner.learn_matches(rows)
        await self._end(job, rows.aside, reading.outcome, rows)
        self._stop_if_needed(reading)
        return reading.outcome

    async def nothing_sent(self, job: int, aside: Aside) -> None:
        """End a job whose rows were all set aside: nothing went to Salesforce."""
        await self._end(job, aside, Harvested())

    async def left_traces(self, job: int, rows: JobRows) -> bool:
        """Whether a job that seems to have worked no row has made records all the same."""
        noted = await self._ledger.jobs.get(job)
        if noted is None or noted.state == "finished" or await self._brought(job, rows):
            return True  # a harvest has begun; it goes on
        found = await self._settler.find(
            rows, rows.rows, since=noted.started_at, claimed=rows.aside.claimed()
        )
        return bool(found.there)

    async def _brought(self, job: int, rows: JobRows) -> dict[tuple[str, int], str]:
        """What an earlier harvest of this job, cut short, has brought into the crosswalk."""
        sent = set(rows.places())
        keys = sorted({key for key, _ in sent})
        brought = await self._ledger.crosswalk.brought_by(self._phase.kind, keys, job)
        return {place: target for place, target in brought.items() if place in sent}

    async def _since(self, job: int) -> float:
        found = await self._ledger.jobs.get(job)
        return found.started_at if found else 0.0

    async def _read(self, reading: Reading) -> None:
        """Read the three lists; one that stays unreadable leaves its rows to be asked for."""
        by_key = self._phase.keyed and not reading.rows.changes
        read_made = self._keyed_successes if by_key else self._keyless_successes
        for read in (read_made, self._failures, self._unprocessed):
            for attempt in range(READ_TRIES):
                try:
                    await read(reading)
                except NotFound:
                    return  # the job was deleted while it was read
                except BadReply:
                    _log.warning("results-unreadable", job=reading.sf_id, attempt=attempt + 1)
                else:
                    break

    async def _keyed_successes(self, reading: Reading) -> None:
        waiting: list[Success] = []
        async with self._ingest.results(reading.sf_id, "successful") as chunks:
            async for successes in read_successes(chunks, key_column=EXTERNAL_ID):
                waiting += successes
                if len(waiting) >= LEARN_ROWS:
                    await self._keyed_made(reading, waiting)
                    waiting = []
        await self._keyed_made(reading, waiting)

    async def _keyed_made(self, reading: Reading, successes: Sequence[Success]) -> None:
        # A row is claimed only as it is learned: a list that breaks off is read anew.
        entries = []
        for key, target_id, _ in successes:
            row = reading.claims.made(to_18(target_id), {EXTERNAL_ID: key})
            if row is not None:
                entries.append(reading.learned(row, target_id))
        await self._made(reading, entries)

    async def _keyless_successes(self, reading: Reading) -> None:
        async with self._ingest.results(reading.sf_id, "successful") as chunks:
            async for made in read_rows(chunks):
                entries = []
                for echoed in made:
                    target_id = to_18(echoed.get("sf__Id", ""))
                    row = reading.claims.made(target_id, echoed) if target_id else None
                    if row is not None:
                        entries.append(reading.learned(row, target_id))
                await self._made(reading, entries)

    async def _made(self, reading: Reading, entries: list[Learned]) -> None:
        if entries:
            reading.outcome.successes += len(entries)
            reading.outcome.repeated += await self._learner.learn(
                reading, sorted(entries), "loaded"
            )
            reach("results-learned")

    async def _failures(self, reading: Reading) -> None:
        # A key can be asked for. An earlier sending whose result stayed hidden may have made the
        # row that this one is refused, so no keyed row is told as failed before a look. What is unique
        # without our key is asked for when the org says that it has it.
        keyed, content = self._phase.keyed, self._phase.content
        unsure = UNSURE | TAKEN if content is not None and content.unique else UNSURE
        async with self._ingest.results(reading.sf_id, "failed") as chunks:
            async for failures in read_failures(chunks):
                for failure in failures:
                    row = reading.claims.told(failure.cells)
                    if row is None:
                        continue
                    told = (row, failure.code, ",".join(failure.fields))
                    if keyed or failure.code in unsure:
                        reading.doubts.append(told)
                    else:
                        reading.note(*told)

    async def _unprocessed(self, reading: Reading) -> None:
        # A job that broke may have made a row that it counts as not reached. A key guards that, unless a
        # twin would go out meanwhile and stand for both.
        broken = reading.end == "broken"
        async with self._ingest.results(reading.sf_id, "unprocessed") as chunks:
            async for unprocessed in read_rows(chunks):
                for cells in unprocessed:
                    row = reading.claims.told(cells)
                    if row is not None and broken and self._unguarded(reading, row):
                        reading.doubts.append((row, "not-processed", ""))
                    elif row is not None:
                        reading.note(row, "not-processed", "")

    def _unguarded(self, reading: Reading, row: JobRow) -> bool:
        """Whether a row that is sent again while it is there already could make a second record."""
        return not self._phase.keyed or bool(
            reading.rows.readers[row.reader].parents[-1][row.index]
        )

    async def _settle(self, reading: Reading) -> None:
        """Ask for the rows in doubt: what is there is learned, the rest ends with its reason."""
        if not reading.doubts:
            return
        found = await self._settler.find(
            reading.rows,
            [row for row, _, _ in reading.doubts],
            since=await self._since(reading.job),
            claimed=reading.rows.aside.claimed(),
        )
        named = await self._named(reading, found.there)
        entries: list[Learned] = []
        for row, reason, fields in reading.doubts:
            place = (row.key, row.part)
            if place in found.there:
                entries.append(reading.learned(row, found.there[place]))
            elif reason in TAKEN and place in found.binned:
                reading.note(row, "in-recycle-bin", "")
            else:
                reading.note(row, reason, fields, named.get(place, ""))
        if entries:
            reading.outcome.found += len(entries)
            reading.outcome.repeated += await self._learner.learn(reading, sorted(entries), "found")
            reach("found-learned")
        _log.info(
            "doubts-settled",
            job=reading.sf_id,
            doubted=len(reading.doubts),
            found=len(entries),
        )

    async def _named(
        self, reading: Reading, there: Container[tuple[str, int]]
    ) -> dict[tuple[str, int], str]:
        """The records that stand in the way of rows that a duplicate rule refused."""
        refused = [
            row
            for row, reason, _ in reading.doubts
            if reason == DUPLICATES and (row.key, row.part) not in there
        ]
        if not refused or self._collisions is None or reading.rows.changes:
            return {}
        return await self._collisions.named(reading.rows, refused)

    async def _end(
        self, job: int, aside: Aside, outcome: Harvested, sent: JobRows | None = None
    ) -> None:
        """End the job, its batches and its loose rows in one transaction."""
        apart = {(entry.source_id, entry.part) for entry in outcome.entries}
        rows = sent.rows if sent else ()
        learned = [(row.key, row.part) for row in rows if (row.key, row.part) not in apart]
        repeats = Repeats(self._ledger, self._phase)
        async with self._ledger.write() as tx:
            if sent is not None and sent.of_known:
                repeated = 0
                await self._ledger.rows.put(tx, outcome.entries, out_of=job)
            else:
                repeated = outcome.repeated + await repeats.put(tx, outcome.entries, job)
                repeated += await repeats.forget(tx, learned)
            await self._ledger.books.add(tx, self._phase.name, duplicates=repeated)
            duplicates, matched, held, found = await aside.apply(
                tx, self._ledger, self._phase, self._table, job, refused=apart
            )
            # Rows that were set apart again belong to no job any more: their history stays.
            await self._ledger.rows.clear_of_job(tx, self._phase.name, job)
            await self._ledger.batches.done(tx, job)
            await self._ledger.jobs.harvested(tx, job)
            reach("harvest-uncommitted")
        reach("harvest-ended")
        self._progress.duplicates += duplicates + repeated
        self._progress.matched += matched
        self._progress.held += held
        self._progress.loaded += found
        self._progress.failed += sum(
            entry.state == "failed" and entry.part == 0 and not entry.change
            for entry in outcome.entries
        )

    def _stop_if_needed(self, reading: Reading) -> None:
        outcome = reading.outcome
        if outcome.stopping:
            raise StorageFull(
                "Salesforce refused rows because its data storage is full.",
                next_step="Free or buy data storage, then run migrate again.",
            )
        if outcome.again and not outcome.moved and reading.end != "gone":
            raise NoProgress(
                f"Salesforce ended job {reading.sf_id} without trying any of its rows.",
                next_step="Look at the job in Salesforce's setup, then run migrate again.",
            )
