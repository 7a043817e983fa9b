"""What a map needs of the target's schema: read off its lines, before anyone asks the org."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from transforms.errors import MappingInvalid
from transforms.map_lines import CreateLine, FieldLine
from transforms.mapping import Mapping, TableLine
from transforms.schema.fields import FieldSpec
from transforms.schema.names import label, shortened

PERMISSION_SET = "Deskferry"
MADE_BY = "Made by Deskferry."
_ONLY_KNOWN = frozenset({"values", "constant", "picklist"})


@dataclass
class NeededObject:
    """One object as the map needs it.

    `label` and `plural` are empty unless the object itself is to be made. `fields` are to be made, by
    name; `filled` are all columns that are set on new records and `updated` those that are changed
    later, without those that may be absent. `values` are what the map writes into a field when only
    certain values can come; the target is asked which of these fields are picklists. `closed`: values
    of Status that close a record.
    """

    name: str
    label: str = ""
    plural: str = ""
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    @property
    def made(self) -> bool:
        """Whether the map makes the object itself."""
        return bool(self.label)

    @property
    def detail(self) -> bool:
        """Whether its records cannot exist without a master."""
        return any(spec.type == "MasterDetail" for spec in self.fields.values())


Needed = dict[str, NeededObject]


def needed_by(mapping: Mapping) -> Needed:
    """Collect what the phases that move need, by object, in the map's order.

    Raises `MappingInvalid` when two tables make one field in two ways.
    """
    found: Needed = {}
    faults: list[str] = []
    for name, line in mapping.phases.items():
        if not line.move or (line.of is not None and not mapping.phases[line.of].move):
            continue
        for object_name, table in line.tables.items():
            needed = found.setdefault(object_name, NeededObject(object_name))
            faults += [f"{name}: {fault}" for fault in _add(needed, table, line.operation)]
    if faults:
        raise MappingInvalid(faults)
    return found


def _add(needed: NeededObject, table: TableLine, operation: str) -> Iterator[str]:
    if table.object is not None:
        needed.label, needed.plural = table.object.label, table.object.plural
    needed.closed |= frozenset(table.closed)
    for name, line in table.create.items():
        spec = _spec(needed.name, name, line)
        if needed.fields.setdefault(name, spec) != spec:
            yield f"{needed.name}.{name} is made in another way by another phase."
    columns = needed.updated if operation == "update" else needed.filled
    columns |= set(_columns(table)) - {"Id"}
    for name, field_line in table.fields.items():
        values = tuple(dict.fromkeys((*needed.values.get(name, ()), *_values(field_line))))
        if values:
            needed.values[name] = values


def _columns(table: TableLine) -> Iterator[str]:
    for name, line in table.fields.items():
        if not line.optional:
            yield name
    yield from table.beside()
    for parent in table.parents.values():
        if not parent.optional:
            yield from parent.columns.values()
    yield from table.create


def _values(line: FieldLine) -> Iterable[str]:
    """The values that can come when they are listed in the map; nothing for what is open."""
    if line.convert not in _ONLY_KNOWN and not line.values:
        return ()
    listed = [value for value in line.values.values() if value]
    return [*listed, line.default] if line.default else listed


def _spec(object_name: str, name: str, line: CreateLine) -> FieldSpec:
    stem = name.removesuffix("__c")
    child = object_name.removesuffix("__c")
    reference = line.type in ("Lookup", "MasterDetail")
    return FieldSpec(
        name=name,
        label=line.label or label(stem.replace("_", " ")),
        type=line.type,
        length=line.length,
        digits=line.digits,
        scale=line.scale,
        values=tuple(line.values),
        # A closed list lets no slip of the map pass; the map itself names every value.
        restricted=line.restricted and line.type in ("Picklist", "MultiselectPicklist"),
        reference_to=line.reference_to,
        relationship=shortened(f"{stem}_{child}") if reference else "",
        unique=line.unique,
        external_id=line.external_id,
        required=line.type == "MasterDetail",
        description=MADE_BY,
    )
