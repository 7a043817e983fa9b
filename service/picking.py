"""Finds which conversations a stage moves by id, before any of them is read by the flow.

A sample looks at the whole list of conversations (a call for a hundred) and at search for messages that
have attachments (a call for five hundred, of ten thousand at most). Hot conversations are found by search
alone. Nothing is durable here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.clock import Clock
from connectors.errors import ConnectorError
from connectors.kustomer.client import KustomerClient
from service.extract import Extractor
from service.move_plan import MovePlan, id_of, is_hot, mapping_of, related_id
from service.narrowing import CONVERSATION
from service.pages import PageQueue, SourcePage, show_pages
from service.phases import Phase
from service.planner import Planner
from service.schedule import PageSchedule, SliceCursor
from service.strata import Picker, Stratum, stratum_of
from state.ledger import Ledger

MOST_WITH_FILES = 10_000
PICKING = "picking"  # the name under which pages are read here; no phase has it
_QUEUE_BYTES = 4_000_000
_UNABLE = ("role-missing", "bad-request", "search-timed-out")


@dataclass
class Picked:
    """Conversations by id with their customers, and how they were picked.

    `strata`: (records there are, records picked) by stratum. `files`: whether attachments were known of
    all conversations, of some, or of none.
    """

    customers: dict[str, str] = field(default_factory=dict)
    strata: dict[Stratum, tuple[int, int]] = field(default_factory=dict)
    files: str = "all"
    calls: int = 0


class Picking:
    """Picks conversations of one org; holds nothing between calls."""

    def __init__(
        self,
        ledger: Ledger,
        client: KustomerClient,
        clock: Clock,
        phases: Sequence[Phase],
        *,
        readers: int,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._phases = {phase.kind: phase for phase in phases if phase.of is None}
        self._readers = readers
        self._now_ms = int(clock.now() * 1000)
        self._planner = Planner(client, now_ms=self._now_ms)

    async def sample(
        self, plan: MovePlan, wanted: int, seed: int, earlier: Collection[str]
    ) -> Picked:
        """Pick about `wanted` conversations of the plan, those picked `earlier` among them."""
        before = self._client.requests_sent
        attached, files = await self._with_files()
        picker = Picker(wanted, seed, earlier)

        def take(record: Mapping[str, Any]) -> None:
            if _is_there(record) and (plan.takes(record) or record["id"] in earlier):
                stratum = stratum_of(record, self._now_ms, attached)
                picker.add(stratum, record["id"], related_id(record, "customer") or "")

        phase = self._phases[CONVERSATION]
        await self._read(phase, (await self._planner.plan(phase)).slices, take)
        picked = Picked(files=files)
        counts = picker.counts()
        for stratum, some in picker.pick().items():
            picked.customers.update(some)
            picked.strata[stratum] = counts[stratum], len(some)
        picked.calls = self._client.requests_sent - before
        return picked

    async def hot(self, plan: MovePlan, cutoff_ms: int, most: int) -> Picked | None:
        """Find the hot conversations of the plan; None when there are more than `most`, or search cannot.

        One that nobody touched for two years is not found, though it is open: search does not reach it.
        """
        before = self._client.requests_sent
        phase = self._phases[CONVERSATION]
        search = phase.stream.search
        assert search is not None  # conversations can be searched
        stamp = Planner.stamp(cutoff_ms)
        tests: list[Mapping[str, Any]] = [
            {"conversation_status": {"equals": "open"}},
            {"conversation_status": {"equals": "snoozed"}},
            {search.updated: {"gte": stamp}},
        ]
        slices: list[dict[str, Any]] = []
        try:
            for test in tests:
                slices += await self._planner.found(search, [test])
        except ConnectorError as error:
            if error.code in _UNABLE:
                return None
            raise
        if sum(each["total"] for each in slices) > most * len(tests):
            return None
        picked = Picked()

        def take(record: Mapping[str, Any]) -> None:
            if _is_there(record) and plan.takes(record) and is_hot(record, cutoff_ms):
                picked.customers[record["id"]] = related_id(record, "customer") or ""

        await self._read(phase, slices, take)
        picked.calls = self._client.requests_sent - before
        return picked if len(picked.customers) <= most else None

    async def _with_files(self) -> tuple[set[str], str]:
        """Ids of conversations that have messages with attachments, and of how many that is known."""
        phase = self._phases.get("message")
        found: set[str] = set()
        if phase is None or phase.stream.search is None:
            return found, "none"
        try:
            test = {"message_attachment_count": {"gte": 1}}
            slices = await self._planner.found(phase.stream.search, [test])
        except ConnectorError as error:
            if error.code in _UNABLE:
                return found, "none"
            raise
        chosen = _up_to(slices, MOST_WITH_FILES)

        def take(record: Mapping[str, Any]) -> None:
            found.add(related_id(record, CONVERSATION) or "")

        await self._read(phase, chosen, take)
        return found, "all" if len(chosen) == len(slices) else "part"

    async def _read(
        self,
        phase: Phase,
        slices: Sequence[dict[str, Any]],
        take: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """Read slices as the flow reads them, and show every record to `take`."""
        queue = PageQueue(_QUEUE_BYTES)
        extractor = Extractor(
            self._client,
            self._ledger,
            queue,
            planner=self._planner,
            readers=self._readers,
            clock=self._clock,
        )
        cursors = [
            SliceCursor(number, spec, spec.get("last_page")) for number, spec in enumerate(slices)
        ]
        schedule = PageSchedule(cursors, readers=self._readers)
        await self._forget()

        def take_rows(page: SourcePage) -> None:
            for row in page.rows:
                take(row)

        picking = replace(phase, name=PICKING)
        await show_pages(queue, lambda: extractor.read(picking, schedule), take_rows)
        await self._forget()

    async def _forget(self) -> None:
        """Forget what watches over lists have noted for a picking."""
        noted = [key for key in await self._ledger.facts.all() if f".{PICKING}" in key]
        if noted:
            async with self._ledger.write() as tx:
                await self._ledger.facts.drop(tx, noted)


def _is_there(record: Mapping[str, Any]) -> bool:
    deleted = mapping_of(mapping_of(record).get("attributes")).get("deleted") is True
    return id_of(record) is not None and not deleted


def _up_to(slices: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Slices from all over the list that hold `most` records at most, one at least."""
    total = sum(each["total"] for each in slices)
    step = max(1, -(-total // most))
    return list(slices[::step])
