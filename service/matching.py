"""What Salesforce already has, so that a company is matched and not made a second time."""

from connectors.salesforce.client import SalesforceClient
from service.crash_points import reach
from state.ledger import Ledger
from transforms.domains import match_domain


async def learn_existing(ledger: Ledger, client: SalesforceClient, table: str, field: str) -> None:
    """Read the match keys (domains) of the records of `table` once, before any is loaded.

    Of two records with one domain the older (lower id) is taken. Free-mail domains never match.
    """
    if await ledger.facts.get(f"existing.{table}"):
        return
    found: dict[str, str] = {}
    soql = f"SELECT Id, {field} FROM {table} WHERE {field} != null ORDER BY Id"  # noqa: S608
    async for page in client.query(soql):
        for record in page:
            key = match_domain(str(record.get(field) or ""))
            if key:
                found.setdefault(key, str(record["Id"]))
    reach("existing-read")
    async with ledger.write() as tx:
        entries = [(key, target, None) for key, target in sorted(found.items())]
        if entries:
            await ledger.matches.learn(tx, table, entries)
        await ledger.facts.set(tx, f"existing.{table}", "read")
    reach("existing-learned")
