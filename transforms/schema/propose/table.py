"""What one table of the map uses already, and what is free for more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from transforms.mapping import Mapping as MapFile
from transforms.mapping import TableLine
from transforms.schema.propose.org import Org
from transforms.schema.source import SourceAttribute, SourceKind, read_attribute
from transforms.shape import FieldShape, ObjectShape

# Fields that the platform or its people give a meaning of their own: nothing else goes there.
_NOT_OURS = frozenset(
    [
        "Status",
        "IsConverted",
        "IsUnreadByOwner",
        "CreatedDate",
        "LastModifiedDate",
        "EmailBouncedDate",
        "EmailBouncedReason",
        "IndividualId",
        "CleanStatus",
        "Jigsaw",
        "OwnerId",
        "RecordTypeId",
        "Name",
    ]
)
_CUSTOM = "attributes.custom."
UNFIT = "Kustomer_Unfit__c"
"""The field for values that do not fit theirs, where the map names no other."""


@dataclass(frozen=True)
class Place:
    """One table: the phase, the object, what the map has there, and what the org has."""

    phase: str
    object: str
    shape: ObjectShape | None
    used: frozenset[str]
    columns: frozenset[str]
    unfit: str | None = None

    @property
    def keeps_custom(self) -> bool:
        """Whether some line keeps all custom attributes as they are."""
        return _CUSTOM[:-1] in self.used

    def free(self) -> list[FieldShape]:
        """The fields that nothing fills yet and that we may set."""
        fields: Mapping[str, FieldShape] = self.shape.fields if self.shape else {}
        return [
            each
            for name, each in sorted(fields.items())
            if each.createable and name not in self.columns and name not in {*_NOT_OURS, UNFIT}
        ]

    def taken(self) -> list[str]:
        """All names of fields that a new one cannot have."""
        return sorted({*(self.shape.fields if self.shape else ()), *self.columns, UNFIT})


def places(kind: str, mapping: MapFile, org: Org) -> list[Place]:
    """The tables that the records of a kind go to, and what of each record goes anywhere."""
    found = []
    phases = {n: line for n, line in mapping.phases.items() if line.kind == kind and not line.match}
    for phase, line in phases.items():
        fed = [each for each in mapping.phases.values() if each.of == phase]
        for name, table in line.tables.items():
            tables = [table, *(each.tables[name] for each in fed if name in each.tables)]
            lists = {t.each for each in fed for t in each.tables.values() if t.each}
            used = {path for each in tables for path in _paths(each)} | lists
            columns = {column for each in tables for column in _columns(each)}
            found.append(
                Place(
                    phase,
                    name,
                    org.shapes.get(name),
                    frozenset(used),
                    frozenset(columns),
                    table.unfit,
                )
            )
    return found


def _paths(table: TableLine) -> Iterable[str]:
    yield from table.leave_out
    for line in table.fields.values():
        yield from line.source
    for parent in table.parents.values():
        yield from parent.source


def _columns(table: TableLine) -> Iterable[str]:
    yield from table.fields
    yield from table.create
    yield from table.beside()
    for parent in table.parents.values():
        yield from parent.columns.values()


def attributes_of(kind: SourceKind, org: Org) -> list[SourceAttribute]:
    """All attributes worth a field: known ones, and those that only records have.

    One that was deleted in Kustomer and that no record read has any more is left out.
    """
    seen = org.profiles.get(kind.name, {})
    unknown = [read_attribute(name, {}) for name in sorted(seen) if name not in kind.attributes]
    return [
        each
        for each in [*kind.attributes.values(), *unknown]
        if not (each.deleted and not org.profile(kind.name, each.name).filled)
    ]
