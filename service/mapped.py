"""Brings the mapping file and the target's describe together, and notes which map is in force.

Only a confirmed map comes here (`service/confirm.py`). `migrate` and `retry` accept it: rows that are
made from then on are made by it.
"""

import os
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from connectors.errors import NotFound
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import ObjectDescribe
from service.config import Config
from service.crash_points import reach
from service.declared import phases_of, remember
from service.identity import StateDisagrees
from service.map_functions import load_functions
from service.phases import Phase
from state.ledger import Ledger, Tx
from state.private import private_file
from transforms.compile import CompiledMapping, ParentField, compile_mapping
from transforms.mapping import Mapping, parse_mapping
from transforms.shape import FieldShape, ObjectShape

# The number of the map that what is loaded follows.
FOLLOWED = "followed_map"
MAPPING_FILE = "mapping.yaml"


@dataclass(frozen=True)
class LoadedMap:
    """A compiled map, and whether it is another than the one in force.

    `phases` are those that it comes to; `digest` is of its text. `form` is of the columns that it
    comes to in the org: a field that the running user may no longer set changes the cells of every
    row. `changed`: the text is another one; `news`: anything is, so that it must be accepted before a
    row is made by it.
    """

    compiled: CompiledMapping
    phases: tuple[Phase, ...]
    text: str
    digest: str
    form: str
    changed: bool
    news: bool


async def load_mapping(
    config: Config, ledger: Ledger, salesforce: SalesforceClient
) -> CompiledMapping:
    """Return the workspace's mapping, compiled against the org, and note it when it is the first.

    Raises the transforms' errors with all faults at once, and `StateDisagrees` when rows on their way
    were made by another map or for other columns.
    """
    loaded = await read_mapping(config, ledger, salesforce)
    async with ledger.write() as tx:
        await accept(tx, ledger, loaded, by="migrate")
    reach("mapping-noted")
    return loaded.compiled


async def read_mapping(config: Config, ledger: Ledger, salesforce: SalesforceClient) -> LoadedMap:
    """Read and compile the mapping; nothing is noted until `accept`.

    A changed file is taken, unless rows that were made by the earlier one are on their way. Raises as
    `load_mapping` does.
    """
    text = map_text(config)
    mapping = parsed(text)
    functions = load_functions(config, mapping)
    digest = text_digest(text, functions.digests)
    known = await ledger.maps.current()
    changed = known is not None and known.digest != digest
    phases = phases_of(mapping)
    shape = await read_shape(mapping, salesforce)
    owner = await default_owner(config, salesforce)
    compiled = compile_mapping(mapping, shape, functions.settings(owner))
    form = _form(compiled)
    news = known is None or changed or known.form != form
    if known is not None and (changed or known.form not in ("", form)):
        await refuse_if_on_their_way(ledger, "the map or the fields that Salesforce lets be set")
    return LoadedMap(compiled, phases, text, digest, form, changed, news)


def read_map(config: Config) -> Mapping:
    """Return the workspace's mapping file, which is the default map at first; raises `MappingInvalid`."""
    return parsed(map_text(config))


def read_phases(config: Config) -> tuple[Phase, ...]:
    """Return the phases of the workspace's mapping file; raises `MappingInvalid`."""
    return phases_of(parsed(map_text(config)))


def known_phases(config: Config) -> tuple[Phase, ...]:
    """As `read_phases`, and the default map's where there is no file; nothing is written."""
    return phases_of(known_map(config))


def known_map(config: Config) -> Mapping:
    """The workspace's map, or the default map where there is none; nothing is written."""
    path = Path(config.workspace) / MAPPING_FILE
    return parsed(map_text(config) if path.exists() else default_mapping())


@lru_cache(maxsize=2)
def parsed(text: str) -> Mapping:
    """Read a mapping once, however often it is asked for."""
    return parse_mapping(text, MAPPING_FILE)


async def read_shape(mapping: Mapping, salesforce: SalesforceClient) -> dict[str, ObjectShape]:
    """Describe every object that rows go to; one that the org lacks is missing.

    Phases that are not moved are described as well: their tables are part of the map.
    """
    lines = mapping.phases.values()
    return await describe_all({table for line in lines for table in line.tables}, salesforce)


async def describe_all(
    names: Iterable[str], salesforce: SalesforceClient
) -> dict[str, ObjectShape]:
    """Describe objects by name; those that the org does not have are missing."""
    found = {}
    for name in sorted(names):
        try:
            found[name] = shape_of(await salesforce.describe(name))
        except NotFound:
            continue
    return found


