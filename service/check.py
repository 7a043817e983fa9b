"""The preflight: is everything there, allowed, and large enough, before anything moves."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.clock import Clock
from connectors.http import RetryPolicy
from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from service.compose import open_kustomer, open_salesforce
from service.config import Config
from service.errors import DONE, REFUSED, REMOTE, explain
from service.mapped import default_mapping, shape_of
from service.phases import PHASES
from transforms.compile import MapSettings, compile_mapping
from transforms.mapping import parse_mapping

LEAST_DISK_MB = 500
# A preflight answers soon: someone is waiting for it.
QUICK = RetryPolicy(attempts=2, base_s=0.2)


@dataclass(frozen=True)
class CheckItem:
    """One thing looked at: fine, not fine, or (None) worth knowing."""

    name: str
    ok: bool | None
    detail: str
    next_step: str = ""


@dataclass(frozen=True)
class CheckResult:
    """All items, and the exit code they come to."""

    items: list[CheckItem]
    exit_code: int


class _Checks:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.items: list[CheckItem] = []
        self.exit_code = DONE

    def add(self, name: str, ok: bool | None, detail: str, next_step: str = "") -> None:
        self.items.append(CheckItem(name, ok, detail, next_step))
        if ok is False:
            self.exit_code = self.exit_code or REFUSED

    async def attempt(self, name: str, look: Callable[[], Awaitable[str]]) -> bool:
        """Run one look; what it raises becomes an item, not the end of the others."""
        try:
            self.add(name, True, await look())
        except Exception as error:  # noqa: BLE001 - each check reports; none may hide the rest
            problem = explain(error)
            self.add(name, False, problem.sentence, problem.next_step)
            self.exit_code = REMOTE if problem.exit_code == REMOTE else self.exit_code
            return False
        return True


async def run_check(config: Config, clock: Clock) -> CheckResult:
    """Look at everything and change nothing; exit 0, 3 (refused) or 6 (a remote said no)."""
    checks = _Checks(config)
    _disk(checks)
    async with open_kustomer(config, clock, QUICK) as kustomer:
        await _kustomer(checks, kustomer)
    async with open_salesforce(config, clock, QUICK) as salesforce:
        await _salesforce(checks, salesforce)
    return CheckResult(checks.items, checks.exit_code)


def _disk(checks: _Checks) -> None:
    folder: Path = checks.config.workspace
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 1_000_000
    step = "" if free > LEAST_DISK_MB else "Make room, or choose another workspace."
    checks.add("disk", free > LEAST_DISK_MB, f"{free:,} MB free for the workspace.", step)


async def _kustomer(checks: _Checks, kustomer: KustomerClient) -> None:
    async def org() -> str:
        found = await kustomer.org()
        return f"The key is good for org {found.name or found.id}."

    if not await checks.attempt("kustomer", org):
        return
    for phase in PHASES:

        async def stream(path: str = phase.stream.path) -> str:
            page = await kustomer.list_page(path, 1, page_size=1)
            return "readable" if page.rows else "readable, and empty"

        await checks.attempt(f"kustomer {phase.name}", stream)


async def _salesforce(checks: _Checks, salesforce: SalesforceClient) -> None:
    wanted = checks.config.salesforce.org_id

    async def org() -> str:
        return f"Signed in to org {(await salesforce.org()).org_id}."

    if not await checks.attempt("salesforce", org):
        return
    found = (await salesforce.org()).org_id
    same = found[:15] == wanted[:15]
    step = "" if same else "Check login_url and credentials, or correct org_id in the config."
    checks.add("salesforce org", same, f"{found} answers, the config names {wanted}.", step)

    async def version() -> str:
        version = checks.config.salesforce.api_version
        offered = await salesforce.versions()
        if version not in offered:
            raise LookupError
        return f"API version {version} is offered."

    await checks.attempt("salesforce version", version)
    await checks.attempt("salesforce limits", lambda: _limits(salesforce))
    await checks.attempt("salesforce map", lambda: _map(salesforce))
    await _audit(checks, salesforce)


async def _limits(salesforce: SalesforceClient) -> str:
    limits = await salesforce.limits()
    shown = [
        f"{name} {limits[name].remaining:,} of {limits[name].max:,} left"
        for name in ("DailyApiRequests", "DailyBulkApiBatches", "DataStorageMB")
        if name in limits
    ]
    return "; ".join(shown) + "."


async def _map(salesforce: SalesforceClient) -> str:
    names = {table for phase in PHASES for table in phase.objects} - {"User", "Group"}
    shape = {name: shape_of(await salesforce.describe(name)) for name in sorted(names)}
    compile_mapping(parse_mapping(default_mapping(), "default map"), shape, MapSettings())
    return "Every field of the default map is there and writable."


async def _audit(checks: _Checks, salesforce: SalesforceClient) -> None:
    created = (await salesforce.describe("Case")).fields.get("CreatedDate")
    allowed = created is not None and created.createable
    detail = (
        "Creation dates and authors can be set."
        if allowed
        else "Creation dates cannot be set: records will carry the date of the load."
    )
    step = "" if allowed else "Enable `Set Audit Fields upon Record Creation` and grant it."
    checks.add("salesforce audit fields", True if allowed else None, detail, step)
