"""The target as the map needs it: objects, fields, record types, dependent picklists, limits."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.errors import NotFound
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import ObjectDescribe
from connectors.salesforce.limits import Limit
from service.discover.facts import TargetFacts, TargetRuleFacts
from service.discover.target_rules import UNABLE, read_rules, rows_of
from transforms.mapping import Mapping, TableLine


@dataclass
class Target:
    """What was read of Salesforce; `gaps` say what could not be."""

    objects: list[TargetFacts] = field(default_factory=list)
    rules: list[TargetRuleFacts] = field(default_factory=list)
    limits: dict[str, Limit] = field(default_factory=dict)
    edition: str = ""
    person_accounts: bool = False
    audit: bool = True
    gaps: list[str] = field(default_factory=list)


async def read_target(salesforce: SalesforceClient, mapping: Mapping) -> Target:
    """Describe every object of the map, read the limits, and list what fires on its rows."""
    found = Target()
    tables: dict[str, list[TableLine]] = {}
    for line in mapping.phases.values():
        for name, table in line.tables.items():
            tables.setdefault(name, []).append(table)
    for name, lines in sorted(tables.items()):
        described = await _describe(salesforce, name)
        found.objects.append(_object(name, lines, described))
        if described is not None:
            found.person_accounts |= "IsPersonAccount" in described.fields
        if described is not None and name == "Case":
            created = described.fields.get("CreatedDate")
            found.audit = created is not None and created.createable
    await _org(salesforce, found)
    found.rules, gaps = await read_rules(salesforce, sorted(tables))
    found.gaps += gaps
    return found


async def _org(salesforce: SalesforceClient, found: Target) -> None:
    try:
        found.limits = dict(await salesforce.limits())
    except UNABLE as error:
        found.gaps.append(f"Salesforce does not tell its limits: {error.message}")
    rows = rows_of(salesforce.query("SELECT OrganizationType FROM Organization"))
    found.edition = "".join([str(row.get("OrganizationType") or "") async for row in rows])


async def _describe(salesforce: SalesforceClient, name: str) -> ObjectDescribe | None:
    try:
        return await salesforce.describe(name)
    except NotFound:
        return None


def _object(name: str, lines: Iterable[TableLine], described: ObjectDescribe | None) -> TargetFacts:
    if described is None:
        return TargetFacts(
            object=name,
            there=False,
            fields=0,
            missing=[],
            closed=[],
            record_types=[],
            dependent_picklists=[],
        )
    wanted = {column for line in lines for column in _columns(line)}
    seen = described.fields
    return TargetFacts(
        object=name,
        there=True,
        fields=len(seen),
        missing=sorted(wanted - seen.keys()),
        closed=sorted(each for each in wanted & seen.keys() if not seen[each].createable),
        record_types=list(described.record_types),
        dependent_picklists=sorted(each.name for each in seen.values() if each.controller),
    )


def _columns(line: TableLine) -> set[str]:
    """The columns that a table fills and cannot be without."""
    filled = {name for name, each in line.fields.items() if not each.optional}
    filled |= {each.keep for each in line.fields.values() if each.keep and not each.optional}
    parents = (each for each in line.parents.values() if not each.optional)
    return filled | {c for parent in parents for c in parent.columns.values() if c != "Id"}
