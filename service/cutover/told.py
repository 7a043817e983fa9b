"""Puts a cutover's facts together, and writes its page, its JSON and the list of what is in flight."""

from dataclasses import dataclass

import anyio.to_thread

from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.cutover.checklist import check_list
from service.cutover.facts import (
    CutoverFacts,
    NoteFacts,
    WriterFacts,
    criteria,
    in_flight_facts,
    line_facts,
    verdict_of,
)
from service.cutover.hypercare import hypercare_until
from service.cutover.in_flight import InFlight, in_flight
from service.cutover.record import CutoverRecord, Writer
from service.phases import phase_named
from service.report.cutover_page import write_cutover
from service.reread import Rereader
from state.ledger import Ledger


@dataclass(frozen=True)
class Told:
    """Where facts come from."""

    config: Config
    ledger: Ledger
    kustomer: KustomerClient
    salesforce: SalesforceClient


async def tell_facts(told: Told, record: CutoverRecord, *, now: float) -> CutoverFacts:
    """Read what is in flight, and write page, JSON and CSV into the workspace's reports."""
    found = await in_flight(told.ledger, told.kustomer, told.salesforce, now_ms=int(now * 1000))
    facts = await facts_of(told.config, told.ledger, record, now=now, found=found)
    await name_writers(facts, told.kustomer)
    folder = told.config.workspace / "reports"
    await anyio.to_thread.run_sync(write_cutover, facts, found.flights, folder)
    return facts


async def name_writers(facts: CutoverFacts, kustomer: KustomerClient) -> None:
    """Ask Kustomer for the names of those who wrote: they are shown, and kept nowhere but on the page."""
    ids = [each.user for each in facts.writers if each.user]
    read = await Rereader(kustomer, readers=1).read(phase_named("users"), ids)
    for each in facts.writers:
        attributes = read.get(each.user, {}).get("attributes", {})
        each.name = str(attributes.get("displayName") or attributes.get("name") or "")


async def facts_of(
    config: Config,
    ledger: Ledger,
    record: CutoverRecord,
    *,
    now: float,
    found: InFlight | None = None,
) -> CutoverFacts:
    """Return the facts from the ledger alone; what is in flight only where it was read."""
    lines = await check_list(config, ledger, record)
    judged = criteria(record, lines, config.cutover)
    checked = record.verification
    return CutoverFacts(
        number=record.number,
        step=record.step,
        verdict=verdict_of(judged),
        written_at=now,
        lines=line_facts(lines),
        criteria=judged,
        writers=[WriterFacts(**each.model_dump()) for each in _writers(record)],
        phases=checked.phases if checked else [],
        seed=checked.seed if checked else None,
        in_flight=in_flight_facts(found) if found else None,
        notes=[NoteFacts(**each.model_dump()) for each in record.notes],
        hypercare_until=hypercare_until(config, record),
        seal=record.seal.folder if record.seal else "",
    )


def _writers(record: CutoverRecord) -> list[Writer]:
    return record.freeze.writers if record.freeze else []
