"""Loads a phase's sealed batches: decides when a job starts, which batches it carries, and on which
lanes; then follows it to its harvest.

Fat jobs: while extraction goes on, a lane waits until it can fill server batches of 10,000 rows; what is
left over at the end goes into common jobs, so that a phase has one partly filled server batch.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack

import anyio
import structlog

from connectors.clock import Clock
from connectors.redact import safe_text
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ingest import IngestJobs
from service.again import Again
from service.aside import Aside, LooseRows
from service.assemble import Assembler, JobRows
from service.changes import ChangeAssembler
from service.collisions import Collisions
from service.crash_points import reach
from service.difference import ConflictRules
from service.first_look import FirstLook
from service.gone_parents import GoneParents
from service.harvest import Harvester, NoProgress
from service.job import Fate, JobRefused, JobRunner
from service.lanes import LaneLocks, choose
from service.phases import Phase
from service.progress import PhaseProgress
from service.reading import End, Harvested
from service.removals import Child, DeleteRule, Removals, is_removal
from service.reread import Rereader
from service.seal import Sealer
from service.settle import Settler
from service.supplied import SuppliedValues
from service.transition_rows import TransitionAssembler
from state.batches import Batch
from state.jobs import Job
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import Table

_log = structlog.get_logger()


class Loader:
    """Loads one target table of one phase, several lanes at a time."""

    def __init__(
        self,
        phase: Phase,
        table: Table,
        *,
        ledger: Ledger,
        ingest: IngestJobs,
        client: SalesforceClient,
        sealer: Sealer,
        locks: LaneLocks,
        live_jobs: anyio.Semaphore,
        desk: anyio.Semaphore,
        progress: PhaseProgress,
        clock: Clock,
        rules: ConflictRules,
        source: Rereader,
        deletes: DeleteRule,
        children: Sequence[Child],
        users_wait: bool,
        moves: bool,
        fed: Sequence[Phase],
        gone: GoneParents,
        supplied: SuppliedValues,
    ) -> None:
        """Take the parts.

        `users_wait`: rows that name a user who is not settled are held. `moves`: e-mails of a merged
        conversation are made anew on the survivor's Case. `fed`: phases made of this one's records.
        """
        self._phase = phase
        self._table = table
        self._ledger = ledger
        self._sealer = sealer
        self._locks = locks
        self._live_jobs = live_jobs
        self._desk = desk
        self._runner = JobRunner(ledger, ingest)
        self._assembler = Assembler(
            ledger, phase, table, gone, supplied, users_wait=users_wait, revives=moves
        )
        self._changes = ChangeAssembler(
            ledger, client, phase, table, self._assembler, rules, source, moves=moves
        )
        self._removals = Removals(ledger, client, phase, table, progress, deletes, children, fed)
        self._moves = TransitionAssembler(ledger, client, phase, table, self._assembler)
        settler = Settler(ledger, client, phase, table.object)
        self._first_look = FirstLook(ledger, settler, phase, table)
        shared = table.matching is None or table.matching.shared
        self._harvester = Harvester(
            ledger,
            ingest,
            settler,
            phase,
            table.object,
            progress,
            shared=shared,
            collisions=Collisions(client, table.object),
        )
        self._again = Again(ledger, clock, phase.name, table.object)
        self._busy: set[int] = set()

    async def run(self) -> None:
        """Load until every row of this table has ended its way; raises what stops the phase."""
        await self._settle()
        async with anyio.create_task_group() as group:
            while True:
                batches, loose, over = await self._next()
                if over:
                    return
                lanes = frozenset(batch.lane for batch in batches)
                if loose:
                    lanes |= self._locks.all_lanes
                self._busy |= lanes
                group.start_soon(self._load, batches, loose, lanes)

    async def _next(self) -> tuple[Sequence[Batch], Sequence[RowEntry], bool]:
        """Wait for the next job's batches and loose rows; `over` when nothing is left or comes."""
        while True:
            async with self._sealer.sealed:
                extracted = await self._ledger.facts.get(f"extracted.{self._phase.name}")
                ready = await self._ledger.batches.ready(self._phase.name, self._table.object)
                if not self._busy:
                    loose = await self._loose() if extracted and not ready else []
                    if loose:
                        return [], loose, False
                    if extracted and not ready:
                        return [], [], True
                # With the spool full nothing more comes until something goes, full or not.
                whole = extracted is not None or self._sealer.blocked
                chosen = choose(ready, frozenset(self._busy), whole=whole)
                if chosen:
                    return chosen, [], False
                await self._sealer.sealed.wait()

    async def _loose(self) -> list[RowEntry]:
        """Rows to be sent again, and twins whose first has been settled."""
        async with self._ledger.write() as tx:
            await self._ledger.rows.requeue(tx, self._phase.name, "waiting")
        reach("rows-requeued")
        return await self._again.choose()

    async def _load(
        self, batches: Sequence[Batch], loose: Sequence[RowEntry], lanes: frozenset[int]
    ) -> None:
        if loose:
            await self._again.pause()
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._locks.hold(self._phase.lock_parent, lanes))
            await held.enter_async_context(self._live_jobs)
            if loose and is_removal(loose[0]):
                await self._removals.settle(loose)
                await self._rest(lanes)
                return
            moving = await self._moves.among(loose) if loose and loose[0].change else []
            loose = moving or loose
            with ExitStack() as files:
                readers = [self._loose_rows(loose)] if loose else []
                async with self._desk:
                    if moving:
                        rows = await self._moves.assemble(moving)
                    elif loose and loose[0].change:
                        rows = await self._changes.assemble(loose)
                    else:
                        rows = await self._assembler.assemble(files, batches, readers)
                if not rows.of_known:
                    await self._first_look.take_out(rows)
                reach("rows-assembled")
                job = await self._runner.intend(
                    self._phase, self._table.object, rows, batches, loose
                )
                if rows.rows:
                    sf_id = await self._runner.send(job, self._phase, self._table.object, rows)
                    _log.info("job-sent", job=sf_id, object=self._table.object, rows=len(rows.rows))
                    done = await self._follow(job, sf_id, rows)
                    if done is None:
                        await self._rest(lanes)
                        return
                    self._again.learn(refused=done.busy)
                else:
                    await self._harvester.nothing_sent(job, rows.aside)
        await self._forget(batches, lanes)

    async def _follow(self, job: int, sf_id: str, rows: JobRows) -> Harvested | None:
        """Wait for a job's end and harvest it.

        One that made nothing leaves its rows waiting: None when Salesforce no longer knows it,
        `JobRefused` when it ended before its first row.
        """
        ended = await self._runner.wait(sf_id)
        how: End = "gone"
        if ended is not None:
            how = "complete" if ended.state == "JobComplete" else "broken"
        idle = ended is None or (how == "broken" and not ended.records_processed)
        if idle and not await self._harvester.left_traces(job, rows):
            await self._give_back(job, (ended.error_message or ended.state) if ended else "gone")
            if ended is None:
                return None
            raise JobRefused(
                f"Salesforce ended job {sf_id} as {ended.state} before its first row: "
                f"{safe_text(ended.error_message or 'no reason given')}",
                next_step="Mend what the message names, then run migrate again; nothing was made.",
            )
        await self._runner.finished(job, ended)
        async with self._desk:
            done = await self._harvester.harvest(job, sf_id, rows, how)
        _log.info("job-harvested", job=sf_id, end=how, **done.counts())
        return done

    async def _give_back(self, job: int, why: str) -> None:
        async with self._ledger.write() as tx:
            await self._ledger.batches.release(tx, job)
            await self._ledger.rows.release_job(tx, job)
            await self._ledger.jobs.abandon(tx, job, why[:200])
        reach("job-given-back")

    async def _rest(self, lanes: frozenset[int]) -> None:
        """Free the lanes of a job whose batches wait again."""
        self._busy -= lanes
        await self._sealer.freed(0)

    async def _forget(self, batches: Sequence[Batch], lanes: frozenset[int]) -> None:
        self._busy -= lanes
        for batch in batches:
            await anyio.to_thread.run_sync(self._ledger.spool.strip, batch.file)
            reach("payload-stripped")
        counted = () if self._phase.of else batches  # see `Sealer`
        await self._sealer.freed(sum(batch.size_bytes for batch in counted))

    def _loose_rows(self, loose: Sequence[RowEntry]) -> LooseRows:
        return LooseRows(loose, len(self._table.parents))

    async def _settle(self) -> None:
        """Bring the jobs that an earlier run left behind to their end, before any new one.

        Those with results come first: what is certain must not be taken for what is looked for.
        """
        fates = [
            (job, await self._runner.adopt(job))
            for job in await self._ledger.jobs.unsettled()
            if (job.phase, job.object) == (self._phase.name, self._table.object)
        ]
        for wanted in ("never-ran", "ran", "gone"):
            for job, fate in fates:
                if fate == wanted:
                    await self._settle_one(job, fate)

    async def _settle_one(self, job: Job, fate: Fate) -> None:
        batches = await self._ledger.batches.of_job(job.id)
        if fate == "never-ran" or job.sf_id is None:
            _log.info("job-abandoned", job=job.sf_id, state=job.state)
            await self._give_back(job.id, "not closed when the run ended")
            return
        _log.info("job-adopted", job=job.sf_id, state=job.state, fate=fate)
        reach("job-adopted")
        with ExitStack() as files:
            rows = await self._rows_of(job, batches, files)
            reach("job-reassembled")
            try:
                if await self._follow(job.id, job.sf_id, rows) is None:
                    return
            except JobRefused:
                return  # its rows wait again; this run's own jobs tell whether the cause is mended
            except NoProgress as stopped:
                _log.warning("job-without-progress", job=job.sf_id, code=stopped.code)
        reach("job-settled")
        await self._forget(batches, frozenset())

    async def _rows_of(self, job: Job, batches: Sequence[Batch], files: ExitStack) -> JobRows:
        """Put a sent job's rows together again; what was set aside then is read, not re-decided."""
        loose = await self._ledger.rows.of_job(job.id)
        if loose and loose[0].change:
            builder = self._moves if job.operation == "insert" else self._changes
            return await builder.reassemble(loose, Aside.load(job.aside))
        readers = [self._loose_rows(loose)] if loose else []
        aside = Aside.load(job.aside)
        return await self._assembler.reassemble(files, batches, readers, aside, job.id)
