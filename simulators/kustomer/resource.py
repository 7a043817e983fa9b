"""The form that every record of the API has (kustomer facts, 3.1)."""

from collections.abc import Mapping
from typing import Any


def link(kind: str, record_id: str, plural: str) -> dict[str, Any]:
    """A to-one relationship."""
    return {
        "links": {"self": f"/v1/{plural}/{record_id}"},
        "data": {"type": kind, "id": record_id},
    }


def org_link(org_id: str) -> dict[str, Any]:
    """The relationship to the org itself, which every record has."""
    return link("org", org_id, "orgs")


def resource(
    kind: str,
    record_id: str,
    path: str,
    attributes: Mapping[str, Any],
    relations: Mapping[str, Any],
    *,
    org_id: str,
) -> dict[str, Any]:
    """A record as it is stored and served; `path` is the collection's, without `/v1/`."""
    return {
        "type": kind,
        "id": record_id,
        "attributes": dict(attributes),
        "relationships": {"org": org_link(org_id), **relations},
        "links": {"self": f"/v1/{path}/{record_id}"},
    }
