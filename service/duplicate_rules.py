"""Duplicate rules of the org that may block rows, as a check before anything is sent."""

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.soql import literal
from service.discover.target_rules import UNABLE, rows_of

_OBJECTS = ("Account", "Contact", "Lead")
STEP = (
    "Exempt the running user from them, let them allow with an alert only in the app, or give the map a "
    "match_by. Rows that they block fail as DUPLICATES_DETECTED; deskferry trace names what was met."
)


async def duplicate_rules(salesforce: SalesforceClient) -> tuple[bool, str]:
    """Say whether rules are active on accounts and people, and which.

    No header disables them in bulk jobs. Whether a rule blocks or only warns is told by no query
    (salesforce facts, 9.2); both refuse rows that come by the API (15.6).
    """
    listed = ",".join(literal(each) for each in _OBJECTS)
    soql = (
        "SELECT DeveloperName, SobjectType FROM DuplicateRule WHERE IsActive = true "  # noqa: S608
        f"AND SobjectType IN ({listed})"
    )
    try:
        rows = [row async for row in rows_of(salesforce.query(soql))]
    except UNABLE as error:
        return True, f"Duplicate rules cannot be listed: {error.message}"
    if not rows:
        return False, "No duplicate rule is active on Account, Contact or Lead."
    names = sorted(f"{row['SobjectType']}: {row['DeveloperName']}" for row in rows)
    return True, f"Active duplicate rules may refuse rows: {', '.join(names)}."
