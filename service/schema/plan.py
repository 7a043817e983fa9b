"""Makes the plan: reads the map and the org, compares, and writes the source files."""

from dataclasses import dataclass
from pathlib import Path

from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.mapped import read_map
from service.schema.files import write_files
from service.schema.made import made_so_far, with_plan
from service.schema.reading import read_definitions, read_hidden, read_org, read_value_sets
from state.ledger import Ledger
from transforms.schema.needed import Needed, needed_by
from transforms.schema.plan import SchemaPlan, make_plan, whole_plan
from transforms.schema.source_files import removal_files, source_files


@dataclass(frozen=True)
class PlannedSchema:
    """A plan, the files that it comes to, and where they were written."""

    org_id: str
    needed: Needed
    plan: SchemaPlan
    files: dict[str, str]
    folder: Path


async def plan_schema(
    config: Config, ledger: Ledger, salesforce: SalesforceClient, org_id: str
) -> PlannedSchema:
    """Compare what the map needs with the org, and write the files of the difference.

    Nothing is sent that changes anything. What is impossible is in the plan; then no file of the
    deployment is written. Raises the rooms' errors, `DefinitionMissing`.
    """
    needed = needed_by(read_map(config))
    org = await read_hidden(salesforce, needed, await read_org(salesforce, needed))
    plan = make_plan(needed, org)
    whole = whole_plan(plan, needed, org)
    version = config.salesforce.api_version
    packages: dict[str, dict[str, str]] = {"deploy": {}}
    if not plan.impossible:
        known = await read_definitions(salesforce, [plan, whole])
        packages["source"] = source_files(whole, known, version)
        if not plan.empty:
            packages["deploy"] = source_files(plan, known, version)
        made = with_plan(await made_so_far(ledger), plan)
        sets = dict(known["StandardValueSet"])
        sets |= await read_value_sets(
            salesforce, [name for name in made.values if name not in sets]
        )
        packages["removal"] = removal_files(made, sets, version)
    folder = write_files(config.workspace, packages)
    return PlannedSchema(org_id, needed, plan, packages["deploy"], folder)
