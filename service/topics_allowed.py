"""Looks whether the running user may make topics and assign them, where the map makes tags topics."""

from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.errors import REFUSED, DeskferryError
from service.mapped import known_phases

# The permissions, and what Salesforce's setup calls them (salesforce facts, 7.8 and 7.9).
_RIGHTS = {"PermissionsCreateTopics": "Create Topics", "PermissionsAssignTopics": "Assign Topics"}


class TopicsNotAllowed(DeskferryError):
    """The map makes tags topics, and the running user may not."""

    code = "topics-not-allowed"
    exit_code = REFUSED


def makes_topics(config: Config) -> bool:
    """Whether the workspace's map makes topics; raises `MappingInvalid`. Nothing is written."""
    return any(phase.kind == "tag" for phase in known_phases(config))


async def topic_rights(salesforce: SalesforceClient) -> str:
    """Say that topics may be made and assigned.

    Raises `TopicsNotAllowed` with every permission that is lacking, and the connectors' errors.
    """
    soql = f"SELECT {', '.join(_RIGHTS)} FROM UserPermissionAccess"  # noqa: S608
    granted = [record async for page in salesforce.query(soql) for record in page]
    lacking = [
        name for right, name in _RIGHTS.items() if not any(each.get(right) for each in granted)
    ]
    if lacking:
        raise TopicsNotAllowed(
            f"The map makes tags topics, and the running user lacks: {', '.join(lacking)}.",
            next_step="Grant them to the running user, and enable topics for the objects in Setup.",
        )
    return "Topics may be made and assigned."
