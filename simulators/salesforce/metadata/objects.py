"""Objects: custom ones are made; fields and record types are added to any."""

import re
from dataclasses import replace
from xml.etree.ElementTree import tostring

from simulators.salesforce.definitions import ObjectDef, RecordType
from simulators.salesforce.metadata.archive import Element, children, flag, text
from simulators.salesforce.metadata.fields import read_field, same_type
from simulators.salesforce.metadata.limits import check_object, check_objects
from simulators.salesforce.metadata.stage import Problem, Result, Stage
from simulators.salesforce.schema import custom_object

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
_SHARING = ("ReadWrite", "Read", "Private", "ControlledByParent")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PROCESSED = ("Case", "Lead", "Opportunity")


def put_object(stage: Stage, name: str, root: Element, result: Result) -> None:
    """Make or change a custom object; its fields come by themselves. Raises `Problem`."""
    label, plural = text(root, "label"), text(root, "pluralLabel")
    if name not in stage.objects:
        _check_new(name, root)
        if text(root, "sharingModel") == "ControlledByParent" and not _masters(root):
            raise Problem("ControlledByParent needs a master-detail field")
        name_field = children(root, "nameField")[0]
        naming = "D" if text(name_field, "type") == "AutoNumber" else "CU"
        owner = "" if _masters(root) else "; OwnerId reference CUD->User,Group(Owner)"
        stage.objects[name] = custom_object(
            name, _prefix(stage), f"Name string(80) {naming}{'N' if naming == 'CU' else ''}{owner}"
        )
        check_objects(stage)
        result.created = True
    found = stage.objects[name]
    result.changed = result.created or (found.label, found.plural) != (label, plural)
    found.label, found.plural = label or found.label, plural or found.plural


def put_field(stage: Stage, owner: str, element: Element, result: Result) -> None:
    """Make or change a field. Raises `Problem`."""
    each = stage.object(owner)
    made = read_field(element, stage, each)
    old = each.known.get(made.name)
    if old is not None and not old.deployed:
        made = replace(made, deployed=False, flags=old.flags if old.external_id else made.flags)
    if old is not None and not same_type(old, made):
        raise Problem(f"Cannot change the field type of {owner}.{made.name}")
    if made.controller and made.controller not in each.known:
        raise Problem(f"controllingField {made.controller} does not exist on {owner}")
    each.known[made.name] = made
    _keep_source(each, "CustomField", element)
    result.created = old is None
    result.changed = old != made
    check_object(stage, each)


def put_record_type(stage: Stage, owner: str, element: Element, result: Result) -> None:
    """Make or change a record type. Raises `Problem`."""
    each = stage.object(owner)
    name = text(element, "fullName")
    if owner in _PROCESSED and not text(element, "businessProcess"):
        raise Problem(f"A businessProcess must be specified for a record type of {owner}")
    values = []
    for listed in children(element, "picklistValues"):
        picklist = text(listed, "picklist")
        if picklist not in each.known:
            raise Problem(f"Picklist {picklist} does not exist on {owner}")
        chosen = tuple(text(value, "fullName") for value in children(listed, "values"))
        unknown = set(chosen) - set(each.known[picklist].values)
        if unknown:
            raise Problem(f"Picklist value: {sorted(unknown)[0]} in picklist: {picklist} not found")
        values.append((picklist, chosen))
    old = each.record_types.get(name)
    made = RecordType(
        name,
        text(element, "label", name),
        old.id if old else stage.org.store.ids.new("012"),
        active=flag(element, "active", default=True),
        values=tuple(values),
    )
    each.record_types[name] = made
    _keep_source(each, "RecordType", element)
    result.created, result.changed = old is None, old != made


def put_business_process(stage: Stage, owner: str, element: Element, result: Result) -> None:
    """Make or change a business process: it is kept, and narrows nothing here. Raises `Problem`."""
    each = stage.object(owner)
    known = set(each.known["Status"].values) if owner in _PROCESSED[:2] else set()
    chosen = [text(value, "fullName") for value in children(element, "values")]
    if not chosen or not set(chosen) <= known:
        raise Problem(f"A business process of {owner} needs values that its Status has")
    place = ("BusinessProcess", text(element, "fullName"))
    old = each.sources.get(place)
    _keep_source(each, place[0], element)
    result.created, result.changed = old is None, old != each.sources[place]


def remove(stage: Stage, kind: str, name: str) -> None:
    """Take a custom object or field away. Raises `Problem`."""
    if kind == "CustomObject" and name in stage.objects and name.endswith("__c"):
        users = [
            f"{other.name}.{known.name}"
            for other in stage.objects.values()
            for known in other.known.values()
            if name in known.targets and other.name != name
        ]
        if users:
            raise Problem(f"This custom object is referenced elsewhere: {users[0]}")
        del stage.objects[name]
        return
    owner, _, field = name.partition(".")
    known = stage.objects[owner].known if owner in stage.objects else {}
    if kind == "CustomField" and field in known and field.endswith("__c"):
        del known[field]
        stage.objects[owner].sources.pop((kind, field), None)
        return
    if kind == "PermissionSet" and name in stage.permission_sets:
        del stage.permission_sets[name]
        stage.later.append(lambda: _drop_permission_set(stage, name))
        return
    raise Problem(f"No {kind} named: {name} found")


def _keep_source(each: ObjectDef, kind: str, element: Element) -> None:
    each.sources[kind, text(element, "fullName")] = tostring(element, encoding="unicode")


def _drop_permission_set(stage: Stage, name: str) -> None:
    sets = stage.org.store.shelf("PermissionSet")
    assigned = stage.org.store.shelf("PermissionSetAssignment")
    for record in [each for each in sets.records.values() if each["Name"] == name]:
        for given in list(assigned.records.values()):
            if given["PermissionSetId"] == record["Id"]:
                assigned.drop(given)
        sets.drop(record)


def _check_new(name: str, root: Element) -> None:
    if not name.endswith("__c"):
        raise Problem(f"Entity of type 'CustomObject' named '{name}' cannot be found")
    if not _NAME.match(name) or len(name) > 43:
        raise Problem("The object name can only contain underscores and alphanumeric characters.")
    for needed in ("label", "pluralLabel", "deploymentStatus", "sharingModel"):
        if not text(root, needed):
            raise Problem(f"Must specify a non-empty {needed} for the CustomObject")
    if text(root, "sharingModel") not in _SHARING:
        raise Problem(f"'{text(root, 'sharingModel')}' is not a valid value for 'SharingModel'")
    named = children(root, "nameField")
    if not named or not text(named[0], "label"):
        raise Problem("Must specify a nameField of type Text or AutoNumber")
    if text(named[0], "type") == "AutoNumber" and not text(named[0], "displayFormat"):
        raise Problem("Must specify 'displayFormat' for a nameField of type AutoNumber")


def _masters(root: Element) -> bool:
    return any(text(each, "type") == "MasterDetail" for each in children(root, "fields"))


def _prefix(stage: Stage) -> str:
    taken = {each.prefix for each in stage.objects.values()}
    free = (f"a{high}{low}" for high in _DIGITS for low in _DIGITS)
    return next(each for each in free if each not in taken)
