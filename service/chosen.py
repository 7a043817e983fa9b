"""What is read of each stream when conversations were chosen by id: those, and what hangs on them.

A customer, company or conversation is read by its id; messages and notes by the list of each chosen
conversation, records of klasses by the list of each chosen customer that has some. That is a call or
more for each, so only a bounded number is chosen like that. Messages cannot be searched by conversation
(kustomer facts, section 5).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.move_plan import mapping_of, related_id
from service.narrowing import CHILDREN, CONVERSATION
from service.phases import Phase
from service.picking import Picked
from service.planner import Plan
from service.reread import Rereader
from service.source_pages import ids_slice, paths_slice
from transforms.schema.source import KOBJECT

WAY = "chosen"


async def chosen_plans(
    picked: Picked, streams: Sequence[Phase], source: Rereader, *, people: bool
) -> dict[str, Plan]:
    """Return the slices by stream.

    `people`: customers, companies and klasses are narrowed, too, to those of the conversations; the
    customers are read here for that, once. Raises the connectors' errors.
    """
    by_kind = {phase.kind: phase for phase in streams}
    conversations = sorted(picked.customers)
    slices = {CONVERSATION: ids_slice(by_kind[CONVERSATION].stream, conversations)}
    for kind in CHILDREN & by_kind.keys():
        stream = by_kind[kind].stream
        name = stream.path.rpartition("/")[2]
        paths = [f"{by_kind[CONVERSATION].stream.path}/{each}/{name}" for each in conversations]
        slices[kind] = paths_slice(stream, paths)
    if people:
        slices |= await _people(picked, by_kind, source)
    return {by_kind[kind].name: Plan([made], WAY) for kind, made in slices.items()}


async def _people(
    picked: Picked, by_kind: Mapping[str, Phase], source: Rereader
) -> dict[str, dict[str, Any]]:
    ids = sorted({each for each in picked.customers.values() if each})
    slices = {}
    records: Mapping[str, Mapping[str, Any]] = {}
    if "customer" in by_kind:
        records = await source.read(by_kind["customer"], ids)
        slices["customer"] = ids_slice(by_kind["customer"].stream, ids)
    if "company" in by_kind:
        companies = {related_id(each, "company") for each in records.values()}
        found = sorted(each for each in companies if each)
        slices["company"] = ids_slice(by_kind["company"].stream, found)
    for kind, phase in by_kind.items():
        if not kind.startswith(KOBJECT):
            continue
        klass = kind.removeprefix(KOBJECT)
        paths = [
            f"/v1/customers/{each}/klasses/{klass}"
            for each, record in sorted(records.items())
            if _may_have(record, klass)
        ]
        slices[kind] = paths_slice(phase.stream, paths)
    return slices


def _may_have(customer: Mapping[str, Any], klass: str) -> bool:
    """Whether a customer has records of a klass, by the links that it shows for those that it has.

    They are named by the klass in the plural (kustomer facts, 6.1); a customer that shows none at all may
    come from a reply without them, and is asked.
    """
    relations = mapping_of(customer.get("relationships"))
    shown = [
        name
        for name, each in relations.items()
        if mapping_of(mapping_of(each).get("meta")).get("kobject")
    ]
    return not shown or any(name.startswith(klass[:-1]) for name in shown)
