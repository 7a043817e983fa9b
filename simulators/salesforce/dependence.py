"""Dependent picklists: pairs of values that do not go together (facts, 5.5).

The facts leave open whether the API looks at them: not on ordinary picklists, perhaps on restricted
ones. So a stand-in takes every pair unless it is told to refuse them on restricted picklists.
"""

from typing import Any

from simulators.salesforce.definitions import ObjectDef
from simulators.salesforce.outcomes import BadValue


def refuse_pairs(definition: ObjectDef, record: dict[str, Any], changed: dict[str, Any]) -> None:
    """Raise `BadValue` for a dependent value that its controlling value does not allow.

    `record` is as it would be stored; fields that are not `changed`, nor depend on any, stay as they are.
    """
    for field in definition.dependent:
        value = record.get(field.name)
        if not value or changed.keys().isdisjoint((field.name, field.controller)):
            continue
        controlling = record.get(field.controller)
        if isinstance(controlling, bool):
            controlling = "true" if controlling else "false"
        allowed = dict(field.valid_for)
        if any(controlling not in allowed.get(each, ()) for each in str(value).split(";")):
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            message = f"bad value for restricted picklist field: {value}"
            raise BadValue(code, message, field.name)
