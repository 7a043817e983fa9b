"""A small map with a klass of its own, and orgs that have more or less of it."""

from dataclasses import replace

from transforms.mapping import Mapping, parse_mapping
from transforms.schema.needed import Needed, needed_by
from transforms.schema.org import DESCRIBED, Org, OrgField, OrgObject

TEXT = """\
version: 1
phases:
  conversations:
    kind: conversation
    tables:
      Case:
        key: Kustomer_Id__c
        closed: [Done]
        create:
          Kustomer_Id__c: {type: Text, length: 24, unique: true, external_id: true}
          Kustomer_Raw__c: {type: LongTextArea, length: 5000, label: Kustomer Raw}
          Kustomer_Lead__c: {type: Lookup, reference_to: Lead}
          Kustomer_Mood__c: {type: Picklist, values: [good, bad & ugly]}
          Kustomer_Size__c: {type: Number, digits: 6, scale: 2}
        fields:
          Kustomer_Id__c: {source: id, convert: id}
          Subject: {source: attributes.name, keep: Kustomer_Raw__c}
          Status: {source: attributes.status, convert: values, values: {open: Open, done: Done}}
          Kustomer_Mood__c: {source: attributes.custom.moodStr}
          Kustomer_Size__c: {source: attributes.custom.sizeNum}
          CreatedDate: {source: attributes.createdAt, convert: datetime, optional: true}
        parents:
          customer: {source: [relationships.customer.data.id], kinds: [customer],
                     columns: {Lead: Kustomer_Lead__c}}
  orders:
    kind: kobject.order
    tables:
      Order__c:
        key: Kustomer_Id__c
        object: {label: Order, plural: Orders}
        create:
          Kustomer_Id__c: {type: Text, length: 24, unique: true, external_id: true}
        fields:
          Kustomer_Id__c: {source: id, convert: id}
          Name: {source: attributes.name}
  items:
    kind: kobject.item
    tables:
      Item__c:
        key: Kustomer_Id__c
        object: {label: Item, plural: Items}
        create:
          Kustomer_Id__c: {type: Text, length: 24, unique: true, external_id: true}
          Order__c: {type: MasterDetail, reference_to: Order__c}
          Case__c: {type: MasterDetail, reference_to: Case}
        fields:
          Kustomer_Id__c: {source: id, convert: id}
        parents:
          order: {source: [relationships.order.data.id], kinds: [kobject.order],
                  columns: {Order__c: Order__c}, required: true}
          case: {source: [relationships.case.data.id], kinds: [conversation],
                 columns: {Case: Case__c}, required: true}
  left-out:
    kind: kobject.claim
    move: false
    tables:
      Claim__c:
        object: {label: Claim, plural: Claims}
        fields: {Name: {source: attributes.name}}
"""
CASE = OrgObject(
    "Case",
    {
        "Subject": OrgField("Subject", "string", custom=False, length=255),
        "Status": OrgField("Status", "picklist", custom=False, values=("New", "Closed")),
    },
)
BARE = Org("Enterprise Edition", {"Case": CASE})


def sample_map(text: str = TEXT) -> Mapping:
    return parse_mapping(text, "m.yaml")


def sample(text: str = TEXT) -> Needed:
    return needed_by(sample_map(text))


def complete(needed: Needed) -> Org:
    """An org that has all that is needed."""
    objects = {}
    for each in needed.values():
        there = BARE.objects.get(each.name, OrgObject(each.name)).fields
        made = {
            name: OrgField(
                name,
                DESCRIBED[spec.type][0],
                length=spec.length,
                digits=spec.digits,
                scale=spec.scale,
                unique=spec.unique,
                external_id=spec.external_id,
                values=spec.values,
                reference_to=(spec.reference_to,) if spec.reference_to else (),
            )
            for name, spec in each.fields.items()
        }
        names = [n for n in each.filled if n not in made and n not in there]
        plain = {name: OrgField(name, "string", custom=False) for name in names}
        objects[each.name] = OrgObject(each.name, {**there, **plain, **made})
    status = replace(CASE.fields["Status"], values=("New", "Closed", "Open", "Done"))
    fields = {**objects["Case"].fields, "Status": status}
    objects["Case"] = OrgObject("Case", fields)
    return Org("Enterprise Edition", objects, frozenset({"Order__c", "Item__c"}))


def with_field(org: Org, name: str, field: OrgField | None) -> Org:
    """The org with another field of Case, or without it."""
    case = org.objects["Case"]
    fields = {key: each for key, each in case.fields.items() if key != name}
    if field is not None:
        fields[name] = field
    return replace(org, objects={**org.objects, "Case": replace(case, fields=fields)})
