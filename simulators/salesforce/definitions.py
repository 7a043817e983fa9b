"""What an object and a field are."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.tables import FIXED, NATURAL


@dataclass(frozen=True)
class FieldDef:
    """One field; `long` marks text that cannot be filtered, `scale` the decimals of a number."""

    name: str
    type: str
    length: int
    flags: str
    values: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    relation: str = ""
    long: bool = False
    scale: int = 0

    @property
    def external_id(self) -> bool:
        """True for a unique external id."""
        return "X" in self.flags

    @property
    def id_lookup(self) -> bool:
        """True where a record may be named by this field: in upserts and relationship columns."""
        return self.external_id or "I" in self.flags or self.name == "Id"

    @property
    def required(self) -> bool:
        """True when an insert must give it (facts, 5.5)."""
        return "C" in self.flags and not set("ND") & set(self.flags) and self.type != "boolean"


@dataclass
class ObjectDef:
    """One object: its id prefix and its fields by name."""

    name: str
    prefix: str
    fields: dict[str, FieldDef] = field(default_factory=dict)

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
        """Names of the unique external ids."""
        return tuple(name for name, each in self.fields.items() if each.external_id)

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
