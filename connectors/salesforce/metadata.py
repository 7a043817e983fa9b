"""Reading what a describe does not tell: value sets with their closed and inactive values, record
types, whole definitions of fields, the edition (salesforce facts, 8.2 and 8.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.etree.ElementTree import Element, SubElement

from connectors.errors import BadReply
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.soap import METADATA

MetadataType = Literal["StandardValueSet", "CustomField", "RecordType", "BusinessProcess"]
_AT_ONCE: Final = 10


@dataclass(frozen=True)
class OrgFacts:
    """The org's edition as Salesforce names it, and all its objects."""

    edition: str
    objects: frozenset[str]


class MetadataReader:
    """Reads; changes nothing."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    async def read(self, kind: MetadataType, names: Sequence[str]) -> dict[str, Element]:
        """The definitions that are there, by full name, as `deploy` takes them back.

        Elements are named without namespace. What is not there is left out.
        """
        found: dict[str, Element] = {}
        for start in range(0, len(names), _AT_ONCE):
            body = Element(f"{{{METADATA}}}readMetadata")
            SubElement(body, f"{{{METADATA}}}type").text = kind
            for name in names[start : start + _AT_ONCE]:
                SubElement(body, f"{{{METADATA}}}fullNames").text = name
            said = await self._client.soap(body, f"the reading of {kind}")
            for record in said.iter("records"):
                full_name = record.findtext("fullName")
                if full_name:
                    found[full_name] = record
        return found

    async def org(self) -> OrgFacts:
        """The edition, and the names of all objects that the running user can see."""
        soql = "SELECT OrganizationType FROM Organization"
        rows = [row async for page in self._client.query(soql) for row in page]
        if len(rows) != 1:
            raise BadReply("The query for the org itself has not one answer.")
        reply = await self._client.call("GET", "/sobjects", "the list of objects")
        edition = str(rows[0].get("OrganizationType") or "")
        return OrgFacts(edition, _names(reply.json()))


def _names(said: Any) -> frozenset[str]:
    try:
        return frozenset(str(each["name"]) for each in said["sobjects"])
    except (KeyError, TypeError):
        raise BadReply("The list of objects is not what Salesforce promises.") from None
