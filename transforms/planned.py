"""The target as it will be once all that a map makes was deployed. Pure."""

from collections.abc import Mapping as AnyMapping
from dataclasses import replace

from transforms.map_lines import CreateLine
from transforms.mapping import Mapping, TableLine
from transforms.shape import FieldShape, ObjectShape, TargetShape

# The type that a describe tells of a field that was made (salesforce facts, 5.5 and 8.2).
_DESCRIBED = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Number": "double",
    "Currency": "currency",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255}
# What every custom object has from the start, as far as a row can set it.
_BORN_WITH = (
    FieldShape("Id", "id", length=18, createable=False, updateable=False, nillable=False),
    FieldShape("Name", "string", length=80, defaulted_on_create=True),
    FieldShape(
        "OwnerId",
        "reference",
        length=18,
        reference_to=("Group", "User"),
        nillable=False,
        defaulted_on_create=True,
    ),
)


def planned(mapping: Mapping, shape: TargetShape) -> TargetShape:
    """Return the shape with the objects, fields and picklist values that the map makes.

    What the org has already stays as it is: a field is not changed by its `create` line.
    """
    found = dict(shape)
    for line in mapping.phases.values():
        for name, table in line.tables.items():
            there = found.get(name)
            if there is None and table.object is not None:
                there = ObjectShape(name, {each.name: each for each in _BORN_WITH})
            if there is not None:
                found[name] = ObjectShape(name, _with_values(table, _with_fields(table, there)))
    return found


def _with_fields(table: TableLine, there: ObjectShape) -> dict[str, FieldShape]:
    made = {name: field_of(name, line) for name, line in table.create.items()}
    return {**made, **there.fields}


def field_of(name: str, line: CreateLine) -> FieldShape:
    """A field as a describe would show it after it was made."""
    return FieldShape(
        name=name,
        type=_DESCRIBED[line.type],
        length=line.length or _LENGTHS.get(line.type, 0),
        nillable=line.type not in ("Checkbox", "MasterDetail"),
        defaulted_on_create=line.type == "Checkbox",
        restricted=False,
        picklist=tuple(line.values),
        reference_to=(line.reference_to,) if line.reference_to else (),
        unique=line.unique,
        external_id=line.external_id,
        label=line.label,
        digits=line.digits,
        scale=line.scale,
        custom=True,
    )


def _with_values(table: TableLine, fields: AnyMapping[str, FieldShape]) -> dict[str, FieldShape]:
    """Deploying adds the values that a line names to the picklist that it fills."""
    found = dict(fields)
    for name, line in table.fields.items():
        field = found.get(name)
        if field is not None and field.type in ("picklist", "multipicklist"):
            named = [v for v in (*line.values.values(), line.default) if v]
            offered = tuple(dict.fromkeys([*field.picklist, *named]))
            found[name] = replace(field, picklist=offered)
    return found
