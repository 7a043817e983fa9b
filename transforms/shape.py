"""What the target looks like, as far as a map needs to know. Built from its describe."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldShape:
    """One field; `length` in characters (0 where none applies), `picklist` its active values.

    `digits` before the point and `scale` behind it are those of a number. A dependent picklist has a
    `controller`, and in `valid_for` the controlling values that each of its values goes with (`true`
    and `false` of a checkbox).
    """

    name: str
    type: str
    length: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    restricted: bool = False
    picklist: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    unique: bool = False
    external_id: bool = False
    label: str = ""
    digits: int = 0
    scale: int = 0
    custom: bool = False
    controller: str = ""
    valid_for: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def required(self) -> bool:
        """True when an insert without it fails (salesforce facts, 5.5)."""
        can_be_absent = self.nillable or self.defaulted_on_create or self.type == "boolean"
        return self.createable and not can_be_absent


@dataclass(frozen=True)
class ObjectShape:
    """One object with the fields that the running user can see."""

    name: str
    fields: Mapping[str, FieldShape]


TargetShape = Mapping[str, ObjectShape]
