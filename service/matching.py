"""What Salesforce already has, so that a company is matched and not made a second time."""

from collections.abc import Callable

from connectors.salesforce.client import SalesforceClient
from service.crash_points import reach
from service.phases import Phase
from state.ledger import Ledger
from transforms.domains import match_domain
from transforms.same_text import same_text


async def learn_existing(ledger: Ledger, client: SalesforceClient, phase: Phase) -> None:
    """Read the match keys of what a phase's objects hold once, before any of its rows is loaded.

    Of two records with one key the older (lower id) is taken. Keys are domains, of which those of
    mail providers never match, or names that occur once.
    """
    for table, field in phase.match_existing.items():
        await _learn(ledger, client, table, field, match_domain)
    for table, field in phase.same_as.items():
        await _learn(ledger, client, table, field, same_text)


async def _learn(
    ledger: Ledger, client: SalesforceClient, table: str, field: str, key_of: Callable[[str], str]
) -> None:
    if await ledger.facts.get(f"existing.{table}"):
        return
    found: dict[str, str] = {}
    soql = f"SELECT Id, {field} FROM {table} WHERE {field} != null ORDER BY Id"  # noqa: S608
    async for page in client.query(soql):
        for record in page:
            key = key_of(str(record.get(field) or ""))
            if key:
                found.setdefault(key, str(record["Id"]))
    reach("existing-read")
    async with ledger.write() as tx:
        entries = [(key, target, None) for key, target in sorted(found.items())]
        if entries:
            await ledger.matches.learn(tx, table, entries)
        await ledger.facts.set(tx, f"existing.{table}", "read")
    reach("existing-learned")
