"""Record bodies of REST: parents as nested objects, both ways (facts, 3.6)."""

from collections.abc import Mapping
from typing import Any

from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.schema import ObjectDef


def values_of(definition: ObjectDef, body: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a record's body by column: a nested parent becomes the column that names it
    by its key. Raises `BadValue` for a nested object that names none.
    """
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name == "attributes":
            continue
        known = definition.by_relation(name) if isinstance(value, dict) else None
        if known is None:
            values["Id" if name.lower() == "id" else name] = value
            continue
        keys = [key for key in value if key != "attributes"]
        if len(keys) != 1:
            message = f"A reference by '{name}' needs exactly one field that names the record"
            raise BadValue("INVALID_FIELD", message, known.name)
        attributes = value.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, dict) else None
        prefix = f"{kind}:" if kind and len(known.targets) > 1 else ""
        values[f"{prefix}{name}.{keys[0]}"] = value[keys[0]]
    return values


def attributes(base: str, name: str, record_id: Any) -> dict[str, Any]:
    """What marks a record in an answer."""
    if not record_id:
        return {"type": name}
    return {"type": name, "url": f"{base}/sobjects/{name}/{record_id}"}


def nested(row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    """Parent fields of a query's row as nested objects; a parent that is not there is null."""
    absent = sorted(row.keys() - set(columns), key=len, reverse=True)
    made: dict[str, Any] = {}
    for path in [*columns, *absent]:
        *relations, field = path.split(".")
        inner = made
        for relation in relations:
            inner = inner.setdefault(relation, {})
        inner[field] = row[path]
    return made
