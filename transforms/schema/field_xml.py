"""One custom field, or one value of a picklist, as the Metadata API writes it (salesforce facts, 8.2)."""

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from transforms.schema.fields import FieldSpec
from transforms.schema.org import DESCRIBED, OrgField


def put(parent: Element, tag: str, text: str) -> None:
    """Append `<tag>text</tag>`."""
    SubElement(parent, tag).text = text


def field_element(spec: FieldSpec, *, master_order: int = 0) -> Element:
    """A new field; `master_order` tells the first master of an object (0) from the second (1)."""
    element = Element("fields")
    put(element, "fullName", spec.name)
    if spec.description:
        put(element, "description", spec.description)
    put(element, "label", spec.label)
    _BY_TYPE.get(spec.type, _plain)(element, spec)
    if spec.type == "MasterDetail":
        put(element, "relationshipOrder", str(master_order))
    put(element, "type", spec.type)
    return element


def read_field(element: Element) -> OrgField:
    """A field's definition as a describe would tell it; for fields that the running user does not see."""
    kind = element.findtext("type") or ""
    described = (
        "formula" if element.find("formula") is not None else DESCRIBED.get(kind, (kind,))[0]
    )
    scale = _count(element, "scale")
    values = element.iterfind("valueSet/valueSetDefinition/value")
    target = element.findtext("referenceTo")
    return OrgField(
        name=(element.findtext("fullName") or "").rpartition(".")[2],
        type=described,
        length=_count(element, "length"),
        digits=max(0, _count(element, "precision") - scale),
        scale=scale,
        unique=element.findtext("unique") == "true",
        external_id=element.findtext("externalId") == "true",
        values=tuple(
            each.findtext("fullName") or ""
            for each in values
            if each.findtext("isActive") != "false"
        ),
        reference_to=(target,) if target else (),
    )


def grow_field(element: Element, wanted: FieldSpec) -> None:
    """Change the definition of a field that is there to what is wanted; all else of it stays."""
    if wanted.type in ("Text", "LongTextArea"):
        _put_in(element, "length", str(wanted.length))
    if wanted.type in ("Number", "Currency"):
        _put_in(element, "precision", str(wanted.digits + wanted.scale))
        _put_in(element, "scale", str(wanted.scale))
    if wanted.unique:
        _put_in(element, "unique", "true")
    if wanted.external_id:
        _put_in(element, "externalId", "true")


def add_value(
    parent: Element, tag: str, name: str, *, closed: bool | None = None, labelled: bool = True
) -> None:
    """Add a value to a picklist unless it is there; one that is there but inactive becomes active.

    `closed` is written where it is told; `labelled` is False where only names are listed.
    """
    for each in parent.findall(tag):
        if each.findtext("fullName") == name:
            for flag in each.findall("isActive"):
                each.remove(flag)
            return
    value = SubElement(parent, tag)
    put(value, "fullName", name)
    put(value, "default", "false")
    if labelled:
        put(value, "label", name)
    if closed is not None:
        put(value, "closed", _flag(closed))


def _text(element: Element, spec: FieldSpec) -> None:
    put(element, "length", str(spec.length))
    put(element, "externalId", _flag(spec.external_id))
    if spec.unique:
        put(element, "caseSensitive", "false")
    put(element, "unique", _flag(spec.unique))


def _long_text(element: Element, spec: FieldSpec) -> None:
    put(element, "length", str(spec.length))
    put(element, "visibleLines", "3")


def _number(element: Element, spec: FieldSpec) -> None:
    put(element, "precision", str(spec.digits + spec.scale))
    put(element, "scale", str(spec.scale))
    _key(element, spec)


def _amount(element: Element, spec: FieldSpec) -> None:
    put(element, "precision", str(spec.digits + spec.scale))
    put(element, "scale", str(spec.scale))


def _key(element: Element, spec: FieldSpec) -> None:
    put(element, "externalId", _flag(spec.external_id))
    put(element, "unique", _flag(spec.unique))


def _checkbox(element: Element, spec: FieldSpec) -> None:
    put(element, "defaultValue", "false")


def _picklist(element: Element, spec: FieldSpec) -> None:
    values = SubElement(element, "valueSet")
    put(values, "restricted", _flag(spec.restricted))
    definition = SubElement(values, "valueSetDefinition")
    put(definition, "sorted", "false")
    for name in spec.values:
        add_value(definition, "value", name)
    if spec.type == "MultiselectPicklist":
        put(element, "visibleLines", "4")


def _lookup(element: Element, spec: FieldSpec) -> None:
    put(element, "deleteConstraint", "SetNull")
    _reference(element, spec)


def _master(element: Element, spec: FieldSpec) -> None:
    put(element, "reparentableMasterDetail", "false")
    put(element, "writeRequiresMasterRead", "false")
    _reference(element, spec)


def _reference(element: Element, spec: FieldSpec) -> None:
    put(element, "referenceTo", spec.reference_to)
    put(element, "relationshipLabel", spec.relationship.replace("_", " "))
    put(element, "relationshipName", spec.relationship)


def _plain(element: Element, spec: FieldSpec) -> None:
    """A type that needs nothing beside its name."""


_BY_TYPE: dict[str, Callable[[Element, FieldSpec], None]] = {
    "Text": _text,
    "LongTextArea": _long_text,
    "Number": _number,
    "Currency": _amount,
    "Email": _key,
    "Checkbox": _checkbox,
    "Picklist": _picklist,
    "MultiselectPicklist": _picklist,
    "Lookup": _lookup,
    "MasterDetail": _master,
}


def _put_in(element: Element, tag: str, text: str) -> None:
    found = element.find(tag)
    if found is None:
        found = SubElement(element, tag)
    found.text = text


def _count(element: Element, tag: str) -> int:
    said = element.findtext(tag) or ""
    return int(said) if said.isdigit() else 0


def _flag(value: bool) -> str:
    return "true" if value else "false"
