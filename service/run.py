"""One run of `migrate`: checks that it is the same migration, then drives all phases to their gates.

Running it again resumes: what the ledger knows is not asked, transformed or sent again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.address_book import open_address_book
from service.agents import USERS, refuse_open, release_waiting, take_up
from service.command_log import logged
from service.compose import KustomerSide, open_kustomer_side, open_salesforce
from service.config import Config
from service.confirm import refuse_unconfirmed
from service.crash_points import reach
from service.cutover.hypercare import refuse_after_switch
from service.errors import ATTENTION, DONE
from service.flow import Flow
from service.hooks.fire import Hooks, hooks_of_run
from service.hooks.gates import GateHooks
from service.hooks.passes import throttled
from service.identity import check_identity
from service.late_users import reopen_for_late_users
from service.ledger import open_ledger
from service.mapped import load_mapping, read_phases
from service.marks import settle_marks
from service.names import read_lookups
from service.narrowing import in_reading_order
from service.pages import PageQueue
from service.phases import PHASES, Phase
from service.profiling import open_profiler
from service.progress import RunProgress, RunSnapshot
from service.purge import check_not_purged
from service.rebuild import check_whole
from service.remap import follow_map
from service.room import spool_room
from service.run_progress import budget_views, fresh, recalled
from service.seal import Sealer
from service.stage_log import Stage, open_narrowing, postponed, read_stages
from service.stopping import until_stopped
from service.teams import reopen_for_members
from service.unsealed import Transformer
from state.books import Book
from state.ledger import Ledger
from transforms.compile import CompiledMapping
from transforms.lookups import Lookups


@dataclass(frozen=True)
class RunSummary:
    """How a run ended: the books of every phase, how many writing jobs it sent, the plan's stages."""

    books: Mapping[str, Book]
    jobs_sent: int
    seconds: float
    stages: Sequence[Stage] = ()


@dataclass(frozen=True)
class Outcome:
    """Exit code and summary of a finished run."""

    exit_code: int
    summary: RunSummary