def map_text(config: Config) -> str:
    """The text of the workspace's map; the default map is put there at first."""
    path = Path(config.workspace) / MAPPING_FILE
    if not path.exists():
        _place(path, default_mapping())
        reach("mapping-placed")
    return path.read_text(encoding="utf-8")


def text_digest(text: str, functions: AnyMapping[str, str] | None = None) -> str:
    """A digest of a map's text, and of the digests of the functions that it names."""
    sources = "".join(f"\x00{name}={each}" for name, each in sorted((functions or {}).items()))
    return sha256(f"{text}{sources}".encode()).hexdigest()


async def accept(tx: Tx, ledger: Ledger, loaded: LoadedMap, *, by: str) -> None:
    """Put a map in force, on behalf of the command `by`; the one place where that happens.

    Rows stored later in the transaction, and all rows after it, are of this map.
    """
    await remember(tx, ledger, loaded.phases)
    if not loaded.news:
        return
    known = await ledger.maps.current()
    if known is not None and known.digest == loaded.digest and not known.form:
        await ledger.maps.set_form(tx, known.number, loaded.form)
    else:
        number = await ledger.maps.accept(
            tx, digest=loaded.digest, form=loaded.form, by=by, text=loaded.text
        )
        if known is None:
            await ledger.facts.set(tx, FOLLOWED, str(number))


async def refuse_if_on_their_way(ledger: Ledger, what: str) -> None:
    """Raise `StateDisagrees` while a batch or a job holds rows that were made without the change."""
    if await ledger.jobs.unsettled() or await ledger.batches.open_bytes():
        raise StateDisagrees(
            f"Rows made before {what} changed are still on their way.",
            next_step="Put the earlier map and rights back, run migrate until nothing is on its way, "
            "then change them and run deskferry retry.",
        )


def _form(compiled: CompiledMapping) -> str:
    """A digest of all columns and parents, in their order: rows of one form fit one header."""
    lines = [
        repr((name, table.object, table.columns, [(p.name, _kinds(p)) for p in table.parents]))
        for name, phase in sorted(compiled.phases.items())
        for table in phase.tables.values()
    ]
    return sha256("\n".join(lines).encode()).hexdigest()


def _kinds(parent: ParentField) -> tuple[str, ...]:
    """The kinds of a parent, and whether one alone is written as a chain."""
    alone = parent.chain and len(parent.kinds) == 1
    return (*parent.kinds, "chain") if alone else parent.kinds


def _place(path: Path, text: str) -> None:
    """Put a file there whole or not at all: half a map would be taken for the operator's own."""
    aside = path.with_suffix(".part")
    with os.fdopen(private_file(aside), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    reach("mapping-aside")
    aside.replace(path)


def default_mapping() -> str:
    """The text of the default map."""
    return (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")


async def default_owner(config: Config, salesforce: SalesforceClient) -> str:
    """The configured owner's id: given as id or e-mail; the running user when none is named."""
    wanted = config.salesforce.default_owner
    if not wanted:
        return (await salesforce.org()).user_id
    if "@" not in wanted:
        return wanted
    quoted = wanted.replace("\\", "\\\\").replace("'", "\\'")
    soql = f"SELECT Id FROM User WHERE Email = '{quoted}' AND IsActive = true"  # noqa: S608
    found = [str(record["Id"]) async for page in salesforce.query(soql) for record in page]
    if len(found) != 1:
        raise StateDisagrees(
            "salesforce.default_owner names no user, or more than one.",
            next_step="Give the owner's Salesforce user id in the config.",
        )
    return found[0]


def shape_of(described: ObjectDescribe) -> ObjectShape:
    """Hand a describe over to the transforms, which know no API."""
    return ObjectShape(
        described.name,
        {
            name: FieldShape(
                name=name,
                type=field.type,
                length=field.length,
                nillable=field.nillable,
                createable=field.createable,
                updateable=field.updateable,
                defaulted_on_create=field.defaulted_on_create,
                restricted=field.restricted,
                picklist=tuple(field.picklist),
                reference_to=tuple(field.reference_to),
                unique=field.unique,
                external_id=field.external_id,
                label=field.label,
                digits=field.digits,
                scale=field.scale,
                custom=field.custom,
                controller=field.controller,
                valid_for=tuple(field.valid_for.items()),
            )
            for name, field in described.fields.items()
        },
    )
