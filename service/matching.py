"""What Salesforce already has, so that a record is matched and not made a second time."""

from connectors.salesforce.client import SalesforceClient
from service.crash_points import reach
from service.phases import Phase
from state.ledger import Ledger
from transforms.compile import CompiledPhase
from transforms.match_keys import MatchWay


async def learn_existing(
    ledger: Ledger, client: SalesforceClient, phase: Phase, compiled: CompiledPhase
) -> None:
    """Read the match keys of what a phase's objects hold once, before any of its rows is loaded.

    All records with a key are kept: several with one key are a question for a person. After a crash in
    the middle all of it is read again.
    """
    for name, table in compiled.tables.items():
        if phase.operation != "insert" or table.matching is None:
            continue
        for way in table.matching.ways:
            await _learn(ledger, client, name, way)


async def _learn(ledger: Ledger, client: SalesforceClient, table: str, way: MatchWay) -> None:
    fact = f"existing.{table}.{way.field}"
    if await ledger.facts.get(fact) or await ledger.facts.get(f"existing.{table}"):
        return
    where = f" AND {way.where}" if way.where else ""
    soql = (
        f"SELECT Id, {way.field} FROM {table} WHERE {way.field} != null{where} "  # noqa: S608
        "ORDER BY Id"
    )
    async for page in client.query(soql):
        found = [(way.key_of(str(each.get(way.field) or "")), str(each["Id"])) for each in page]
        reach("existing-read")
        async with ledger.write() as tx:
            await ledger.matches.offer(tx, table, [each for each in found if each[0]])
    async with ledger.write() as tx:
        await ledger.facts.set(tx, fact, "read")
    reach("existing-learned")
