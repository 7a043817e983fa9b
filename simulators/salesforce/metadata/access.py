"""Permission sets: what they show (facts, 8.2). A deployment replaces the whole set."""

from simulators.salesforce.metadata.archive import Element, children, flag, text
from simulators.salesforce.metadata.stage import Problem, Result, Stage
from simulators.salesforce.tables import PERMISSIONS


def put_permission_set(stage: Stage, name: str, root: Element, result: Result) -> None:
    """Make or replace a permission set. Raises `Problem`."""
    label = text(root, "label")
    if not label:
        raise Problem("Required field is missing: label")
    for each in children(root, "objectPermissions"):
        if text(each, "object") not in stage.objects:
            raise Problem(f"In field: field - no CustomObject named {text(each, 'object')} found")
    fields = {}
    for each in children(root, "fieldPermissions"):
        field = text(each, "field")
        _check_field(stage, field)
        if flag(each, "readable") or flag(each, "editable"):
            fields[field] = flag(each, "editable")
    permissions = _user_permissions(root)
    old = stage.permission_sets.get(name)
    stage.permission_sets[name] = fields
    result.created, result.changed = old is None, old != fields
    stage.later.append(lambda: _keep(stage, name, label, permissions))


def _check_field(stage: Stage, field: str) -> None:
    owner, _, name = field.partition(".")
    known = stage.objects[owner].known.get(name) if owner in stage.objects else None
    if known is None:
        raise Problem(f"In field: field - no CustomField named {field} found")
    if known.required or ("M" in known.flags and known.deployed and "N" not in known.flags):
        raise Problem(f"You cannot deploy to a required field: {field}")


def _user_permissions(root: Element) -> dict[str, bool]:
    granted = {}
    for each in children(root, "userPermissions"):
        name = f"Permissions{text(each, 'name')}"
        if name not in PERMISSIONS:
            raise Problem(f"Unknown user permission: {text(each, 'name')}")
        granted[name] = flag(each, "enabled")
    return granted


def _keep(stage: Stage, name: str, label: str, permissions: dict[str, bool]) -> None:
    """The record of the set, by which it is assigned."""
    store = stage.org.store
    for record in store.shelf("PermissionSet").records.values():
        if record["Name"] == name:
            store.touch("PermissionSet", record["Id"], {"Label": label, **permissions})
            return
    store.seed("PermissionSet", {"Name": name, "Label": label, **permissions})
