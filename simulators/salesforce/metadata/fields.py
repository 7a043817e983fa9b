"""Custom fields: from their XML to definitions, with the checks of the platform (facts, 8.2, 8.4)."""

import re
from collections.abc import Callable
from dataclasses import replace

from simulators.salesforce.definitions import FieldDef, ObjectDef
from simulators.salesforce.metadata.archive import Element, children, flag, text
from simulators.salesforce.metadata.stage import Problem, Stage

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
_LONGEST_NAME = 40 + len("__c")
_LONGEST_LABEL = 40
_MOST_RESTRICTED, _MOST_SELECTABLE = 1_000, 500
_CHOICE_CHARS = 255
Maker = Callable[[Element, str], FieldDef]


def read_field(element: Element, stage: Stage, owner: ObjectDef) -> FieldDef:
    """One `<fields>` element as a definition; raises `Problem`."""
    name = text(element, "fullName")
    if not _NAME.match(name) or len(name) > _LONGEST_NAME:
        raise Problem(
            "The Custom Field API Name can only contain underscores and alphanumeric characters. "
            "It must be unique, begin with a letter, not include spaces, not end with an "
            "underscore, not contain two consecutive underscores and have at most 40 characters."
        )
    label = text(element, "label")
    if not 0 < len(label) <= _LONGEST_LABEL:
        raise Problem("Label: value is required and holds at most 40 characters")
    kind = text(element, "type")
    maker = _MAKERS.get(kind)
    if maker is None:
        raise Problem(f"'{kind}' is not a valid value for the enum 'FieldType'")
    made = maker(element, name)
    if kind in ("Lookup", "MasterDetail"):
        _check_relation(element, stage, owner, kind)
    elif flag(element, "required"):
        made = _with(made, flags=made.flags.replace("N", ""))
    return _with(made, label=label, deployed=True)


def same_type(old: FieldDef, new: FieldDef) -> bool:
    """Whether a field may be deployed over another: its type stays (facts say nothing of more)."""
    return (old.type, old.long, old.targets) == (new.type, new.long, new.targets)


def _with(made: FieldDef, **changes: object) -> FieldDef:
    return replace(made, **changes)  # type: ignore[arg-type]


def _text_field(element: Element, name: str) -> FieldDef:
    length = _number(element, "length", 1, 255)
    return FieldDef(
        name,
        "string",
        length,
        "CUN" + _keys(element),
        case_sensitive=flag(element, "caseSensitive"),
    )


def _keys(element: Element) -> str:
    external, unique = flag(element, "externalId"), flag(element, "unique")
    return "X" if external and unique else "E" if external else "Q" if unique else ""


def _number(element: Element, name: str, least: int, most: int) -> int:
    said = text(element, name)
    if not said.isdigit() or not least <= int(said) <= most:
        raise Problem(f"Must specify '{name}' between {least} and {most} for a CustomField")
    return int(said)


def _area(least_lines: int, *, html: bool) -> Maker:
    def made(element: Element, name: str) -> FieldDef:
        length = _number(element, "length", 256, 131_072)
        _number(element, "visibleLines", least_lines, 1_000)
        return FieldDef(name, "textarea", length, "CUN", long=True, html=html)

    return made


def _digits(kind: str) -> Maker:
    def made(element: Element, name: str) -> FieldDef:
        precision = _number(element, "precision", 1, 18)
        scale = _number(element, "scale", 0, 17)
        if scale > precision:
            raise Problem("The scale cannot be larger than the precision")
        flags = "CUN" + (_keys(element) if kind == "double" else "")
        return FieldDef(name, kind, 0, flags, scale=scale, precision=precision)

    return made


def _checkbox(element: Element, name: str) -> FieldDef:
    if text(element, "defaultValue") not in ("true", "false"):
        raise Problem("Must specify 'defaultValue' for a CustomField of type Checkbox")
    return FieldDef(name, "boolean", 0, "CUD")


def _simple(kind: str, length: int) -> Maker:
    def made(element: Element, name: str) -> FieldDef:
        keys = _keys(element) if kind == "email" else ""
        return FieldDef(name, kind, length, "CUN" + keys)

    return made


