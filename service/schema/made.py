"""What we made in the org's schema, remembered before it is made, for the plan of its removal."""

import orjson

from connectors.salesforce.deploy import Deployment
from state.ledger import Ledger
from transforms.schema.needed import PERMISSION_SET
from transforms.schema.plan import SchemaPlan
from transforms.schema.source_files import Made

_FACT = "schema.made"
KINDS = ("CustomField", "CustomObject", "PermissionSet")


async def made_so_far(ledger: Ledger) -> Made:
    """What earlier deployments made or were about to make."""
    said = await ledger.facts.get(_FACT)
    return Made(**orjson.loads(said)) if said else Made()


async def note_made(ledger: Ledger, plan: SchemaPlan, check: Deployment) -> Made:
    """Remember what the deployment that was checked will make; durable before it is begun.

    Only what the check calls new is ours: a field that was there and not visible is somebody else's.
    Returns what was remembered before.
    """
    earlier = await made_so_far(ledger)
    made = with_plan(await made_so_far(ledger), plan)
    old = {each.name for each in check.successes if not each.created}
    for kind, names in made.components.items():
        known = earlier.components.get(kind, [])
        made.components[kind] = [each for each in names if each in known or each not in old]
    await remember_made(ledger, made)
    return earlier


async def remember_made(ledger: Ledger, made: Made) -> None:
    """Remember this, and nothing else; for a deployment that Salesforce took back as a whole."""
    said = orjson.dumps({"components": made.components, "values": made.values}).decode()
    async with ledger.write() as tx:
        await ledger.facts.set(tx, _FACT, said)


def with_plan(made: Made, plan: SchemaPlan) -> Made:
    """What was made, and what the plan would make beside it."""
    for new in plan.objects:
        made.add("CustomObject", new.name)
    for each in plan.fields:
        made.add("CustomField", f"{each.object}.{each.spec.name}")
    for values in plan.values:
        if values.value_set is not None:
            names = made.values.setdefault(values.value_set, [])
            names += [each for each in values.values if each not in names]
    if not plan.empty:
        made.add("PermissionSet", PERMISSION_SET)
    return made
