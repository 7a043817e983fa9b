"""Metadata source files for a plan, as text (salesforce facts, 8.2); no string is pasted into XML.

What is there is not written anew but taken as the org has it (`definitions`), with ours added: labels,
defaults and values that people gave it stay.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from transforms.errors import MappingDoesNotFit
from transforms.schema.field_xml import add_value, field_element, grow_field, put
from transforms.schema.limits import is_writable
from transforms.schema.needed import PERMISSION_SET, NeededObject
from transforms.schema.plan import Admitted, NewValues, SchemaPlan

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_HOMES = {"Task": "Activity", "Event": "Activity"}
"""Where the custom fields of an object live when not with itself (salesforce facts, 8.2)."""
_PROCESSED = {("Case", "Status"), ("Lead", "Status")}
"""Picklists that a record type narrows by its business process."""

Definitions = Mapping[str, Mapping[str, Element]]
"""By metadata type and full name: what is there, as the Metadata API reads it."""


@dataclass
class Made:
    """Components by type: full names. `values`: what was added to a value set, by its name."""

    components: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, name: str) -> None:
        """Note a component, once."""
        names = self.components.setdefault(kind, [])
        if name not in names:
            names.append(name)


def wanted_definitions(plan: SchemaPlan) -> dict[str, list[str]]:
    """Which definitions `source_files` needs, by type; business processes are named by record types."""
    wanted: dict[str, dict[str, None]] = {}
    for change in plan.changes:
        wanted.setdefault("CustomField", {})[_full(change.object, change.wanted.name)] = None
    for each in plan.values:
        if each.value_set is None:
            wanted.setdefault("CustomField", {})[_full(each.object, each.field)] = None
        else:
            wanted.setdefault("StandardValueSet", {})[each.value_set] = None
    for admitted in plan.admitted:
        for name in admitted.record_types:
            wanted.setdefault("RecordType", {})[f"{admitted.object}.{name}"] = None
    return {kind: list(names) for kind, names in wanted.items()}


def processes_of(plan: SchemaPlan, record_types: Mapping[str, Element]) -> list[str]:
    """The business processes that must admit new values of Status, by full name."""
    found: dict[str, None] = {}
    for each in plan.admitted:
        if (each.object, each.field) in _PROCESSED:
            for name in each.record_types:
                process = record_types[f"{each.object}.{name}"].findtext("businessProcess")
                if process:
                    found[f"{each.object}.{process}"] = None
    return list(found)


def source_files(plan: SchemaPlan, definitions: Definitions, version: str) -> dict[str, str]:
    """Return the files by path, `package.xml` among them; the permission set is always one of them.

    Raises `MappingDoesNotFit` for a picklist whose values belong to a global value set.
    """
    writer = _Writer({kind: dict(deepcopy(names)) for kind, names in definitions.items()})
    for made in plan.objects:
        writer.new_object(made)
    for new in plan.fields:
        order = sum(
            each.spec.type == "MasterDetail"
            for each in plan.fields
            if each.object == new.object and each.spec.name < new.spec.name
        )
        writer.field(new.object, field_element(new.spec, master_order=order))
    for change in plan.changes:
        found = writer.known("CustomField", change.object, change.wanted.name)
        grow_field(found, change.wanted)
        writer.field(change.object, found)
    for each in plan.values:
        writer.values(each)
    for admitted in plan.admitted:
        writer.admit(admitted)
    writer.permission_set(plan)
    if writer.faults:
        raise MappingDoesNotFit(writer.faults)
    return writer.files(version)


class _Writer:
    """Collects the roots of the files and the members of the package."""

    def __init__(self, definitions: dict[str, dict[str, Element]]) -> None:
        self._definitions = definitions
        self._roots: dict[str, Element] = {}
        self._members = Made()
        self.faults: list[str] = []

    def known(self, kind: str, *names: str) -> Element:
        return self._definitions[kind][_full(*names) if kind == "CustomField" else ".".join(names)]

    def new_object(self, needed: NeededObject) -> None:
        root = self._root("objects", needed.name, "object", "CustomObject")
        put(root, "deploymentStatus", "Deployed")
        put(root, "label", needed.label)
        put(root, "pluralLabel", needed.plural)
        name = SubElement(root, "nameField")
        put(name, "label", "Name")
        put(name, "type", "Text")
        put(root, "sharingModel", "ControlledByParent" if needed.detail else "ReadWrite")
        self._members.add("CustomObject", needed.name)

    def field(self, object_name: str, element: Element) -> None:
        self._into_object(object_name, "fields", "CustomField", element)

    def values(self, new: NewValues) -> None:
        if new.value_set is None:
            found = self.known("CustomField", new.object, new.field)
            held = found.find("valueSet/valueSetDefinition")
            if held is None:
                self.faults.append(
                    f"{new.object}.{new.field} takes its values from a global value set: add "
                    f"{', '.join(new.values)} there."
                )
                return
            for value in new.values:
                add_value(held, "value", value)
            self.field(new.object, found)
            return
        path = f"standardValueSets/{new.value_set}.standardValueSet"
        root = self._roots.get(path)
        if root is None:
            root = self._roots[path] = self.known("StandardValueSet", new.value_set)
            root.tag = "StandardValueSet"
            root.set("xmlns", NAMESPACE)
            for each in root.findall("fullName"):
                root.remove(each)  # the file's name says it
        has_closed = root.find("standardValue/closed") is not None
        for value in new.values:
            closed = value in new.closed if has_closed else None
            add_value(root, "standardValue", value, closed=closed)
        self._members.add("StandardValueSet", new.value_set)

    def admit(self, admitted: Admitted) -> None:
        for name in admitted.record_types:
            record_type = self.known("RecordType", admitted.object, name)
            process = record_type.findtext("businessProcess")
            if (admitted.object, admitted.field) in _PROCESSED and process:
                found = self.known("BusinessProcess", admitted.object, process)
                for value in admitted.values:
                    add_value(found, "values", value, labelled=False)
                self._into_object(admitted.object, "businessProcesses", "BusinessProcess", found)
            else:
                _admit(record_type, admitted)
                self._into_object(admitted.object, "recordTypes", "RecordType", record_type)

    def permission_set(self, plan: SchemaPlan) -> None:
        root = self._root("permissionsets", PERMISSION_SET, "permissionset", "PermissionSet")
        put(root, "description", "What Deskferry fills: made by deskferry schema deploy.")
        for name in plan.grants:
            grant = SubElement(root, "fieldPermissions")
            put(grant, "editable", "true")
            put(grant, "field", name)
            put(grant, "readable", "true")
        put(root, "hasActivationRequired", "false")
        put(root, "label", PERMISSION_SET)
        for each in plan.open_objects:
            _object_permission(root, each.name, change=True, everyone=not each.detail)
        for name in plan.read_objects:
            _object_permission(root, name, change=False, everyone=False)
        self._members.add("PermissionSet", PERMISSION_SET)

    def files(self, version: str) -> dict[str, str]:
        """All files as text."""
        found = {path: as_text(root) for path, root in sorted(self._roots.items())}
        found["package.xml"] = as_text(_manifest(self._members.components, version))
        return found

    def _into_object(self, object_name: str, tag: str, kind: str, element: Element) -> None:
        home = _HOMES.get(object_name, object_name)
        root = self._root("objects", home, "object", "CustomObject")
        name = (element.findtext("fullName") or "").rpartition(".")[2]
        full = f"{home}.{name}"
        if full in self._members.components.get(kind, ()):
            return  # it was the very same element, which has been changed once more
        element.tag = tag
        _set(element, "fullName", name)
        root.append(element)
        self._members.add(kind, full)

    def _root(self, folder: str, name: str, ending: str, tag: str) -> Element:
        path = f"{folder}/{name}.{ending}"
        if path not in self._roots:
            self._roots[path] = Element(tag, xmlns=NAMESPACE)
        return self._roots[path]


def removal_files(made: Made, value_sets: Mapping[str, Element], version: str) -> dict[str, str]:
    """The package that takes back what was made: components are deleted, value sets as before.

    Values stay wherever a record still holds one. Fields go with their object.
    """
    gone = dict(made.components)
    objects = set(gone.get("CustomObject", ()))
    gone["CustomField"] = [
        each for each in gone.get("CustomField", ()) if each.partition(".")[0] not in objects
    ]
    files = {"destructiveChanges.xml": as_text(_manifest(gone, None))}
    kept: dict[str, list[str]] = {}
    for name, added in sorted(made.values.items()):
        root = deepcopy(value_sets[name])
        root.tag = "StandardValueSet"
        root.set("xmlns", NAMESPACE)
        for each in list(root):
            is_ours = each.tag == "standardValue" and each.findtext("fullName") in added
            if is_ours or each.tag == "fullName":
                root.remove(each)
        files[f"standardValueSets/{name}.standardValueSet"] = as_text(root)
        kept.setdefault("StandardValueSet", []).append(name)
    files["package.xml"] = as_text(_manifest(kept, version))
    return files


def as_text(root: Element) -> str:
    """One source file: UTF-8 with a declaration, indented, ending in a line feed."""
    indent(root, space="    ")
    for each in root.iter():
        if each.text and not is_writable(each.text):
            raise ValueError("a source file cannot hold a control character")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _object_permission(root: Element, name: str, *, change: bool, everyone: bool) -> None:
    """Open an object; a detail's records are seen as far as its masters' are."""
    grant = SubElement(root, "objectPermissions")
    rights = ("allowCreate", "allowDelete", "allowEdit")
    for right in rights:
        put(grant, right, "true" if change else "false")
    put(grant, "allowRead", "true")
    put(grant, "modifyAllRecords", "true" if everyone else "false")
    put(grant, "object", name)
    put(grant, "viewAllRecords", "true" if everyone else "false")


def _manifest(components: Mapping[str, Iterable[str]], version: str | None) -> Element:
    root = Element("Package", xmlns=NAMESPACE)
    for kind, names in sorted(components.items()):
        if names:
            types = SubElement(root, "types")
            for name in sorted(names):
                put(types, "members", name)
            put(types, "name", kind)
    if version is not None:
        put(root, "version", version)
    return root


def _admit(record_type: Element, admitted: Admitted) -> None:
    """Add values to the picklist of a record type; a picklist that it does not narrow gets its own."""
    for each in record_type.findall("picklistValues"):
        if each.findtext("picklist") == admitted.field:
            break
    else:
        each = SubElement(record_type, "picklistValues")
        put(each, "picklist", admitted.field)
    for value in admitted.values:
        add_value(each, "values", value, labelled=False)


def _set(element: Element, tag: str, text: str) -> None:
    found = element.find(tag)
    if found is None:
        found = SubElement(element, tag)
    found.text = text


def _full(object_name: str, *names: str) -> str:
    return ".".join((_HOMES.get(object_name, object_name), *names))
