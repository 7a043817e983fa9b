"""Reads the ids of one stream as cheaply as can be, and notes them for comparing.

Search gives ids alone, 500 at a time, in windows under its cap; records untouched for two years come from
the archive. A stream whose old records no search reaches is read as it was at first, through its list.
Pages are read and watched by the flow's own extractor; only what becomes of them differs. What is noted
stays noted: after a crash or a pause the pages that are left are read.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import anyio

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from service.crash_points import reach
from service.extract import Extractor
from service.pages import PageQueue
from service.phases import Phase
from service.planner import Planner
from state.ledger import Ledger

FLUSH_AFTER_S = 2.0
FLUSH_IDS = 20_000
QUEUE_BYTES = 500_000  # ten thousand ids, which take ten times as much once they are parsed


def swept(phase: Phase) -> bool:
    """Tell whether a phase's stream can be swept: its records are made of it, and search knows them."""
    return phase.of is None and phase.operation == "insert" and phase.stream.search is not None


def reading_of(phase: Phase) -> Phase:
    """The reading of a phase's ids: a name of its own in the ledger, and nothing included."""
    stream = replace(phase.stream, variants=({},))
    return replace(phase, name=f"sweep:{phase.name}", stream=stream)


class IdReading:
    """Reads ids of one stream at a time."""

    def __init__(
        self,
        ledger: Ledger,
        client: KustomerClient,
        *,
        clock: Clock,
        readers: int,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._readers = readers

    async def plan(self, phase: Phase) -> list[dict[str, Any]]:
        """Return the slices that show every id; none for a stream that is empty. Raises as `Planner`."""
        search = phase.stream.search
        assert search is not None  # `swept` says which
        planner = self._planner()
        if search.archive:
            slices = await planner.windows(search, archive=False)
            slices += await planner.windows(search, archive=True)
        else:
            slices = (await planner.plan(reading_of(phase))).slices
        return [{**each, "ids_only": True} if each["kind"] == "window" else each for each in slices]

    async def read(self, phase: Phase, until: float | None) -> bool:
        """Read and note what is left of the slices; False when `until` (epoch s) came first.

        Raises the connectors' errors, alone or in a group; what is noted stays noted.
        """
        reading = reading_of(phase)
        queue = PageQueue(QUEUE_BYTES)
        over = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep, queue, reading)
            with anyio.CancelScope() as pause:
                async with anyio.create_task_group() as readers:
                    if until is not None:
                        readers.start_soon(self._alarm, until, pause)
                    await self._pages(reading, queue)
                    over = True
                    readers.cancel_scope.cancel()
            await queue.close()  # what came until a pause is kept
        return over

    async def forget(self, phase: Phase) -> None:
        """Forget the reading of a phase's ids; a crash in between lets the rest be forgotten later."""
        name = reading_of(phase).name
        noted = [
            key
            for key in await self._ledger.facts.all()
            if key in (f"gap.{name}", f"next_mark.{name}") or key.startswith(f"marks.{name}.")
        ]
        more = True
        while more:
            async with self._ledger.write() as tx:
                more = await self._ledger.sweeps.forget(tx, phase.kind)
        async with self._ledger.write() as tx:
            await self._ledger.slices.forget(tx, name)
            await self._ledger.facts.drop(tx, noted)

    async def _alarm(self, until: float, pause: anyio.CancelScope) -> None:
        await self._clock.sleep(max(0.0, until - self._clock.now()))
        pause.cancel()

    async def _pages(self, reading: Phase, queue: PageQueue) -> None:
        extractor = Extractor(
            self._client,
            self._ledger,
            queue,
            planner=self._planner(),
            readers=self._readers,
            clock=self._clock,
        )
        await extractor.read(reading, await extractor.plan(reading))

    async def _keep(self, queue: PageQueue, reading: Phase) -> None:
        """Note pages as they come: those of some seconds, or some thousand ids, in one transaction."""
        pages: list[tuple[int, int]] = []
        ids: list[str] = []
        began = 0.0
        while not queue.finished:
            page = await queue.get(FLUSH_AFTER_S if pages else None)
            now = self._clock.monotonic()
            if page is not None and not page.ends_phase:
                began = began if pages else now
                pages.append((page.slice_number, page.page))
                ids += [row["id"] for row in page.rows if isinstance(row.get("id"), str)]
            late = page is None or now - began >= FLUSH_AFTER_S or len(ids) >= FLUSH_IDS
            if pages and late:
                await self._note(reading, pages, ids)
                pages, ids = [], []
        if pages:
            await self._note(reading, pages, ids)

    async def _note(
        self, reading: Phase, pages: Iterable[tuple[int, int]], ids: Iterable[str]
    ) -> None:
        with anyio.CancelScope(shield=True):
            async with self._ledger.write() as tx:
                await self._ledger.sweeps.met(tx, reading.kind, ids)
                for number, page in pages:
                    await self._ledger.slices.pages_done(tx, reading.name, number, [page])
                reach("sweep-ids-uncommitted")
            reach("sweep-ids-noted")

    def _planner(self) -> Planner:
        return Planner(self._client, now_ms=int(self._clock.now() * 1000))
