"""Confirming a map, and refusing to move a record by one that is not confirmed.

A confirmation is for a map, a source schema and a target schema. Any change of the three voids it. A
map that a version without confirmations has put in force counts as confirmed by that.
"""

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

import orjson

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from service.compose import open_kustomer, open_salesforce
from service.config import Config
from service.declared import phases_of
from service.errors import REFUSED, DeskferryError
from service.identity import check_identity
from service.ledger import open_ledger
from service.map_facts import Facts, differences, map_digest, source_facts, target_facts
from service.map_functions import FACTS, Functions, digests_of, load_functions
from service.mapped import (
    MAPPING_FILE,
    default_mapping,
    default_owner,
    map_text,
    parsed,
    read_shape,
    text_digest,
)
from service.sampling import Sample, take_sample
from service.source_schema import read_source_schema
from state.confirmations import Confirmation
from state.ledger import Ledger
from transforms.compile import compile_mapping
from transforms.errors import MappingDoesNotFit
from transforms.map_diff import changes
from transforms.mapping import Mapping, located, parse_mapping
from transforms.planned import planned
from transforms.schema.source import SourceSchema
from transforms.shape import TargetShape
from transforms.totality import Unmapped, kinds_to_look_at, unmapped_values

_HOW = "Look at it with deskferry map show, then run deskferry map confirm --by YOUR-NAME."
_AGAIN = (
    "Put it back, or look at it with deskferry map diff and map show, then run deskferry map confirm "
    "--by YOUR-NAME."
)
_MOST = 12


class MapUnconfirmed(DeskferryError):
    """Nobody has confirmed the map yet."""

    code = "map-unconfirmed"
    exit_code = REFUSED


class MapChanged(DeskferryError):
    """The map, the source schema or the target schema is not the one that was confirmed."""

    code = "map-changed"
    exit_code = REFUSED


@dataclass(frozen=True)
class Confirmed:
    """A new confirmation: who and when (epoch seconds), and what it covers."""

    by: str
    at: float
    phases: int
    lines: int
    to_make: int


async def confirm_map(config: Config, clock: Clock, *, by: str) -> Confirmed:
    """Confirm the workspace's map for both orgs as they are now; durable when this returns.

    Raises `MappingInvalid`, `MappingDoesNotFit` and `PhasesCircular` with every fault and its line,
    `WrongOrg` and `StateDisagrees`, and the connectors' errors.
    """
    async with (
        open_ledger(config, clock.now) as ledger,
        open_kustomer(config, clock) as kustomer,
        open_salesforce(config, clock) as salesforce,
    ):
        await check_identity(config, ledger, kustomer, salesforce)
        text = map_text(config)
        mapping = parsed(text)
        phases = phases_of(mapping)
        schema = await read_source_schema(kustomer)
        shape = await read_shape(mapping, salesforce)
        sample = await _sample(kustomer, schema, mapping)
        functions = load_functions(config, mapping)
        await _refuse_faults(config, salesforce, text, shape, schema, sample, functions)
        async with ledger.write() as tx:
            await ledger.confirmations.confirm(
                tx,
                digest=map_digest(mapping, functions.digests),
                text=text,
                source=_json(source_facts(schema) | function_facts(functions.digests)),
                target=_json(target_facts(mapping, shape)),
                by=by,
            )
        tables = [table for line in mapping.phases.values() for table in line.tables.values()]
        lines = sum(len(table.fields) + len(table.parents) for table in tables)
        to_make = sum(len(table.create) for table in tables)
        return Confirmed(by, clock.now(), len(phases), lines, to_make)


async def _sample(kustomer: KustomerClient, schema: SourceSchema, mapping: Mapping) -> Sample:
    """Read records only of kinds whose value maps must be total."""
    kinds = kinds_to_look_at(mapping)
    wanted = {name: kind for name, kind in schema.kinds.items() if name in kinds}
    return await take_sample(kustomer, SourceSchema(wanted)) if wanted else Sample()


