"""Reads the source's schema: klasses of every status, and the metadata of every kind."""

from typing import Any

from connectors.errors import NotFound, RoleMissing
from connectors.kustomer.client import KustomerClient
from transforms.schema.source import (
    STANDARD_KINDS,
    SourceKind,
    SourceSchema,
    read_attributes,
    read_klass,
    schema_of,
)

# The list shows one status at a time (kustomer facts, 6.0 and 6.7).
STATUSES = ("enabled", "existing_only", "disabled")


async def read_source_schema(client: KustomerClient) -> SourceSchema:
    """Read all kinds with their custom attributes.

    What the key may not read is named in `gaps`: nothing is left out in silence. Metadata that is
    not there leaves a kind without attributes; values then tell alone what there is. Raises the
    connectors' errors. Costs one request for each kind and three for the klasses.
    """
    gaps: list[str] = []
    kinds = [
        SourceKind(name, name.title(), read_attributes(await _metadata(client, name, gaps)))
        for name in STANDARD_KINDS
    ]
    for status in STATUSES:
        for resource in await _klasses(client, status, gaps):
            name = f"kobject.{_name(resource)}"
            kind = read_klass(resource, await _metadata(client, name, gaps))
            if kind is not None:
                kinds.append(kind)
    return schema_of(kinds, dict.fromkeys(gaps))


async def _klasses(client: KustomerClient, status: str, gaps: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        try:
            page = await client.list_page("/v1/klasses", number, params={"status": status})
        except RoleMissing as error:
            gaps.append(f"Custom objects cannot be read: {error.message}")
            return found
        found += page.rows
        if not page.has_next or not page.rows:
            return found
        number += 1


async def _metadata(client: KustomerClient, name: str, gaps: list[str]) -> Any:
    try:
        return (await client.get(f"/v1/metadata/{name}")).get("data")
    except NotFound:
        return None
    except RoleMissing as error:
        gaps.append(f"The attributes of {name} cannot be read: {error.message}")
        return None


def _name(resource: dict[str, Any]) -> str:
    attributes = resource.get("attributes")
    return str(attributes.get("name")) if isinstance(attributes, dict) else ""
