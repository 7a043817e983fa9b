"""Brings the mapping file and the target's describe together, and refuses a map that changed."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import ObjectDescribe
from service.config import Config
from service.identity import StateDisagrees
from service.phases import PHASES
from state.ledger import Ledger
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape

MAPPING_FILE = "mapping.yaml"


async def load_mapping(
    config: Config, ledger: Ledger, salesforce: SalesforceClient
) -> CompiledMapping:
    """Compile the workspace's mapping against the org; the default map is put there at first.

    Raises the transforms' errors with all faults at once, and `StateDisagrees` when the file is not
    the one the workspace's rows were made with.
    """
    path = Path(config.workspace) / MAPPING_FILE
    if not path.exists():
        path.write_text(default_mapping(), encoding="utf-8")
        path.chmod(0o600)
    text = path.read_text(encoding="utf-8")
    digest = sha256(text.encode()).hexdigest()
    known = await ledger.facts.get("mapping_digest")
    if known is not None and known != digest:
        raise StateDisagrees(
            f"{MAPPING_FILE} is not the one this migration was begun with.",
            next_step="Put the earlier file back, or begin in another workspace.",
        )
    mapping = parse_mapping(text, MAPPING_FILE)
    names = sorted({table for phase in PHASES for table in phase.objects} - {"User", "Group"})
    shape = {name: shape_of(await salesforce.describe(name)) for name in names}
    owner = await _default_owner(config, salesforce)
    compiled = compile_mapping(mapping, shape, MapSettings(default_owner_id=owner))
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "mapping_digest", digest)
    return compiled


def default_mapping() -> str:
    """The text of the default map."""
    return (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")


async def _default_owner(config: Config, salesforce: SalesforceClient) -> str:
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


async def read_lookups(kustomer: KustomerClient) -> Lookups:
    """Read the small tables that rows name by id: tags, users, teams."""
    names: dict[str, dict[str, str]] = {}
    for kind, path, variants in (
        ("tags", "/v1/tags", ({"deleted": "false"}, {"deleted": "true"})),
        ("users", "/v1/users", ({"deleted": "false"}, {"deleted": "true"})),
        ("teams", "/v1/teams", ({},)),
    ):
        names[kind] = {}
        for variant in variants:
            names[kind].update(await _names(kustomer, path, variant))
    return Lookups(**names)


async def _names(kustomer: KustomerClient, path: str, params: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    number = 1
    while True:
        page = await kustomer.list_page(path, number, params=params)
        for row in page.rows:
            attributes = row.get("attributes") or {}
            name = attributes.get("displayName") or attributes.get("name")
            if isinstance(row.get("id"), str) and isinstance(name, str):
                found[row["id"]] = name
        if not page.has_next or not page.rows:
            return found
        number += 1


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
            )
            for name, field in described.fields.items()
        },
    )