def _picklist(kind: str, length: int, most: int) -> Maker:
    def made(element: Element, name: str) -> FieldDef:
        sets = children(element, "valueSet")
        if not sets:
            raise Problem("Must specify 'valueSet' for a CustomField of type Picklist")
        values = [
            each for given in children(sets[0], "valueSetDefinition") for each in choices(given)
        ]
        active = [value for value, used in values if used]
        if len(values) > most or len({v.lower() for v, _ in values}) != len(values):
            raise Problem(f"A picklist holds each value once and at most {most} of them")
        if kind == "multipicklist":
            _number(element, "visibleLines", 3, 10)
        restricted = flag(sets[0], "restricted")
        return FieldDef(
            name,
            kind,
            length,
            "CUN" + ("R" if restricted else ""),
            values=tuple(active),
            unused=tuple(value for value, used in values if not used),
            controller=text(sets[0], "controllingField"),
            valid_for=_settings(sets[0]),
        )

    return made


def choices(definition: Element) -> list[tuple[str, bool]]:
    """The values of a definition, and whether each is active; raises `Problem`."""
    found = []
    for each in children(definition, "value"):
        name = text(each, "fullName")
        if not 0 < len(name) <= _CHOICE_CHARS or ";" in name:
            raise Problem(f"Picklist value: {name[:40]} is not valid")
        if not text(each, "label"):
            raise Problem(f"Picklist value: {name[:40]} needs a label")
        found.append((name, flag(each, "isActive", default=True)))
    return found


def _settings(value_set: Element) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (
            text(each, "valueName"),
            tuple((v.text or "").strip() for v in children(each, "controllingFieldValue")),
        )
        for each in children(value_set, "valueSettings")
    )


def _relation(kind: str) -> Maker:
    def made(element: Element, name: str) -> FieldDef:
        flags = "CUN"
        if kind == "MasterDetail":
            flags = "CUM" if flag(element, "reparentableMasterDetail") else "CM"
        elif text(element, "deleteConstraint") == "Cascade":
            flags = "CUNM"
        relation = name.removesuffix("__c") + "__r"
        target = text(element, "referenceTo")
        return FieldDef(name, "reference", 18, flags, targets=(target,), relation=relation)

    return made


def _check_relation(element: Element, stage: Stage, owner: ObjectDef, kind: str) -> None:
    target = text(element, "referenceTo")
    if target not in stage.objects:
        raise Problem(f"referenceTo value of '{target}' does not resolve to a valid sObject type")
    if not text(element, "relationshipName"):
        raise Problem(f"Must specify 'relationshipName' for a CustomField of type {kind}")
    if kind == "MasterDetail":
        if not owner.name.endswith("__c"):
            raise Problem("A standard object cannot be the detail of a master")
        if flag(element, "required") or text(element, "deleteConstraint"):
            raise Problem("Can not specify 'required' or 'deleteConstraint' for MasterDetail")


def _auto_number(element: Element, name: str) -> FieldDef:
    if not text(element, "displayFormat"):
        raise Problem("Must specify 'displayFormat' for a CustomField of type AutoNumber")
    return FieldDef(name, "string", 30, "D" + _keys(element))


_MAKERS: dict[str, Maker] = {
    "Text": _text_field,
    "TextArea": _simple("textarea", 255),
    "LongTextArea": _area(2, html=False),
    "Html": _area(10, html=True),
    "Number": _digits("double"),
    "Currency": _digits("currency"),
    "Percent": _digits("percent"),
    "Checkbox": _checkbox,
    "Date": _simple("date", 0),
    "DateTime": _simple("datetime", 0),
    "Phone": _simple("phone", 40),
    "Url": _simple("url", 255),
    "Email": _simple("email", 80),
    "Picklist": _picklist("picklist", 255, _MOST_RESTRICTED),
    "MultiselectPicklist": _picklist("multipicklist", 4099, _MOST_SELECTABLE),
    "Lookup": _relation("Lookup"),
    "MasterDetail": _relation("MasterDetail"),
    "AutoNumber": _auto_number,
}
