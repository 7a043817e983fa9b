"""Reads the target's schema: describes, the edition, and the definitions that a plan touches."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from connectors.errors import NotFound
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import FieldDescribe, ObjectDescribe
from connectors.salesforce.metadata import MetadataReader, MetadataType
from service.schema.errors import DefinitionMissing
from transforms.schema.field_xml import read_field
from transforms.schema.needed import Needed
from transforms.schema.org import MASTER_VALUE_SETS, Org, OrgField, OrgObject
from transforms.schema.plan import SchemaPlan
from transforms.schema.source_files import processes_of, wanted_definitions

Read = dict[str, dict[str, Element]]


async def read_org(salesforce: SalesforceClient, needed: Needed) -> Org:
    """Describe the objects that the map names, as far as the org has them for this user."""
    facts = await MetadataReader(salesforce).org()
    objects = {}
    for name in needed:
        if name in facts.objects:
            described = await _describe(salesforce, name)
            if described is not None:
                objects[name] = _object(described)
    custom = frozenset(name for name in facts.objects if name.endswith("__c"))
    return Org(facts.edition, objects, custom)


async def read_hidden(salesforce: SalesforceClient, needed: Needed, org: Org) -> Org:
    """Add what no describe tells: fields that the user does not see, and statuses that close nothing."""
    reader = MetadataReader(salesforce)
    wanted = [
        f"{each.name}.{name}"
        for each in needed.values()
        if each.name in org.objects
        for name in sorted({*each.fields, *each.filled, *each.updated})
        if name.endswith("__c") and name not in org.objects[each.name].fields
    ]
    found = await reader.read("CustomField", wanted)
    sets = [MASTER_VALUE_SETS.get((each.name, "Status")) for each in needed.values() if each.closed]
    statuses = await reader.read("StandardValueSet", [name for name in sets if name])
    return replace(
        org,
        hidden={name: read_field(element) for name, element in found.items()},
        open_values={name: frozenset(_open(element)) for name, element in statuses.items()},
    )


def _open(value_set: Element) -> Iterator[str]:
    for each in value_set.iterfind("standardValue"):
        if each.findtext("isActive") != "false" and each.findtext("closed") == "false":
            yield each.findtext("fullName") or ""


async def read_definitions(salesforce: SalesforceClient, plans: list[SchemaPlan]) -> Read:
    """Read every definition that the plans touch; raises `DefinitionMissing` where one lacks."""
    wanted: dict[str, dict[str, None]] = {}
    for plan in plans:
        for kind, names in wanted_definitions(plan).items():
            wanted.setdefault(kind, {}).update(dict.fromkeys(names))
    reader = MetadataReader(salesforce)
    found: Read = {}
    kinds: tuple[MetadataType, ...] = ("StandardValueSet", "CustomField", "RecordType")
    for kind in kinds:
        found[kind] = await _all(reader, kind, list(wanted.get(kind, ())))
    processes = [name for plan in plans for name in processes_of(plan, found["RecordType"])]
    found["BusinessProcess"] = await _all(reader, "BusinessProcess", processes)
    return found


async def read_value_sets(salesforce: SalesforceClient, names: list[str]) -> dict[str, Element]:
    """Read value sets whole; raises `DefinitionMissing`."""
    return await _all(MetadataReader(salesforce), "StandardValueSet", names)


async def _all(reader: MetadataReader, kind: MetadataType, names: list[str]) -> dict[str, Element]:
    names = list(dict.fromkeys(names))
    found = await reader.read(kind, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise DefinitionMissing(
            f"Salesforce does not tell how {', '.join(missing)} ({kind}) is defined, so that it cannot "
            "be changed without loss.",
            next_step="Grant the running user the permission Modify Metadata Through Metadata API "
            "Functions; then run the command again.",
        )
    return found


async def _describe(salesforce: SalesforceClient, name: str) -> ObjectDescribe | None:
    try:
        return await salesforce.describe(name)
    except NotFound:
        return None


def _object(described: ObjectDescribe) -> OrgObject:
    fields: Mapping[str, OrgField] = {name: _field(each) for name, each in described.fields.items()}
    return OrgObject(described.name, fields, described.createable, described.record_types)


def _field(each: FieldDescribe) -> OrgField:
    return OrgField(
        name=each.name,
        type=each.type,
        custom=each.custom,
        length=each.length,
        digits=each.digits,
        scale=each.scale,
        createable=each.createable,
        updateable=each.updateable,
        unique=each.unique,
        external_id=each.external_id,
        values=each.picklist,
        reference_to=each.reference_to,
    )
