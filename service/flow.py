"""The one flow: read ahead phase by phase, load each phase when the gates before it are closed."""

from collections.abc import Sequence

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ingest import IngestJobs
from service.address_book import AddressBook
from service.agents import policy_of
from service.anew import Anew
from service.compose import KustomerSide
from service.config import Config
from service.difference import ConflictRules
from service.directory import DirectoryMatcher, counterparts_of
from service.errors import DeskferryError
from service.extract import Extractor
from service.gate import close_gate
from service.gone_parents import GoneParents
from service.hooks.gates import GateHooks
from service.lanes import LaneLocks
from service.late_users import LateUsers
from service.load import Loader
from service.matching import learn_existing
from service.pages import PageQueue
from service.phases import Phase
from service.planner import Planner
from service.progress import PhaseProgress
from service.removals import Child
from service.reread import Rereader
from service.seal import Sealer
from service.supplied import SuppliedValues
from service.transition import crosses
from service.transition_steps import TransitionSteps
from state.ledger import Ledger
from transforms.compile import CompiledMapping
from transforms.lookups import Lookups


class Flow:
    """Drives the open ones of `phases`; the gates of all others are closed already."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        mapping: CompiledMapping,
        queue: PageQueue,
        sealer: Sealer,
        lookups: Lookups,
        phases: Sequence[Phase],
        book: AddressBook | None = None,
        hooks: GateHooks | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._ledger = ledger
        self._kustomer = kustomer
        self._salesforce = salesforce
        self._mapping = mapping
        self._queue = queue
        self._sealer = sealer
        self._lookups = lookups
        self._phases = phases
        self._book = book
        self._hooks = hooks
        self._source = Rereader(kustomer.client, readers=config.kustomer.connections)
        self._gone = GoneParents(ledger, self._source, phases)
        self._supplied = SuppliedValues(self._source, phases, mapping, lookups)
        self._closed = {phase.name: anyio.Event() for phase in phases}
        self._locks = LaneLocks(config.salesforce.lanes)
        self._live_jobs = anyio.Semaphore(config.salesforce.live_jobs)
        # One job at a time is put together or harvested: that is when its rows are in memory.
        self._desk = anyio.Semaphore(1)

    async def run(self, phases: list[Phase], progress: dict[str, PhaseProgress]) -> None:
        """Run `phases` to their gates; those not named are closed already."""
        open_names = {phase.name for phase in phases}
        for name, event in self._closed.items():
            if name not in open_names:
                event.set()
        extractor = self._extractor()
        async with anyio.create_task_group() as counting:
            counting.start_soon(self._count, extractor, phases, progress)
            async with anyio.create_task_group() as group:
                group.start_soon(self._extract, extractor, phases, progress)
                group.start_soon(self._sealer.run, progress)
                for phase in phases:
                    group.start_soon(self._load, phase, progress[phase.name])
            counting.cancel_scope.cancel()

    def _extractor(self) -> Extractor:
        planner = Planner(self._kustomer.client, now_ms=int(self._clock.now() * 1000))
        return Extractor(
            self._kustomer.client,
            self._ledger,
            self._queue,
            planner=planner,
            readers=self._config.kustomer.connections,
            clock=self._clock,
        )

    async def _count(
        self, extractor: Extractor, phases: list[Phase], progress: dict[str, PhaseProgress]
    ) -> None:
        """Learn the totals beside the work; the largest phases come first."""
        for phase in reversed(phases):
            if phase.of or await self._ledger.facts.get(f"extracted.{phase.name}"):
                continue
            await extractor.count(phase, progress[phase.name])

    async def _extract(
        self, extractor: Extractor, phases: list[Phase], progress: dict[str, PhaseProgress]
    ) -> None:
        for phase in phases:
            if phase.of or await self._ledger.facts.get(f"extracted.{phase.name}"):
                continue
            progress[phase.name].state = "extracting"
            schedule = await extractor.plan(phase)
            await extractor.read(phase, schedule)
        await self._queue.close()

    async def _load(self, phase: Phase, progress: PhaseProgress) -> None:
        for name in phase.after:
            await self._closed[name].wait()
        if progress.state == "waiting":
            progress.state = "loading"
        if phase.operation == "match":
            await self._matcher(phase, progress).run()
        else:
            compiled = self._mapping.phases[phase.name]
            await learn_existing(self._ledger, self._salesforce, phase, compiled)
            await self._anew(phase, progress).run()
            for each in compiled.tables.values():
                await LateUsers(phase, each, self._ledger, self._salesforce, self._clock).run()
            async with anyio.create_task_group() as group:
                for table in phase.objects:
                    group.start_soon(self._loader(phase, table, progress).run)
            if crosses(phase):
                await self._transitions(phase).run()
        progress.state = "checking"
        if self._hooks:
            await self._hooks.expect(phase.name)
        try:
            await close_gate(phase, self._ledger, self._salesforce, now=self._clock.now())
        except DeskferryError:
            progress.state = "unbalanced"
            raise
        progress.state = "done"
        if self._hooks:
            await self._hooks.tell(phase.name)
        self._closed[phase.name].set()

    def _matcher(self, phase: Phase, progress: PhaseProgress) -> DirectoryMatcher:
        rule = self._mapping.phases[phase.name].match
        assert rule is not None  # a match phase without a rule does not compile
        return DirectoryMatcher(
            phase,
            rule,
            ledger=self._ledger,
            counterparts=counterparts_of(
                rule,
                ledger=self._ledger,
                client=self._salesforce,
                aliases=self._config.mail_aliases,
            ),
            compiled=self._mapping.phases[phase.name],
            source=self._source,
            sealer=self._sealer,
            progress=progress,
        )

    def _anew(self, phase: Phase, progress: PhaseProgress) -> Anew:
        return Anew(
            phase,
            self._mapping.phases[phase.name],
            ledger=self._ledger,
            source=self._source,
            lookups=self._lookups,
            book=self._book,
            progress=progress,
        )

    def _children(self, table: str) -> list[Child]:
        """The keyed tables whose records name one of `table` as a parent."""
        return [
            Child(phase.kind, each.object, parent.columns[table])
            for phase in self._phases
            if phase.name in self._mapping.phases
            for each in self._mapping.phases[phase.name].tables.values()
            for parent in each.parents
            if each.key_column and parent.columns.get(table, "Id") != "Id"
        ]

    def _transitions(self, phase: Phase) -> TransitionSteps:
        return TransitionSteps(
            phase,
            self._mapping,
            ledger=self._ledger,
            client=self._salesforce,
            clock=self._clock,
            rule=self._config.transitions.retire,
        )

    def _loader(self, phase: Phase, table: str, progress: PhaseProgress) -> Loader:
        return Loader(
            phase,
            self._mapping.phases[phase.name].tables[table],
            ledger=self._ledger,
            ingest=IngestJobs(self._salesforce, self._clock),
            client=self._salesforce,
            sealer=self._sealer,
            locks=self._locks,
            live_jobs=self._live_jobs,
            desk=self._desk,
            progress=progress,
            clock=self._clock,
            rules=ConflictRules(self._config.delta.conflicts, self._config.delta.conflict_fields),
            source=self._source,
            deletes=self._config.delta.deletes,
            children=self._children(table),
            users_wait=policy_of(self._config) != "fallback",
            moves=self._config.delta.merged_messages == "anew",
            fed=[each for each in self._phases if each.of == phase.name],
            gone=self._gone,
            supplied=self._supplied,
        )
