"""`cutover start`: step by step to the decision, durable at each; started again it goes on from there.

Check list, freeze, final delta, zero-delta proof, verification, decision. A pass is the ordinary delta;
what it moved is told by the books. Whatever is found to have changed after the freeze leads back to it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import anyio
import structlog

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.check import run_check
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.cutover.checklist import CutoverRefused, check_list, refuse_open
from service.cutover.facts import CutoverFacts, Verdict
from service.cutover.record import (
    Counts,
    CutOver,
    CutoverRecord,
    Freeze,
    Passed,
    begin,
    counted,
    current,
    keep,
)
from service.cutover.told import Told, tell_facts
from service.cutover.verification import Sides, Verifier
from service.cutover.writers import WriteLook, Written, summed
from service.delta import Delta
from service.errors import DONE, REFUSED
from service.marks import mark_of
from service.names import read_lookups
from service.passes import read_again
from service.planner import Planner
from service.reread import Rereader
from service.run import Outcome
from service.windows import refuse_unless_loaded
from state.ledger import Ledger

MOST_DISPROVED: Final = 3
_MS = 1000
_log = structlog.get_logger()
Tell = Callable[[str], None]


@dataclass(frozen=True)
class _At:
    """The cutover under way, and all that its steps work with."""

    record: CutoverRecord
    ledger: Ledger
    kustomer: KustomerSide
    salesforce: SalesforceClient


class Cutover(Delta):
    """One run of `cutover start`. `tell` is given a sentence at each step, for the person who waits."""

    command = "cutover start"

    def __init__(
        self, config: Config, *, clock: Clock, stop: anyio.Event, by: str, tell: Tell
    ) -> None:
        super().__init__(config, clock=clock, stop=stop, due=False)
        self._by = by
        self._tell = tell
        self._seen: set[tuple[str, str, str]] = set()
        self._look: WriteLook | None = None
        self._looked: float | None = None  # the index lags, so looks overlap like windows
        self._overlap = config.delta.overlap_seconds
        self.facts: CutoverFacts | None = None

    @property
    def verdict(self) -> Verdict:
        """What the criteria came to."""
        return self.facts.verdict if self.facts else "open"

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Go from step to step up to the decision.

        Raises `CutoverRefused` while the check list is open, `CutOver` after the switch, and what a
        delta raises. What was reached stays.
        """
        await refuse_unless_loaded(ledger, self._phases)
        record = await self._taken_up(ledger)
        await self._finish_pass(ledger, kustomer, salesforce)
        at = _At(record, ledger, kustomer, salesforce)
        steps: dict[str, Callable[[_At], Awaitable[None]]] = {
            "check": self._check,
            "freeze": self._freeze,
            "final": self._final,
            "prove": self._prove,
            "verify": self._verify,
        }
        while record.step != "decide":
            await steps[record.step](at)
            await keep(ledger, record)
            reach("cutover-step-kept")
        await self._decide(at)

    async def _taken_up(self, ledger: Ledger) -> CutoverRecord:
        """The cutover that is under way, or a new one; one that came to no-go begins at its list."""
        now = self._clock.now()
        record = await current(ledger)
        if record is not None and record.step == "finished":
            raise CutOver(
                "The switch has been made already.",
                next_step="deskferry cutover status shows it; delta goes on as cutover.hypercare says.",
            )
        if record is None or record.ended:
            record = await begin(ledger, by=self._by, at=now)
            reach("cutover-begun")
        elif record.step == "decide":
            record.reached("check", now, by=self._by, why="looked at again")
            record.go = record.final = record.proof = record.verification = None
            record.disproved = 0
            await keep(ledger, record)
        return record

    async def _check(self, at: _At) -> None:
        self._tell("Check list: what is open, and the preflight.")
        preflight = await run_check(self._config, self._clock)
        faults = [item for item in preflight.items if item.ok is False]
        if faults:
            names = ", ".join(item.name for item in faults)
            raise CutoverRefused(
                f"The preflight found something amiss: {names}.",
                next_step="Run deskferry check, mend it, and start the cutover again.",
            )
        refuse_open(await check_list(self._config, at.ledger, at.record))
        at.record.reached("freeze", self._clock.now())
        at.record.freeze = None

    async def _freeze(self, at: _At) -> None:
        """Watch until nothing has changed for the time that the config says."""
        wanted = self._config.cutover
        now = self._clock.now()
        freeze = at.record.freeze or Freeze(since=now, quiet_from=now, seen_to=now)
        at.record.freeze = freeze
        await keep(at.ledger, at.record)
        self._tell("Freeze: nobody should write in Kustomer from now on.")
        while True:
            began = self._clock.now()
            written = await self._written(at, freeze.since)
            freeze.writers = summed(written, freeze.writers)
            moved = await self._pass(at)
            freeze.passes += 1
            freeze.seen_to = await self._seen_to(at.ledger)
            if not moved.nothing or written:
                freeze.moved = freeze.moved.plus(moved)
                freeze.quiet_from = max(freeze.quiet_from, freeze.seen_to)
            if written:
                freeze.quiet_from = max(freeze.quiet_from, began)
            await keep(at.ledger, at.record)
            reach("cutover-looked")
            self._tell(_quiet(freeze, wanted.quiet_minutes, len(written)))
            if written:
                figures = {"writers": len({each.by for each in written}), "changes": len(written)}
                await self._hooks.fire("still-writing", figures)
            if freeze.quiet_s >= wanted.quiet_minutes * 60:
                break
            await self._clock.sleep(max(0.0, began + wanted.look_seconds - self._clock.now()))
        told = {"quiet_seconds": round(freeze.quiet_s, 3), "changes": freeze.moved.all}
        await self._hooks.fire("freeze", told)
        at.record.reached("final", self._clock.now())

    async def _final(self, at: _At) -> None:
        self._sweep = self._config.cutover.sweep
        self._tell("Final delta" + (", and a sweep over all ids." if self._sweep else "."))
        at.record.final = await self._passed(at)
        at.record.reached("prove", self._clock.now())

    async def _prove(self, at: _At) -> None:
        """A further pass over everything; what it finds leads back to the freeze, three times."""
        self._tell("Zero-delta proof: all is read once more, and nothing may be left to do.")
        runs = await at.ledger.runs.history()
        since = min(run.started_at for run in runs) - self._overlap
        whole = self._config.cutover.proof == "whole"
        at.record.proof = await self._passed(at, int(since * _MS), whole=whole)
        if at.record.proof.moved.nothing or at.record.disproved >= MOST_DISPROVED:
            at.record.reached("verify", self._clock.now())
            return
        at.record.disproved += 1
        assert at.record.freeze is not None  # the proof comes behind it
        at.record.freeze.quiet_from = self._clock.now()
        at.record.reached("freeze", self._clock.now(), why="the proof found changes")

    async def _verify(self, at: _At) -> None:
        self._tell("Verification: counts, and picked records field by field.")
        sides = Sides(
            at.ledger,
            at.salesforce,
            Rereader(at.kustomer.client, readers=self._config.kustomer.connections),
            Planner(at.kustomer.client, now_ms=int(self._clock.now() * _MS)),
            await self._map_in_force(at.ledger, at.salesforce),
            await read_lookups(at.kustomer.client),
        )
        verifier = Verifier(sides, sample=self._config.cutover.verify_sample, seed=at.record.number)
        at.record.verification = await verifier.run(self._phases, at=self._clock.now())
        at.record.reached("decide", self._clock.now())

    async def _decide(self, at: _At) -> None:
        told = Told(self._config, at.ledger, at.kustomer.client, at.salesforce)
        self.facts = await tell_facts(told, at.record, now=self._clock.now())
        await self._hooks.fire("go-no-go", _figures(self.facts))
        at.record.go = self.facts.verdict == "go"
        at.record.decided = await counted(at.ledger, self._phases)
        await keep(at.ledger, at.record)
        reach("cutover-decided")
        self._tell(f"Verdict: {self.facts.verdict}.")

    async def _passed(self, at: _At, since_ms: int | None = None, *, whole: bool = False) -> Passed:
        seen = await self._seen_to(at.ledger) - self._overlap
        moved = await self._pass(at, since_ms, whole=whole)
        return Passed(
            moved=moved,
            looked_from=seen if since_ms is None else min(seen, since_ms / _MS),
            looked_to=await self._seen_to(at.ledger),
            ended_at=self._clock.now(),
        )

    async def _pass(self, at: _At, since_ms: int | None = None, *, whole: bool = False) -> Counts:
        """Run one pass; returns what it moved, with what an interrupted one of this step moved.

        `whole` reads every stream from its start before that.
        """
        if at.record.before is None:
            at.record.before = await counted(at.ledger, self._phases)
            async with at.ledger.write() as tx:
                await keep(at.ledger, at.record, tx)
                if whole:
                    await read_again(tx, at.ledger, self._phases, self._streams())
            reach("cutover-pass-noted")
            await self._finish_pass(at.ledger, at.kustomer, at.salesforce)
        await self._one_pass(at.ledger, at.kustomer, at.salesforce, since_ms=since_ms)
        moved = (await counted(at.ledger, self._phases)).since(at.record.before)
        at.record.before = None
        return moved

    async def _written(self, at: _At, since: float) -> list[Written]:
        """What was written since the freeze and not seen by a look before."""
        if self._look is None:
            self._look = await self._write_look(at.ledger, at.kustomer, at.salesforce)
        now = self._clock.now()
        low = since if self._looked is None else max(since, self._looked - self._overlap)
        found = await self._look.look(int(low * _MS), int(now * _MS))
        self._looked = now
        new = [each for each in found if (each.stream, each.source_id, each.at) not in self._seen]
        self._seen |= {(each.stream, each.source_id, each.at) for each in new}
        return new

    async def _seen_to(self, ledger: Ledger) -> float:
        """Up to which moment (epoch s) everything was seen, of all streams."""
        marks = [await mark_of(ledger, name) for name in self._streams()]
        return min(mark or 0 for mark in marks) / _MS

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        return Outcome(DONE if self.verdict == "go" else REFUSED, outcome.summary)


def _figures(facts: CutoverFacts) -> dict[str, int]:
    return {
        "criteria": len(facts.criteria),
        "failing": sum(each.ok is not True for each in facts.criteria),
        "waived": sum(each.waived is not None and each.count > 0 for each in facts.lines),
    }


def _quiet(freeze: Freeze, wanted: float, written: int) -> str:
    told = f"Quiet for {freeze.quiet_s / 60:,.1f} of {wanted:g} minutes"
    return (
        f"{told}; {written:,} records were written since the last look." if written else f"{told}."
    )
