"""Reading many records by id (salesforce facts, 5.2: up to 2,000 in one call)."""

from collections.abc import Sequence
from typing import Any, Final

from connectors.errors import BadReply
from connectors.reply import readable_by
from connectors.retry import Retry
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18

# Fewer than the API takes: records may hold texts of 131,072 characters.
MOST_IDS: Final = 500


async def retrieve(
    client: SalesforceClient, name: str, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the records of the object `name` by id (18 characters); those that are gone are absent.

    One call for each 500 ids; a read, so it is tried again. Raises as `SalesforceClient.call` does.
    """
    found: dict[str, dict[str, Any]] = {}
    wanted = list(dict.fromkeys(["Id", *fields]))
    for start in range(0, len(ids), MOST_IDS):
        reply = await client.call(
            "POST",
            f"/composite/sobjects/{name}",
            f"records of {name}",
            json={"ids": list(ids[start : start + MOST_IDS]), "fields": wanted},
            retry=Retry.SAFE,
            accept=readable_by(_records),
        )
        for record in _records(reply.json()):
            found[to_18(str(record["Id"]))] = record
    return found


def _records(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, list):
        raise BadReply("Records read by id did not come as a list.")
    there = [each for each in said if each is not None]
    if not all(isinstance(each, dict) and isinstance(each.get("Id"), str) for each in there):
        raise BadReply("Records read by id came without their ids.")
    return there