class Migration:
    """A full load, or the rest of one. Commands that drive the same flow differ in the hooks."""

    command = "migrate"
    ends_with_cutover = True

    def __init__(
        self, config: Config, *, clock: Clock, stop: anyio.Event, same_org: bool = False
    ) -> None:
        self._config = config
        self._same_org = same_org
        self._clock = clock
        self._stop = stop
        self._waits: list[Callable[[], str | None]] = []
        self._hooks = Hooks((), clock=clock, command=self.command)
        self._map: CompiledMapping | None = None
        self._phases: tuple[Phase, ...] = PHASES
        self._progress = RunProgress(
            fresh(PHASES), started_at=clock.now(), waits=lambda: [why() for why in self._waits]
        )

    def snapshot(self) -> RunSnapshot:
        """Return the run as it is now; cheap, callable at any time."""
        return self._progress.snapshot(self._clock.now())

    async def run(self) -> Outcome:
        """Run until every gate is closed.

        Raises the rooms' errors, `MapUnconfirmed`, `MapChanged`, `BooksUnbalanced`, `HookFailed`, and
        `Interrupted` after a stop. All of them leave a state that the next run goes on from.
        """
        async with hooks_of_run(
            self._config.hooks, self._clock, self.command, stop=self._stop
        ) as hooks:
            self._hooks = hooks
            outcome = await self._go()
            hooks.ended_with = outcome.exit_code
            return outcome

    async def _go(self) -> Outcome:
        hear = throttled(self._hooks, self._clock)
        async with AsyncExitStack() as stack:
            ledger = await stack.enter_async_context(open_ledger(self._config, self._clock.now))
            kustomer = await stack.enter_async_context(
                open_kustomer_side(self._config, self._clock, patient=True, hear=hear)
            )
            salesforce = await stack.enter_async_context(
                open_salesforce(self._config, self._clock, patient=True, hear=hear)
            )
            self._waits += [lambda: kustomer.waiting_for, lambda: salesforce.waiting_for]
            before = await ledger.jobs.count()
            reach("workspace-opened")
            entry = await stack.enter_async_context(logged(ledger, self.command))
            await until_stopped(
                self._stop,
                lambda: self._hooks.guard(
                    lambda: self._work(ledger, kustomer, salesforce, entry.run)
                ),
                kept="Everything done so far is kept.",
                next_step=f"Run deskferry {self.command} again to go on from here.",
            )
            await settle_marks(ledger, self._phases)
            outcome = await self._conclude(ledger, before)
            entry.ended_with = outcome.exit_code
            return outcome

    async def _work(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient, run: int
    ) -> None:
        await check_identity(
            self._config, ledger, kustomer.client, salesforce, same_org=self._same_org
        )
        await check_not_purged(ledger)
        if self.ends_with_cutover:
            await refuse_after_switch(ledger)
        await refuse_unconfirmed(self._config, ledger, kustomer.client, salesforce)
        await GateHooks(self._hooks, ledger).tell_due()
        await self._prepare(ledger, salesforce, run)
        self._phases = read_phases(self._config)
        await check_whole(ledger, salesforce, self._phases)
        await self._drive(ledger, kustomer, salesforce)

    async def _prepare(self, ledger: Ledger, salesforce: SalesforceClient, run: int) -> None:
        """Hook: what is made sure or durable before the flow starts; `run` is this run's number."""
        await follow_map(self._config, ledger, salesforce)

    async def _phases_to_run(self, ledger: Ledger) -> list[Phase]:
        """Hook: the open phases that this run drives to their gates."""
        return [phase for phase in self._phases if not await ledger.gates.closed(phase.name)]

    async def _mapping(self, ledger: Ledger, salesforce: SalesforceClient) -> CompiledMapping:
        """Hook: the map in force."""
        return await load_mapping(self._config, ledger, salesforce)

    async def _map_in_force(self, ledger: Ledger, salesforce: SalesforceClient) -> CompiledMapping:
        """The map in force, read once in a run."""
        if self._map is None:
            self._map = await self._mapping(ledger, salesforce)
        return self._map

    async def _recall(self, ledger: Ledger) -> None:
        """Start the counters from the books of earlier runs."""
        self._progress.phases = await recalled(ledger, self._phases)

    async def _take_up(self, ledger: Ledger) -> None:
        """Hook: before anything moves, let open users be matched again."""
        await take_up(ledger)

    async def _agents_settled(self, ledger: Ledger) -> None:
        """Hook: users are matched as far as can be; refuse, or let go what waited for them."""
        await refuse_open(self._config, ledger, self._phases)
        await release_waiting(self._config, ledger)
        await reopen_for_members(ledger)
        await reopen_for_late_users(ledger)

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Run the open phases; users first and alone, so that nothing is written before them."""
        await self._take_up(ledger)
        await self._recall(ledger)  # what is taken up is not held any more
        agents = [each for each in await self._phases_to_run(ledger) if each.name == USERS]
        await self._run_phases(ledger, kustomer, salesforce, agents)
        await self._agents_settled(ledger)
        await self._run_phases(ledger, kustomer, salesforce, await self._phases_to_run(ledger))

    async def _run_phases(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        open_phases: list[Phase],
    ) -> None:
        if not open_phases:
            return
        spool_limit = self._config.spool_limit_mb * 1_000_000
        spool_limit = await spool_room(ledger, self._config.workspace, spool_limit)
        mapping = await self._map_in_force(ledger, salesforce)
        late = await postponed(ledger, self._phases, mapping)
        phases = [phase for phase in self._phases if phase.name not in late]
        open_phases = [phase for phase in open_phases if phase.name not in late]
        narrowing = await open_narrowing(ledger)
        open_phases = in_reading_order(open_phases, narrowing)
        lookups = Lookups()
        if await _makes_rows(ledger, open_phases):
            lookups = await read_lookups(kustomer.client)
        queue = PageQueue(self._config.queue_mb * 1_000_000)
        lanes = self._config.salesforce.lanes
        profiler = await open_profiler(self._config, ledger, self._phases)
        book = await open_address_book(ledger, mapping)
        transformer = Transformer(
            phases,
            mapping,
            lookups,
            lanes=lanes,
            profiler=profiler,
            book=book,
            narrowing=narrowing,
        )
        sealer = Sealer(ledger, queue, transformer, spool_limit_bytes=spool_limit)
        read = [phase.name for phase in self._phases if phase.of is None]
        sealer.spool_bytes = await ledger.batches.open_bytes(read)
        self._watch(kustomer, queue, sealer)
        flow = Flow(
            self._config,
            self._clock,
            ledger,
            kustomer,
            salesforce,
            mapping,
            queue,
            sealer,
            lookups,
            phases,
            book,
            GateHooks(self._hooks, ledger),
        )
        await flow.run(open_phases, self._progress.phases)

    def _watch(self, kustomer: KustomerSide, queue: PageQueue, sealer: Sealer) -> None:
        self._progress.budgets = lambda: budget_views(kustomer)
        if self._config.kustomer.office_hours:
            self._progress.pace = kustomer.pace.words
        self._progress.queue_bytes = lambda: queue.bytes
        self._progress.queue_limit = queue.limit_bytes
        self._waits.append(
            lambda: (
                "Salesforce to take what is sealed; reading waits (spool_limit_mb)"
                if sealer.blocked
                else None
            )
        )

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        books = {phase.name: await ledger.books.read(phase.name) for phase in self._phases}
        parts = [await ledger.books.in_part(phase.name) for phase in self._phases]
        gaps = [await ledger.facts.get(f"gap.{phase.name}") for phase in self._phases]
        rows = any(parts) or any(
            book.held or book.failed or book.changes_held or book.changes_failed
            for book in books.values()
        )
        attention = rows or any(gaps)
        summary = RunSummary(
            books,
            await ledger.jobs.count() - jobs_before,
            self._clock.now() - self._progress.started_at,
            await read_stages(ledger),
        )
        return Outcome(ATTENTION if attention else DONE, summary)


async def _makes_rows(ledger: Ledger, phases: list[Phase]) -> bool:
    """Tell whether any record is still to be transformed, which needs the names of small things.

    What a second pass has made may have to be made anew with the records that it hangs on.
    """
    names = {phase.name for phase in phases}
    for phase in phases:
        if phase.operation == "match":
            continue
        if phase.of in names:
            return True
        if not await ledger.facts.get(f"extracted.{phase.name}"):
            return True
        if await ledger.rows.unmade(phase.name, 1):
            return True
    return False
