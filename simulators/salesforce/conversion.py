"""A Lead that an agent converts: an Account and a Contact take its place, and it can no longer change.

The API has no call for it but SOAP's, so the stand-in offers it at the side-door. `IsConverted` is
told by the facts (section 14); the ids that a converted Lead names are read-only.
"""

from typing import Any

from simulators.salesforce.outcomes import BadValue, Outcome, WriteContext
from simulators.salesforce.shelves import Record
from simulators.salesforce.store import Store

_SAME = ("FirstName", "LastName", "Email", "Phone", "MobilePhone", "Fax", "Title")
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")


class NoConversion(Exception):
    """There is no such Lead, or it is converted already, or a record to convert to is not there."""


def convert(store: Store, given: dict[str, Any], context: WriteContext) -> dict[str, str]:
    """Convert `leadId`, to `accountId` and `contactId` where they are given; both are told.

    No custom field goes along: an org has to map those itself. The agent is a user who is not ours.
    """
    lead = store.get("Lead", str(given.get("leadId") or ""))
    if lead is None or lead["IsConverted"]:
        raise NoConversion("There is no such Lead that could be converted.")
    try:
        with store.transaction():
            account = str(given.get("accountId") or _account(store, lead, context))
            contact = str(given.get("contactId") or _contact(store, lead, account, context))
    except BadValue as bad:
        raise NoConversion(bad.message) from None
    if store.get("Account", account) is None or store.get("Contact", contact) is None:
        raise NoConversion("There is no such Account or Contact.")
    now = store.now()
    store.touch(
        "Lead",
        lead["Id"],
        {
            "IsConverted": True,
            "Status": "Closed - Converted",
            "ConvertedDate": now[:10],
            "ConvertedAccountId": account,
            "ConvertedContactId": contact,
            "LastModifiedById": agent_of(store),
            "LastModifiedDate": now,
        },
    )
    return {"accountId": account, "contactId": contact}


def agent_of(store: Store) -> str:
    """The id of a user who works in the org and is not the running one."""
    users = store.shelf("User").records
    return next(each for each in users if each != store.running_user)


def _account(store: Store, lead: Record, context: WriteContext) -> str:
    return _made(store.insert("Account", {"Name": lead["Company"]}, context))


def _contact(store: Store, lead: Record, account: str, context: WriteContext) -> str:
    values = {name: lead[name] for name in _SAME if lead[name] is not None}
    values |= {f"Mailing{name}": lead[name] for name in _ADDRESS if lead[name] is not None}
    return _made(store.insert("Contact", {**values, "AccountId": account}, context))


def _made(outcome: Outcome) -> str:
    if outcome.errors:
        raise BadValue(outcome.errors[0].status_code, outcome.errors[0].message)
    return outcome.record_id
