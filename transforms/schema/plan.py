"""The difference between what a map needs and what the org has: a plan that someone can read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from transforms.schema.differences import (
    Admitted,
    Change,
    Differences,
    NewField,
    NewValues,
    compare,
)
from transforms.schema.limits import Impossible, org_faults
from transforms.schema.needed import Needed, NeededObject
from transforms.schema.org import MASTER_VALUE_SETS, Org, OrgObject

__all__ = ["Admitted", "Change", "NewField", "NewValues", "SchemaPlan", "make_plan", "whole_plan"]

# Who may read a record must be able to read what it hangs on, or no set is taken (facts, 8.2).
_READ_WITH = {"Contact": ("Account",), "Case": ("Account", "Contact")}


@dataclass(frozen=True)
class SchemaPlan:
    """What a deployment would do. `grants`, `open_objects` and `read_objects` (masters that
    are not ours) are the whole permission set.

    `new_access` are the fields of it that the running user does not see or cannot write now. `there`
    counts what needs nothing. `impossible` keeps all of it from being sent.
    """

    edition: str
    objects: tuple[NeededObject, ...] = ()
    fields: tuple[NewField, ...] = ()
    changes: tuple[Change, ...] = ()
    values: tuple[NewValues, ...] = ()
    admitted: tuple[Admitted, ...] = ()
    grants: tuple[str, ...] = ()
    open_objects: tuple[NeededObject, ...] = ()
    read_objects: tuple[str, ...] = ()
    new_access: tuple[str, ...] = ()
    there: int = 0
    impossible: tuple[Impossible, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the org has all that the map needs, visible and writable."""
        return not (self.objects or self.fields or self.changes or self.values or self.new_access)


def make_plan(needed: Needed, org: Org) -> SchemaPlan:
    """Compare; sends and asks nothing. All that is impossible is told at once."""
    draft = Differences()
    for each in needed.values():
        compare(each, org, draft)
    new_objects = tuple(
        each for each in needed.values() if each.made and each.name not in org.objects
    )
    draft.impossible += org_faults(org, [each.name for each in new_objects])
    return SchemaPlan(
        edition=org.edition,
        objects=new_objects,
        fields=tuple(draft.fields),
        changes=tuple(draft.changes),
        values=tuple(draft.values),
        admitted=tuple(draft.admitted),
        grants=tuple(_grants(needed)),
        open_objects=tuple(each for each in needed.values() if each.made),
        read_objects=tuple(_masters(needed)),
        new_access=tuple(draft.new_access),
        there=draft.there,
        impossible=tuple(draft.impossible),
    )


def _grants(needed: Needed) -> Iterator[str]:
    """Every custom field that the map fills; a required one may not be listed and needs no grant."""
    for each in needed.values():
        for name in sorted(each.filled | each.updated):
            spec = each.fields.get(name)
            if name.endswith("__c") and not (spec and spec.required):
                yield f"{each.name}.{name}"


def _masters(needed: Needed) -> Iterator[str]:
    """Standard objects that are masters of ours, with those that one must be able to read as well."""
    specs = [spec for each in needed.values() for spec in each.fields.values()]
    masters = dict.fromkeys(s.reference_to for s in specs if s.type == "MasterDetail")
    read = {name: None for m in masters for name in (m, *_READ_WITH.get(m, ()))}
    yield from (name for name in read if not (name in needed and needed[name].made))


def whole_plan(plan: SchemaPlan, needed: Needed, org: Org) -> SchemaPlan:
    """The plan for an org that has nothing of it yet: all that the map needs, to read and keep."""
    values = []
    for each in needed.values():
        there = org.objects.get(each.name, OrgObject(each.name))
        for name, wanted in each.values.items():
            value_set = MASTER_VALUE_SETS.get((each.name, name))
            if value_set is not None and name in there.fields:
                closed = tuple(v for v in wanted if name == "Status" and v in each.closed)
                values.append(NewValues(each.name, name, value_set, wanted, closed))
    return replace(
        plan,
        objects=tuple(each for each in needed.values() if each.made),
        fields=tuple(
            NewField(each.name, spec) for each in needed.values() for spec in each.fields.values()
        ),
        changes=(),
        values=tuple(values),
    )
