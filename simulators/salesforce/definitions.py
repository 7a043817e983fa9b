"""What an object and a field are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.tables import FIXED, NATURAL


@dataclass(frozen=True)
class FieldDef:
    """One field; `long` marks text that cannot be filtered, `scale` the decimals of a number.

    `deployed` fields came through the Metadata API and are seen only by those who were granted
    them (facts, 8.2). `valid_for`: for each value of a dependent picklist, the values of
    `controller` that it goes with. `unused` values are inactive. `precision` 0: any.
    """

    name: str
    type: str
    length: int
    flags: str
    values: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    relation: str = ""
    long: bool = False
    scale: int = 0
    precision: int = 0
    label: str = ""
    deployed: bool = False
    controller: str = ""
    valid_for: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unused: tuple[str, ...] = ()
    html: bool = False
    case_sensitive: bool = False

    @property
    def external_id(self) -> bool:
        """True for an external id, unique or not."""
        return "X" in self.flags or "E" in self.flags

    @property
    def unique(self) -> bool:
        """True when no two records may have one value."""
        return "X" in self.flags or "Q" in self.flags

    @property
    def id_lookup(self) -> bool:
        """True where a record may be named by this field: in upserts and relationship columns."""
        return self.external_id or "I" in self.flags or self.name == "Id"

    @property
    def needs_grant(self) -> bool:
        """True when the field is there only for users to whom a permission set shows it."""
        return self.deployed and not self.required and "M" not in self.flags

    def read_only(self) -> "FieldDef":
        """The field as users see it who may not change it."""
        return replace(self, flags=self.flags.replace("C", "").replace("U", ""))

    @property
    def required(self) -> bool:
        """True when an insert must give it (facts, 5.5)."""
        return "C" in self.flags and not set("ND") & set(self.flags) and self.type != "boolean"


@dataclass(frozen=True)
class RecordType:
    """A record type: the values that it offers, by picklist."""

    name: str
    label: str
    id: str
    active: bool = True
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass
class ObjectDef:
    """One object: its id prefix, the fields that the running user sees, and all that are `known`.

    `sources`: the XML of what was deployed into it, by type and name, for who reads it back.
    """

    name: str
    prefix: str
    fields: dict[str, FieldDef] = field(default_factory=dict)
    known: dict[str, FieldDef] = field(default_factory=dict)
    label: str = ""
    plural: str = ""
    deployed: bool = False
    record_types: dict[str, RecordType] = field(default_factory=dict)
    sources: dict[tuple[str, str], str] = field(default_factory=dict)

    def show(self, granted: Mapping[str, bool]) -> None:
        """Show the fields that need no grant, and those of `granted` (`Case.X`: may be changed)."""
        self.fields = {}
        for name, each in self.known.items():
            if not each.needs_grant:
                self.fields[name] = each
            elif (editable := granted.get(f"{self.name}.{name}")) is not None:
                self.fields[name] = each if editable else each.read_only()
        for name, kind in vars(ObjectDef).items():
            if isinstance(kind, cached_property):
                self.__dict__.pop(name, None)

    def take(self, other: "ObjectDef") -> None:
        """Become what `other` is; `show` comes next."""
        self.known, self.record_types = other.known, other.record_types
        self.label, self.plural = other.label, other.plural
        self.sources = other.sources

    @cached_property
    def _lower(self) -> dict[str, FieldDef]:
        return {name.lower(): each for name, each in self.fields.items()}

    @cached_property
    def _relations(self) -> dict[str, FieldDef]:
        return {each.relation.lower(): each for each in self.fields.values() if each.relation}

    def by_lower(self) -> dict[str, FieldDef]:
        """Fields by lower-case name: the API takes names in any case."""
        return self._lower

    def by_relation(self, name: str) -> FieldDef | None:
        """The reference field behind a relationship name in any case."""
        return self._relations.get(name.lower())

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """Names of the fields that are unique."""
        return tuple(name for name, each in self.fields.items() if each.unique)

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Names of the references by which children are found from their parent."""
        return tuple(n for n, each in self.fields.items() if "M" in each.flags or n == "ParentId")

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names of the fields that an insert must give."""
        return tuple(name for name, each in self.fields.items() if each.required)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What an insert starts from: check boxes are never empty."""
        return {name: False for name, each in self.fields.items() if each.type == "boolean"}

    @cached_property
    def dependent(self) -> tuple[FieldDef, ...]:
        """The restricted picklists that depend on another field."""
        return tuple(e for e in self.fields.values() if e.controller and "R" in e.flags)

    @property
    def fixed(self) -> tuple[str, ...]:
        """What the API cannot do with the object: insert, update, delete."""
        return FIXED.get(self.name, ())

    @cached_property
    def owned(self) -> bool:
        """Whether its records belong to somebody."""
        return "OwnerId" in self.fields

    def allow(self, operation: str) -> None:
        """Raise `BadValue` where the API cannot do this with any record of the object."""
        if operation in self.fixed:
            if operation == "delete":
                raise BadValue("DELETE_FAILED", f"entity type cannot be deleted: {self.name}")
            code = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
            raise BadValue(code, f"entity type cannot be {operation}ed: {self.name}")

    @cached_property
    def natural(self) -> tuple[str, ...]:
        """The fields that together occur once, where an object has no key of its own."""
        return NATURAL.get(self.name, ())
