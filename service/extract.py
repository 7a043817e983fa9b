"""Reads the pages of a phase's open slices in parallel and queues them for sealing.

Only sealed pages are remembered: after a crash the pages that were under way are read again.
"""

from __future__ import annotations

import anyio
import structlog

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient, Page
from service.crash_points import reach
from service.marks import begin_mark
from service.pages import PageQueue, SourcePage
from service.phases import Phase
from service.planner import Planner
from service.progress import PhaseProgress
from service.schedule import PageSchedule, SliceCursor
from service.shifts import ShiftWatch, watches
from service.source_pages import CHOSEN, SourcePages
from state.ledger import Ledger

_log = structlog.get_logger()


class _Reading:
    """The schedule of one phase under several readers, and what watches over its slices."""

    def __init__(self, schedule: PageSchedule, seen: dict[int, ShiftWatch]) -> None:
        self._schedule = schedule
        self._turn = anyio.Condition()
        self.watches = seen

    async def take(self) -> tuple[SliceCursor, int] | None:
        """The next page to read, waiting for one; None when all are read."""
        async with self._turn:
            while (ticket := self._schedule.take()) is None:
                if self._schedule.finished:
                    self._turn.notify_all()
                    return None
                await self._turn.wait()
            return ticket

    async def landed(self, cursor: SliceCursor, number: int, page: Page) -> None:
        """A page was read."""
        # Of what was chosen a page may be empty with others behind it.
        rows = len(page.rows) or int(cursor.spec["kind"] in CHOSEN)
        async with self._turn:
            self._schedule.landed(cursor.number, number, rows=rows, has_next=page.has_next)
            self.watches[cursor.number].landed(number, page)
            self._turn.notify_all()

    async def reopen(self, number: int, pages: list[int]) -> None:
        """Read pages again."""
        async with self._turn:
            self._schedule.reopen(number, pages)
            self.watches[number].reopened()
            self._turn.notify_all()


class Extractor:
    """Reads one phase after the other; inside a phase `readers` pages are under way at once."""

    def __init__(
        self,
        client: KustomerClient,
        ledger: Ledger,
        queue: PageQueue,
        *,
        planner: Planner,
        readers: int,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._pages = SourcePages(client)
        self._ledger = ledger
        self._queue = queue
        self._planner = planner
        self._readers = readers

    async def count(self, phase: Phase, progress: PhaseProgress) -> None:
        """Ask the source once how many records a phase has, for the time left."""
        fact = f"source_total.{phase.name}"
        if phase.stream.search is None or await self._ledger.facts.get(fact):
            return
        total = await self._planner.source_total(phase)
        if total is not None:
            progress.source_total = total
            async with self._ledger.write() as tx:
                await self._ledger.facts.set(tx, fact, str(total))
            reach("total-noted")

    async def plan(self, phase: Phase) -> PageSchedule:
        """Return what is left to read of `phase`; the plan is made and stored on the first run."""
        slices = await self._ledger.slices.of(phase.name)
        if not slices:
            began_ms = int(self._clock.now() * 1000)
            plan = await self._planner.plan(phase)
            reach("plan-made")
            async with self._ledger.write() as tx:
                await self._ledger.slices.plan(tx, phase.name, plan.slices)
                await begin_mark(tx, self._ledger, phase.name, began_ms)
                await self._ledger.facts.set(tx, f"way.{phase.name}", plan.way)
                if plan.gap:
                    await self._ledger.facts.set(tx, f"gap.{phase.name}", plan.gap)
            reach("plan-stored")
            _log.info("phase-planned", phase=phase.name, way=plan.way, slices=len(plan.slices))
            slices = await self._ledger.slices.of(phase.name)
        cursors = []
        for piece in slices:
            if piece.done:
                continue
            done = await self._ledger.slices.done_pages(phase.name, piece.number)
            last = piece.spec.get("last_page")
            cursors.append(SliceCursor(piece.number, piece.spec, last, done=set(done)))
        return PageSchedule(cursors, readers=self._readers)

    async def read(self, phase: Phase, schedule: PageSchedule) -> None:
        """Read every page of `schedule` into the queue; raises the connectors' errors.

        Pages whose rows have moved meanwhile are read again: what comes twice is counted as such.
        """
        told = {
            each.number: await self._ledger.facts.get(f"marks.{phase.name}.{each.number}")
            for each in schedule.cursors
        }
        seen = watches(schedule.cursors, self._pages.fetch, clock=self._clock, told=told)
        reading = _Reading(schedule, seen)
        while True:
            async with anyio.create_task_group() as group:
                for _ in range(self._readers):
                    group.start_soon(self._reader, phase, reading)
            if not await self._look(phase, reading, list(seen)):
                break
        await self._queue.put(SourcePage(phase.name, 0, 0, [], [], 0, ends_phase=True))
        reach("phase-read")

    async def _reader(self, phase: Phase, reading: _Reading) -> None:
        """Read page after page until none is left."""
        while (ticket := await reading.take()) is not None:
            cursor, number = ticket
            page = await self._pages.fetch(cursor, number)
            reach("page-read")
            await reading.landed(cursor, number, page)
            await self._queue.put(
                SourcePage(
                    phase.name, cursor.number, number, page.rows, page.included, page.size_bytes
                )
            )
            reach("page-queued")
            watch = reading.watches[cursor.number]
            if watch.due:
                await self._look(phase, reading, [cursor.number])
            if watch.to_dump:
                await self._note(f"marks.{phase.name}.{cursor.number}", watch.dump())

    async def _look(self, phase: Phase, reading: _Reading, numbers: list[int]) -> bool:
        """Look whether slices have moved; True when pages of them are to be read again."""
        moved = False
        for number in numbers:
            watch = reading.watches[number]
            again = await watch.look()
            if again:
                moved = True
                await reading.reopen(number, again)
            if watch.gave_up:
                await self._note(
                    f"gap.{phase.name}",
                    f"Records of {phase.name} were deleted again and again while the list was "
                    "read: one beside each of them may be missing.",
                )
        return moved

    async def _note(self, name: str, text: str) -> None:
        async with self._ledger.write() as tx:
            await self._ledger.facts.set(tx, name, text)
