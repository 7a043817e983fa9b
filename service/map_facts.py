"""The facts about both schemas that a confirmed map rests on, and how they differ from then.

They are plain values, kept as JSON beside the confirmation. Of the target only what the map uses is
there, as it will be once the map's own fields were made: deploying them voids no confirmation.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from transforms.map_diff import meaning
from transforms.mapping import Mapping as MapFile
from transforms.mapping import TableLine
from transforms.planned import planned
from transforms.schema.source import SourceSchema
from transforms.shape import FieldShape, TargetShape

Facts = dict[str, dict[str, dict[str, Any]]]
_SIZED = frozenset({"string", "textarea", "email", "url", "phone", "encryptedstring"})
_NUMBERS = frozenset({"double", "currency", "percent"})
# Whether these can be set is the org's setting for all objects; a new one has none until it is made.
_AUDIT = frozenset({"CreatedDate", "CreatedById"})
_NOT_THERE = {"there": False}


def map_digest(mapping: MapFile, functions: Mapping[str, str] | None = None) -> str:
    """A digest of what a map does: comments, layout, reasons and confidence are not part of it.

    `functions`: digests of the sources of its own functions; an edited one makes another map.
    """
    told = orjson.dumps(meaning(mapping), option=orjson.OPT_SORT_KEYS)
    if functions:
        told += orjson.dumps(functions, option=orjson.OPT_SORT_KEYS)
    return sha256(told).hexdigest()


def source_facts(schema: SourceSchema) -> Facts:
    """Kinds with their attributes: types, lists, targets, enumerations, masking."""
    return {
        name: {
            "": {"status": kind.status},
            **{
                each.name: {
                    "type": each.type,
                    "several": each.several,
                    "target": each.target,
                    "values": list(each.values),
                    "sensitive": each.sensitive,
                    "deleted": each.deleted,
                }
                for each in kind.attributes.values()
            },
        }
        for name, kind in schema.kinds.items()
    }


def target_facts(mapping: MapFile, shape: TargetShape) -> Facts:
    """Objects with the fields that the map fills, and those that an insert needs."""
    wanted = planned(mapping, shape)
    found: Facts = {}
    for line in mapping.phases.values():
        for name, table in line.tables.items():
            there = wanted.get(name)
            if there is None:
                found[name] = {"": dict(_NOT_THERE)}
                continue
            fields = found.setdefault(name, {"": {"there": True}})
            needed = {each.name for each in there.fields.values() if each.required}
            for column in sorted({*_columns(table), *needed}):
                field = there.fields.get(column)
                fields[column] = _facts(field) if field else dict(_NOT_THERE)
    return found


def _columns(table: TableLine) -> set[str]:
    return set(_named(table)) - (_AUDIT if table.object else frozenset())


def _named(table: TableLine) -> Iterator[str]:
    yield from table.fields
    yield from table.beside()
    for parent in table.parents.values():
        yield from (column for column in parent.columns.values() if column != "Id")
        yield from (column for some in parent.supplied.values() for column in some)


def _facts(field: FieldShape) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": field.type,
        "settable": field.createable,
        "required": field.required,
        "unique": field.unique,
    }
    if field.type in _SIZED:
        told["length"] = field.length
    if field.type in _NUMBERS:
        told |= {"digits": field.digits, "scale": field.scale}
    if field.reference_to:
        told["refers to"] = sorted(field.reference_to)
    if field.type in ("picklist", "multipicklist"):
        told["values"] = sorted(field.picklist)
    if field.controller:
        told["depends on"] = field.controller
        told["pairs"] = sorted(f"{v} / {each}" for v, goes in field.valid_for for each in goes)
    return told


def differences(before: Facts, now: Facts) -> list[str]:
    """Say what differs, a short sentence for each attribute or field, in the order of names."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            found.append(f"{name} is {'new' if old is None else 'gone'}")
            continue
        for each in sorted({*old, *new}):
            if old.get(each) != new.get(each):
                found += _difference(f"{name}.{each}".rstrip("."), old.get(each), new.get(each))
    return found


def _difference(
    name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[str]:
    if old in (None, _NOT_THERE) or new in (None, _NOT_THERE):
        yield f"{name} is {'new' if old in (None, _NOT_THERE) else 'gone'}"
        return
    assert old is not None
    assert new is not None
    for key in [k for k in dict.fromkeys([*old, *new]) if old.get(k) != new.get(k)]:
        if key == "values":
            yield f"{name} has other values ({_count(old, key)} before, {_count(new, key)} now)"
        elif key == "pairs":
            yield f"{name} goes with other values of what it depends on"
        else:
            yield f"{name}: {key} was {_said(old.get(key))}, is {_said(new.get(key))}"


def _count(facts: Mapping[str, Any], key: str) -> int:
    return len(facts.get(key) or ())


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " or ".join(map(str, value))
    return "nothing" if value is None else str(value)
