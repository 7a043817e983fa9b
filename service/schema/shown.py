"""A plan for people and for machines: the same facts as lines and as a document."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from service.schema.plan import PlannedSchema
from transforms.schema.fields import FieldSpec
from transforms.schema.plan import SchemaPlan

Line = tuple[str, str, str, str]
_SHOWN_VALUES = 8


def plan_lines(plan: SchemaPlan) -> list[Line]:
    """The differences by object: (object, `+` new or `~` changed, what, detail)."""
    order = {name: place for place, name in enumerate(_objects(plan))}
    return sorted(_lines(plan), key=lambda line: order[line[0]])


def plan_facts(planned: PlannedSchema) -> dict[str, Any]:
    """The plan as the published documents have it."""
    plan = planned.plan
    return {
        "org_id": planned.org_id,
        "edition": plan.edition,
        "folder": str(planned.folder),
        "new_objects": [each.name for each in plan.objects],
        "new_fields": [
            {"object": each.object, "field": each.spec.name, "detail": field_detail(each.spec)}
            for each in plan.fields
        ],
        "changed_fields": [
            {"object": each.object, "field": each.wanted.name, "detail": "; ".join(each.what)}
            for each in plan.changes
        ],
        "new_values": [
            {**asdict(each), "values": list(each.values), "closed": list(each.closed)}
            for each in plan.values
        ],
        "record_types": [
            {
                "object": each.object,
                "field": each.field,
                "record_types": list(each.record_types),
            }
            for each in plan.admitted
        ],
        "new_access": list(plan.new_access),
        "granted": len(plan.grants),
        "there": plan.there,
        "impossible": [asdict(each) for each in plan.impossible],
    }


def field_detail(spec: FieldSpec) -> str:
    """A field's form in few words: `Text(24), unique, external id`."""
    form: str = spec.type
    if spec.type in ("Text", "LongTextArea"):
        form += f"({spec.length:,})"
    elif spec.type == "Number":
        form += f"({spec.digits + spec.scale}, {spec.scale})"
    elif spec.reference_to:
        form += f" to {spec.reference_to}"
    elif spec.values:
        form += f" of {_listed(spec.values)}"
    marks = [
        mark for mark, on in (("unique", spec.unique), ("external id", spec.external_id)) if on
    ]
    return ", ".join([form, *marks])


def _objects(plan: SchemaPlan) -> list[str]:
    names = [each.name for each in plan.objects]
    for group in (plan.fields, plan.changes, plan.values, plan.admitted):
        names += [each.object for each in group]
    names += [place.partition(".")[0] for place in plan.new_access]
    return list(dict.fromkeys(names))


def _lines(plan: SchemaPlan) -> Iterator[Line]:
    for made in plan.objects:
        yield made.name, "+", "(the object)", f"{made.label} / {made.plural}"
    for each in plan.fields:
        yield each.object, "+", each.spec.name, field_detail(each.spec)
    for change in plan.changes:
        yield change.object, "~", change.wanted.name, "; ".join(change.what)
    for new in plan.values:
        where = f"value set {new.value_set}" if new.value_set else "its own values"
        closed = f"; closes: {_listed(new.closed)}" if new.closed else ""
        yield (
            new.object,
            "~",
            new.field,
            f"+ {_listed(new.values)} ({where}; all others stay){closed}",
        )
    for admitted in plan.admitted:
        names = ", ".join(admitted.record_types)
        yield admitted.object, "~", admitted.field, f"admitted by the record types {names}"
    made_now = {f"{each.object}.{each.spec.name}" for each in plan.fields}
    made_now |= {each.name for each in plan.objects}
    for place in plan.new_access:
        if place not in made_now:
            name, _, thing = place.partition(".")
            yield name, "~", thing or "(the object)", "opened to the running user"


def _listed(values: tuple[str, ...]) -> str:
    more = len(values) - _SHOWN_VALUES
    return ", ".join(values[:_SHOWN_VALUES]) + (f" and {more} more" if more > 0 else "")
