"""Sweeps: a record that was loaded and that Kustomer does not show any more is asked for by its id.

Search lags, pages move and roles get lost, so what is missing is a suspect and nothing more. It counts
as deleted when its own id says so, and then goes the way of tombstones. Nothing is asked while more is
missing than the config allows, while nothing at all was shown, or while records that search has just
shown cannot be read by id: such a sweep is held, or stopped, and told. Each step is durable; a sweep that
was paused or killed goes on, and one begun anew does no harm. The other way round, records that are shown
and that nothing knows are read by id: a list that moved while it was read may have hidden them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import structlog

from connectors.clock import Clock
from connectors.errors import BadRequest, NotAPage, NotFound, PastTheEnd, RoleMissing
from connectors.kustomer.client import KustomerClient
from service.config import Config
from service.crash_points import reach
from service.gone import note_gone
from service.passes import read_window
from service.phases import Phase
from service.planner import Plan, WindowTooDense
from service.reread import Fate, Rereader
from service.sightings import GONE_DIGEST
from service.source_pages import ids_slice
from service.stage_log import open_narrowing
from service.sweep_notes import Ended, SweepNotes, Under
from service.sweep_reading import IdReading, reading_of
from state.ledger import Ledger
from state.sweeps import LoadedBy
from transforms.references import is_reference

ASKED_AT_ONCE = 200
MOST_UNSEEN = 1_000  # of one sweep; the next one brings the rest
WITNESSES = 3
SweepEnd = Literal["finished", "paused", "held", "unreadable"]
# What keeps one stream from being read; all else stops the run, to be gone on with.
_UNREADABLE = (RoleMissing, NotFound, BadRequest, NotAPage, PastTheEnd, WindowTooDense)
_log = structlog.get_logger()


class _Stopped(Exception):
    """A sweep cannot go on by itself; the text says why."""


class Sweeper:
    """Sweeps loaded streams, one at a time. `phases`: all, to find those that a stream feeds."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        client: KustomerClient,
        phases: Sequence[Phase],
        clock: Clock,
    ) -> None:
        self._rules = config.delta
        self._ledger = ledger
        self._phases = phases
        self._clock = clock
        self._notes = SweepNotes(ledger)
        readers = config.kustomer.connections
        self._source = Rereader(client, readers=readers)
        self._reading = IdReading(ledger, client, clock=clock, readers=readers)

    async def run(
        self, phase: Phase, *, until: float | None = None, accept: bool = False
    ) -> SweepEnd:
        """Sweep the stream of `phase`, or what is left of it; `until` (epoch s) it is paused.

        `accept`: a person says that what is missing may be deleted; each record is asked for all the
        same. What is found deleted waits as rows to be sent, with the gates of its phases open. Raises
        the connectors' errors that concern more than this stream.
        """
        why = ""
        ended: SweepEnd = "unreadable"
        try:
            ended = await self._sweep(phase, until, accept)
        except* _UNREADABLE as group:
            why = str(_first(group))
        except* _Stopped as group:
            why = str(_first(group))
        if why:
            async with self._ledger.write() as tx:
                await self._notes.set_stopped(tx, phase.name, self._clock.now(), why)
            _log.warning("sweep-stopped", stream=phase.name, why=why)
        return ended

    async def _sweep(self, phase: Phase, until: float | None, accept: bool) -> SweepEnd:
        under = await self._notes.under(phase.name)
        if under is None or (under.held and not accept):
            under = await self._begin(phase)
        if not under.read:
            if not await self._read(phase, until):
                return "paused"
            under = await self._note(phase, replace(under, read=True))
            reach("sweep-read")
        if accept and not under.accepted:
            under = await self._note(phase, replace(under, accepted=True, held=0))
        loaded = LoadedBy(phase.kind, under.job, GONE_DIGEST)
        if not under.accepted and await self._held(phase, under, loaded):
            return "held"
        if not await self._ask(phase, under, loaded, until):
            return "paused"
        await self._end(phase, under, await self._bring_unseen(phase))
        return "finished"

    async def _begin(self, phase: Phase) -> Under:
        """Forget what an earlier sweep left, and make the plan of a new one durable."""
        async with self._ledger.write() as tx:
            await self._notes.drop_under(tx, phase.name)
        await self._reading.forget(phase)
        job = await self._ledger.sweeps.newest_job()
        loaded = await self._ledger.sweeps.count_loaded(LoadedBy(phase.kind, job, GONE_DIGEST))
        slices = await self._reading.plan(phase)
        under = Under(self._clock.now(), job, loaded)
        async with self._ledger.write() as tx:
            await self._ledger.slices.plan(tx, reading_of(phase).name, slices)
            await self._notes.set_under(tx, phase.name, under)
        reach("sweep-planned")
        _log.info("sweep-begun", stream=phase.name, slices=len(slices), loaded=loaded)
        return under

    async def _read(self, phase: Phase, until: float | None) -> bool:
        if not await self._ledger.slices.of(reading_of(phase).name):
            return True  # the stream came out empty
        return await self._reading.read(phase, until)

    async def _note(self, phase: Phase, under: Under) -> Under:
        async with self._ledger.write() as tx:
            await self._notes.set_under(tx, phase.name, under)
        return under

    async def _held(self, phase: Phase, under: Under, loaded: LoadedBy) -> bool:
        """Whether too much is missing for a sweep to go on by itself; it is noted then."""
        missing = await self._ledger.sweeps.count_missing(loaded, phase.name)
        allowed = max(self._rules.sweep_records, int(under.loaded * self._rules.sweep_share))
        nothing_shown = not (await self._ledger.sweeps.counts(phase.kind)).shown
        if not missing or (missing <= allowed and not nothing_shown):
            return False
        why = f"{missing} of {under.loaded} loaded records are not shown by Kustomer any more."
        async with self._ledger.write() as tx:
            await self._notes.set_under(tx, phase.name, replace(under, held=missing))
            await self._notes.set_stopped(tx, phase.name, self._clock.now(), why)
        _log.warning("sweep-held", stream=phase.name, missing=missing, loaded=under.loaded)
        return True

    async def _ask(self, phase: Phase, under: Under, loaded: LoadedBy, until: float | None) -> bool:
        """Ask for what is missing, block by block; False when `until` came first."""
        sweeps = self._ledger.sweeps
        after: str | None = None
        while block := await sweeps.missing(loaded, after=after, limit=ASKED_AT_ONCE):
            if until is not None and self._clock.now() >= until:
                return False
            if after is None and not under.accepted:
                await self._look_at_witnesses(phase, loaded)
            known = [each for each in block if is_reference(each)]
            fates = await self._source.fates(phase, known)
            reach("sweep-asked")
            await self._answer(phase, dict.fromkeys(block, Fate("there")) | fates)
            after = block[-1]
        return True

    async def _look_at_witnesses(self, phase: Phase, loaded: LoadedBy) -> None:
        """Raise `_Stopped` unless a record that was just shown can be read by its id."""
        shown = await self._ledger.sweeps.shown(loaded, WITNESSES)
        fates = await self._source.fates(phase, shown)
        if not any(each.now == "there" for each in fates.values()):
            raise _Stopped("Records that Kustomer shows cannot be read by their ids.")

    async def _answer(self, phase: Phase, fates: dict[str, Fate]) -> None:
        """Note the answers, and those that are deleted for removal, as one fact."""
        noticed = int(self._clock.now() * 1000)
        gone = {key: fate.at_ms or noticed for key, fate in fates.items() if fate.now == "deleted"}
        answers = {key: fate.now for key, fate in fates.items()}
        async with self._ledger.write() as tx:
            await note_gone(tx, self._ledger, self._phases, phase.name, gone)
            await self._ledger.sweeps.answered(tx, phase.kind, answers)
            reach("sweep-answers-uncommitted")
        reach("sweep-answers-noted")

    async def _bring_unseen(self, phase: Phase) -> int:
        """Let records be read that Kustomer shows and that no reading has met; returns how many.

        A list that moved while it was read may have hidden them. Where a plan leaves records out, what it
        left out is not known one by one, so nothing is concluded. Durable when this returns.
        """
        if await open_narrowing(self._ledger) is not None:
            return 0
        unseen = await self._ledger.sweeps.unseen(phase.kind, phase.name, MOST_UNSEEN)
        known = [each for each in unseen if is_reference(each)]
        if known:
            made = Plan([ids_slice(phase.stream, known)], "what a sweep found")
            async with self._ledger.write() as tx:
                await read_window(tx, self._ledger, self._phases, phase.name, made)
                reach("sweep-unseen-uncommitted")
            reach("sweep-unseen-noted")
            _log.warning("sweep-found-unseen", stream=phase.name, records=len(known))
        return len(known)

    async def _end(self, phase: Phase, under: Under, unseen: int) -> None:
        counts = await self._ledger.sweeps.counts(phase.kind)
        asked = counts.there + counts.merged + counts.deleted
        ended = Ended(
            under.began_at,
            self._clock.now(),
            under.loaded,
            asked,
            counts.deleted,
            counts.merged,
            unseen,
        )
        async with self._ledger.write() as tx:
            await self._notes.set_ended(tx, phase.name, ended)
        reach("sweep-ended")
        await self._reading.forget(phase)
        _log.info("sweep-ended", stream=phase.name, missing=asked, deleted=counts.deleted)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside; the others say the same of other pages."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
