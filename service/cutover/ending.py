"""How a cutover ends: `finish` seals the reports behind a last look, `abort` goes back to deltas.

A waiver, an abort and the switch are each one durable step. Sealed files are written before the switch is
noted, and again when a crash lies between.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.command_log import logged
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.cutover.checklist import CutoverRefused, Line, check_list, refuse_open, waive
from service.cutover.facts import CutoverFacts
from service.cutover.in_flight import Flight, in_flight
from service.cutover.record import (
    CutOver,
    CutoverRecord,
    Seal,
    Waiver,
    counted,
    current,
    keep,
)
from service.cutover.told import facts_of, name_writers
from service.cutover.writers import WriteLook, Written, summed
from service.delta import Delta
from service.errors import DONE, REFUSED, UsageInvalid
from service.hooks.fire import open_hooks
from service.ledger import open_ledger
from service.names import read_lookups
from service.report.cutover_page import write_cutover
from service.report.facts import ReportFacts, collect
from service.report.write import put_file, write_report
from service.run import Outcome
from state.errors import NoWorkspace
from state.ledger import Ledger
from state.plain import plain_errors
from state.workspace import DATABASE

ResultT = TypeVar("ResultT")
SEALED_MODE = 0o400
SUMS = "SHA256SUMS"
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
        record = await _under_way(ledger)
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
        mapping = await self._map_in_force(ledger, salesforce)
        lookups = await read_lookups(kustomer.client)
        look = WriteLook(ledger, kustomer.client, self._phases, mapping, lookups)
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
            _write_sealed, facts, found.flights, report, folder, name
        )
        record.seal.digests.update(digests)
        reach("cutover-sealed")
        await keep(ledger, record)
        reach("cutover-finished")
        await self._hooks.fire("cutover-finished", {"seconds": record.lasted(now)})

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        return Outcome(DONE if self.facts else REFUSED, outcome.summary)


@dataclass(frozen=True)
class SealLook:
    """Whether the sealed files are as they were; `changed` names those that are not, or are gone."""

    folder: Path
    changed: Sequence[str]


def look_at_seal(config: Config, record: CutoverRecord) -> SealLook | None:
    """Compare the sealed files with the digests in the ledger; None before the switch."""
    if record.seal is None:
        return None
    folder = config.workspace / "reports" / record.seal.folder
    now = _digests(folder, list(record.seal.digests))
    changed = [name for name, each in record.seal.digests.items() if now.get(name) != each]
    return SealLook(folder, changed)


async def waive_lines(
    config: Config, clock: Clock, items: Sequence[str], *, by: str, because: str
) -> list[Line]:
    """Let lines of the check list stay open, with their counts of now; returns the whole list.

    Raises `UsageInvalid` without a cutover under way, or for a line that there is not.
    """

    async def act(ledger: Ledger, record: CutoverRecord) -> list[Line]:
        lines = await check_list(config, ledger, record)
        given = Waiver(item="", count=0, by=by, because=because, at=clock.now())
        waive(record, lines, items, given)
        return await check_list(config, ledger, record)

    return await _changed(config, clock, "cutover waive", act)


async def abort(config: Config, clock: Clock, *, by: str, why: str) -> CutoverRecord:
    """End the cutover without a switch: deltas go on as before. Raises as `waive_lines` does."""

    async def act(ledger: Ledger, record: CutoverRecord) -> CutoverRecord:
        record.reached("aborted", clock.now(), by=by, why=why)
        return record

    record = await _changed(config, clock, "cutover abort", act)
    async with open_hooks(config.hooks, clock, "cutover abort") as hooks:
        await hooks.fire("cutover-aborted", {"seconds": record.lasted(clock.now())})
    return record


async def _changed(
    config: Config,
    clock: Clock,
    command: str,
    act: Callable[[Ledger, CutoverRecord], Awaitable[ResultT]],
) -> ResultT:
    if not (config.workspace / DATABASE).exists():
        raise NoWorkspace("There is no migration in the workspace yet.")
    async with open_ledger(config, clock.now) as ledger, logged(ledger, command):
        record = await _under_way(ledger)
        if record.seal is not None:
            raise CutOver("The switch has been made already.", next_step="See cutover status.")
        result = await act(ledger, record)
        await keep(ledger, record)
        return result


async def _under_way(ledger: Ledger) -> CutoverRecord:
    record = await current(ledger)
    if record is None or record.step == "aborted":
        raise UsageInvalid(
            "There is no cutover under way.", next_step="Run deskferry cutover start first."
        )
    return record


def _written_told(written: Sequence[Written]) -> str:
    if not written:
        return "Records were moved since the verdict."
    users = sorted({each.by for each in written if each.by})
    by = f" by {', '.join(users)}" if users else ""
    return f"{len(written):,} records were written in Kustomer since the proof{by}."


def _write_sealed(
    facts: CutoverFacts, flights: Sequence[Flight], report: ReportFacts, folder: Path, name: str
) -> Mapping[str, str]:
    """Write the sealed files, and the page that lies beside them for whoever looks there."""
    sealed = folder / name
    write_cutover(facts, flights, folder)
    write_cutover(facts, flights, sealed)
    write_report(report, sealed)
    with plain_errors():
        names = sorted(each.name for each in sealed.iterdir() if each.name != SUMS)
        digests = _digests(sealed, names)
        sums = "".join(f"{digest}  {each}\n" for each, digest in digests.items())
        put_file(sealed / SUMS, sums.encode())
        for each in (*names, SUMS):
            (sealed / each).chmod(SEALED_MODE)
    return digests


def _digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Digests by name of those files that can be read."""
    found = {}
    for name in names:
        try:
            found[name] = sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            continue
    return found