async def _refuse_faults(
    config: Config,
    salesforce: SalesforceClient,
    text: str,
    shape: TargetShape,
    schema: SourceSchema,
    sample: Sample,
    functions: Functions,
) -> None:
    """Raise `MappingDoesNotFit` with all faults by line: fields, values, required ones, totality."""
    mapping = parsed(text)
    faults, places = [], []
    owner = await default_owner(config, salesforce)
    try:
        compile_mapping(mapping, planned(mapping, shape), functions.settings(owner))
    except MappingDoesNotFit as error:
        faults, places = error.faults, error.places
    for each in unmapped_values(mapping, schema, sample.profiles):
        faults.append(_totality(each))
        places.append(each.place)
    if faults:
        raise MappingDoesNotFit(located(text, MAPPING_FILE, faults, places))


def _totality(each: Unmapped) -> str:
    named = [repr(value) if value else "records without a value" for value in each.values]
    if each.open:
        named.append("values too many to list")
    shown = ", ".join(named[:5])
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return (
        f"{each.place[-1]} has no target for {shown}{more} of {each.source}; add them to its values, "
        "or give it a default."
    )


async def refuse_unconfirmed(
    config: Config, ledger: Ledger, kustomer: KustomerClient, salesforce: SalesforceClient
) -> None:
    """Raise `MapUnconfirmed` or `MapChanged`, which says what is not as it was confirmed.

    Raises `MappingInvalid` for a file with faults.
    Costs a request for each kind and klass, and a describe of each object.
    """
    text = map_text(config)
    mapping = parsed(text)  # a file with faults is said to be one
    known = await ledger.confirmations.latest()
    if known is None:
        await _refuse_without(ledger, text)
        return
    told = map_changes(known, mapping, digests_of(config, mapping))
    schema = await read_source_schema(kustomer)
    before = {name: each for name, each in orjson.loads(known.source).items() if name != FACTS}
    told += [f"Kustomer: {each}" for each in differences(before, source_facts(schema))]
    shape = await read_shape(mapping, salesforce)
    confirmed = parse_mapping(known.text, MAPPING_FILE)
    # By the confirmed map: what only the changed one uses is no news of the org.
    told += [
        f"Salesforce: {each}"
        for each in differences(orjson.loads(known.target), target_facts(confirmed, shape))
    ]
    if told:
        more = f"; and {len(told) - _MOST} more" if len(told) > _MOST else ""
        raise MapChanged(
            f"Not as {known.confirmed_by} confirmed it: {'; '.join(told[:_MOST])}{more}.",
            next_step=_AGAIN,
        )


async def _refuse_without(ledger: Ledger, text: str) -> None:
    """Nobody confirmed anything: only the default map as it is shipped is good, or one in force.

    A person's word is asked for what was proposed or edited. (An earlier version put maps in force
    without.)
    """
    in_force = await ledger.maps.current()
    if in_force is None:
        if text == default_mapping():
            return
        raise MapUnconfirmed(f"{MAPPING_FILE} is not confirmed yet.", next_step=_HOW)
    if in_force.digest != text_digest(text):
        raise MapChanged(
            f"{MAPPING_FILE} is not the one that was accepted for this migration.",
            next_step=_AGAIN,
        )


def map_changes(
    known: Confirmation, mapping: Mapping, functions: AnyMapping[str, str]
) -> list[str]:
    """Say which lines of the map, and which of its functions, differ from what was confirmed."""
    if known.digest == map_digest(mapping, functions):
        return []
    old = parse_mapping(known.text, MAPPING_FILE)
    edited = edited_functions(known, functions)
    return [
        *(
            f"{'.'.join(each.path[1:] or each.path)} was {each.kind}"
            for each in changes(old, mapping)
        ),
        *(f"python:{name} was changed" for name in edited),
    ]


def edited_functions(known: Confirmation, functions: AnyMapping[str, str]) -> list[str]:
    """The functions that a confirmation covers and of which the source is another one now, or gone."""
    before = orjson.loads(known.source).get(FACTS, {})
    return [name for name, told in before.items() if told.get("source") != functions.get(name)]


def function_facts(digests: AnyMapping[str, str]) -> Facts:
    """What a confirmation keeps of a map's own functions."""
    return {FACTS: {name: {"source": each} for name, each in digests.items()}} if digests else {}


def _json(facts: object) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()
