"""Looks whether the running user may relate people to e-mails, where the map does."""

from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.errors import REFUSED, DeskferryError
from service.mapped import known_phases

RELATIONS = "EmailMessageRelation"
# What Salesforce's setup calls *Update Email Messages* (salesforce facts, 7.2 and 7.9).
_RIGHT = "PermissionsCanUpdateEmailMessage"


class RelationsNotAllowed(DeskferryError):
    """The map relates people to e-mails, and the running user may not."""

    code = "relations-not-allowed"
    exit_code = REFUSED


def makes_relations(config: Config) -> bool:
    """Whether the workspace's map relates people to e-mails; raises `MappingInvalid`."""
    return any(RELATIONS in phase.objects for phase in known_phases(config))


async def relation_rights(salesforce: SalesforceClient) -> str:
    """Say that people may be related to e-mails that are in.

    Raises `RelationsNotAllowed`, and the connectors' errors.
    """
    soql = f"SELECT {_RIGHT} FROM UserPermissionAccess"  # noqa: S608
    granted = [record async for page in salesforce.query(soql) for record in page]
    if not any(each.get(_RIGHT) for each in granted):
        raise RelationsNotAllowed(
            "The map relates people to e-mails, and the running user lacks: Update Email Messages.",
            next_step="Grant it to the running user, or set `move: false` on the map's phase of "
            "relations. Rows that were refused without it are kept, and retry sends them.",
        )
    return "People may be related to e-mails."
