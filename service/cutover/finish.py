"""`cutover finish`: a last look, the sealed reports, and the switch as one durable step.

Sealed files are written before the switch is noted, and again when a crash lies between.
"""

from collections.abc import Sequence

import anyio
import anyio.to_thread

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.cutover.checklist import CutoverRefused, check_list, refuse_open
from service.cutover.facts import CutoverFacts
from service.cutover.in_flight import in_flight
from service.cutover.record import CutoverRecord, Seal, counted, keep, under_way
from service.cutover.seal import write_sealed
from service.cutover.told import facts_of, name_writers
from service.cutover.writers import Written, summed
from service.delta import Delta
from service.errors import DONE, REFUSED
from service.report.facts import collect
from service.run import Outcome
from state.ledger import Ledger

_MS = 1000


class CutoverFinish(Delta):
    """One run of `cutover finish`. A switch that was made already stays as it is."""

    command = "cutover finish"

    def __init__(self, config: Config, *, clock: Clock, stop: anyio.Event, by: str) -> None:
        super().__init__(config, clock=clock, stop=stop)
        self._by = by
        self.facts: CutoverFacts | None = None

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Look a last time, seal, and note the switch.

        Raises `CutoverRefused` without a verdict of go, while a queue is open again, and when records
        were written since the proof: the next `cutover start` goes on at the freeze then.
        """
        record = await under_way(ledger)
        if record.seal is None:
            await self._refuse_unless_go(ledger, record)
            await self._refuse_written(ledger, kustomer, salesforce, record)
            await self._seal(ledger, kustomer, salesforce, record)
        self.facts = await facts_of(self._config, ledger, record, now=self._clock.now())

    async def _refuse_unless_go(self, ledger: Ledger, record: CutoverRecord) -> None:
        if not (record.step == "decide" and record.go):
            raise CutoverRefused(
                f"There is no verdict of go; the cutover is at the step {record.step}.",
                next_step="Run deskferry cutover start to go on; cutover status shows each criterion.",
            )
        refuse_open(await check_list(self._config, ledger, record))

    async def _refuse_written(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        record: CutoverRecord,
    ) -> None:
        assert record.proof is not None and record.freeze is not None
        look = await self._write_look(ledger, kustomer, salesforce)
        low = record.proof.looked_to - self._config.delta.overlap_seconds
        now = self._clock.now()
        written = await look.look(int(low * _MS), int(now * _MS))
        moved = await counted(ledger, self._phases)
        if not written and moved == record.decided:
            return
        record.freeze.writers = summed(written, record.freeze.writers)
        record.freeze.quiet_from = now
        record.go = None
        record.reached("freeze", now, why="records were written since the proof")
        await keep(ledger, record)
        raise CutoverRefused(
            _written_told(written),
            next_step="Let them stop, then run deskferry cutover start: it goes on at the freeze.",
        )

    async def _seal(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        record: CutoverRecord,
    ) -> None:
        now = self._clock.now()
        found = await in_flight(ledger, kustomer.client, salesforce, now_ms=int(now * _MS))
        record.reached("finished", now, by=self._by)
        name = f"cutover-{record.number}"
        record.seal = Seal(folder=name, at=now, by=self._by, digests={})
        facts = await facts_of(self._config, ledger, record, now=now, found=found)
        await name_writers(facts, kustomer.client)
        report = await collect(ledger, now=now)
        folder = self._config.workspace / "reports"
        digests = await anyio.to_thread.run_sync(
            write_sealed, facts, found.flights, report, folder, name
        )
        record.seal.digests.update(digests)
        reach("cutover-sealed")
        await keep(ledger, record)
        reach("cutover-finished")
        await self._hooks.fire("cutover-finished", {"seconds": record.lasted(now)})

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        return Outcome(DONE if self.facts else REFUSED, outcome.summary)


def _written_told(written: Sequence[Written]) -> str:
    if not written:
        return "Records were moved since the verdict."
    users = sorted({each.by for each in written if each.by})
    by = f" by {', '.join(users)}" if users else ""
    return f"{len(written):,} records were written in Kustomer since the proof{by}."
