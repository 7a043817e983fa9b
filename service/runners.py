"""The Salesforce users that this migration has written as: what they touched last, we touched last."""

import orjson

from connectors.salesforce.client import SalesforceClient
from state.ledger import Ledger

_FACT = "runners"


async def runners(ledger: Ledger, client: SalesforceClient) -> frozenset[str]:
    """Return the ids (18 characters) of the running user and of those of earlier runs."""
    now = (await client.org()).user_id
    known = orjson.loads(await ledger.facts.get(_FACT) or "[]")
    if now not in known:
        known.append(now)
        async with ledger.write() as tx:
            await ledger.facts.set(tx, _FACT, orjson.dumps(known).decode())
    return frozenset(known)
