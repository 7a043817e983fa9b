"""The preflight: is everything there, allowed, and large enough, before anything moves."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.clock import Clock
from connectors.http import RetryPolicy
from connectors.salesforce.client import SalesforceClient
from service.compose import KustomerSide, open_kustomer_side, open_salesforce
from service.config import Config
from service.config_parts import Secret
from service.duplicate_rules import STEP, duplicate_rules
from service.errors import DONE, REFUSED, REMOTE, USAGE, DeskferryError, explain
from service.hooks.ready import ready
from service.identity import check_config
from service.ledger import open_ledger
from service.mapped import default_mapping, read_shape
from service.phases import PHASES
from service.relations_allowed import makes_relations, relation_rights
from service.room import Room, free_bytes, room_for
from service.topics_allowed import makes_topics, topic_rights
from state.errors import NoWorkspace, StateTooOld
from transforms.compile import MapSettings, compile_mapping
from transforms.mapping import parse_mapping

# A preflight answers soon: someone is waiting for it.
QUICK = RetryPolicy(attempts=2, base_s=0.2)
_BY_WEIGHT = (DONE, REFUSED, REMOTE, USAGE)


class VersionNotOffered(DeskferryError):
    """The org does not offer the API version that the config names."""

    code = "version-not-offered"
    exit_code = REFUSED


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

    def add(
        self,
        name: str,
        ok: bool | None,
        detail: str,
        next_step: str = "",
        exit_code: int = REFUSED,
    ) -> None:
        """Note an item. `exit_code` is for one that is not fine; the weightiest stays."""
        self.items.append(CheckItem(name, ok, detail, "" if ok else next_step))
        if ok is False:
            code = exit_code if exit_code in _BY_WEIGHT else REFUSED
            self.exit_code = max(self.exit_code, code, key=_BY_WEIGHT.index)

    async def attempt(self, name: str, look: Callable[[], Awaitable[str]]) -> bool:
        """Run one look; what it raises becomes an item, not the end of the others."""
        try:
            self.add(name, True, await look())
        except Exception as error:  # noqa: BLE001 - each check reports; none may hide the rest
            problem = explain(error)
            self.add(name, False, problem.sentence, problem.next_step, problem.exit_code)
            return False
        return True


async def run_check(config: Config, clock: Clock) -> CheckResult:
    """Look at everything and change nothing.

    The exit code is 0, 3 (refused), 6 (a remote said no) or 2 (a secret is missing); a side whose
    secrets are missing is not asked.
    """
    checks = _Checks(config)
    _workspace(checks)
    await _disk(checks, clock)
    await checks.attempt("state", lambda: _state(config, clock))
    kustomer_ready, salesforce_ready = _secrets(checks)
    if kustomer_ready:
        async with open_kustomer_side(config, clock, QUICK) as side:
            await _kustomer(checks, side, clock.now())
    if salesforce_ready:
        async with open_salesforce(config, clock, QUICK) as salesforce:
            await _salesforce(checks, salesforce)
    return CheckResult(checks.items, checks.exit_code)


def _workspace(checks: _Checks) -> None:
    folder: Path = checks.config.workspace
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        step = "Set workspace in the config to a folder of its own."
        checks.add("workspace", False, "The workspace's path leads to a file.", step)
        return
    usable = os.access(folder, os.W_OK | os.X_OK)
    told = "The workspace can be written." if usable else "The workspace cannot be written."
    checks.add("workspace", usable, told, "Give the user that runs Deskferry write access to it.")


async def _disk(checks: _Checks, clock: Clock) -> None:
    folder, limit = checks.config.workspace, checks.config.spool_limit_mb * 1_000_000
    try:
        async with open_ledger(checks.config, clock.now, read_only=True) as ledger:
            room = await room_for(ledger, folder, limit)
    except Exception:  # noqa: BLE001 - the check of the state says it
        room = Room(free_bytes(folder), 0, limit)
    told = f"{room.free / 1e6:,.0f} MB free for the workspace"
    if room.free >= room.wanted:
        checks.add("disk", True, f"{told}.")
    elif room.free >= room.needed:
        told += f"; the spool may use {room.spool_bytes / 1e6:,.0f} of {limit / 1e6:,.0f} MB."
        step = "Nothing, or make room: reading waits for loading once the spool has used it up."
        checks.add("disk", None, told, step)
    else:
        told += f"; at least {room.needed / 1e6:,.0f} MB are needed."
        checks.add("disk", False, told, "Make room, or choose another workspace.")


async def _state(config: Config, clock: Clock) -> str:
    try:
        async with open_ledger(config, clock.now, read_only=True) as ledger:
            await check_config(config, ledger)
            done = [phase.name for phase in PHASES if await ledger.gates.closed(phase.name)]
    except NoWorkspace:
        return "No migration was begun here yet."
    except StateTooOld as error:
        return f"{error.message} The next migrate brings it up and keeps a copy."
    return f"A migration was begun here; {len(done)} of {len(PHASES)} phases are done."


def _secrets(checks: _Checks) -> tuple[bool, bool]:
    """Resolve every secret; returns whether Kustomer's, and Salesforce's, are all there."""
    target = checks.config.salesforce
    wanted: dict[str, Secret | None] = {"client_id": target.client_id}
    if target.auth == "client_credentials":
        wanted["client_secret"] = target.client_secret
    elif target.jwt:
        wanted["jwt.private_key"] = target.jwt.private_key
    _hooks(checks)
    kustomer = _secret(checks, "kustomer.api_key", checks.config.kustomer.api_key)
    found = [_secret(checks, f"salesforce.{name}", each) for name, each in wanted.items() if each]
    return kustomer, all(found)


def _hooks(checks: _Checks) -> None:
    """Every hook's secrets are there, and its program; nothing is told."""
    for number, hook in enumerate(checks.config.hooks, 1):
        name = f"hook {number}"
        try:
            told = ready(hook)
        except DeskferryError as error:
            checks.add(name, False, error.message, error.next_step, error.exit_code)
        else:
            checks.add(name, True, told)


def _secret(checks: _Checks, name: str, secret: Secret) -> bool:
    try:
        secret.resolve()
    except DeskferryError as error:
        checks.add(f"secret {name}", False, error.message, error.next_step, error.exit_code)
        return False
    checks.add(f"secret {name}", True, "The reference leads to a value.")
    return True


async def _kustomer(checks: _Checks, side: KustomerSide, now: float) -> None:
    kustomer = side.client

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
    seen = side.budget.snapshot()
    told = f"{seen.allowed:,} of the org's {seen.limit:,} requests a window are ours."
    checks.add("kustomer requests", True, f"{told} {side.pace.words(now)}.")


async def _salesforce(checks: _Checks, salesforce: SalesforceClient) -> None:
    wanted = checks.config.salesforce.org_id

    async def org() -> str:
        return f"Signed in to org {(await salesforce.org()).org_id}."

    if not await checks.attempt("salesforce", org):
        return
    found = (await salesforce.org()).org_id
    same = found[:15] == wanted[:15]
    step = "Check login_url and credentials, or correct org_id in the config."
    checks.add("salesforce org", same, f"{found} answers, the config names {wanted}.", step)

    async def version() -> str:
        version = checks.config.salesforce.api_version
        offered = await salesforce.versions()
        if version not in offered:
            newest = offered[-1] if offered else "unknown"
            raise VersionNotOffered(
                f"The org does not offer API version {version}.",
                next_step=f"Set salesforce.api_version; the newest offered is {newest}.",
            )
        return f"API version {version} is offered."

    await checks.attempt("salesforce version", version)
    await checks.attempt("salesforce limits", lambda: _limits(salesforce))
    await checks.attempt("salesforce map", lambda: _map(salesforce))
    if await checks.attempt("map", lambda: _tags(checks.config)):
        if makes_topics(checks.config):
            await checks.attempt("salesforce topics", lambda: topic_rights(salesforce))
        if makes_relations(checks.config):
            await checks.attempt("salesforce relations", lambda: relation_rights(salesforce))
    may_block, told = await duplicate_rules(salesforce)
    checks.add("salesforce duplicate rules", None if may_block else True, told, STEP)
    await checks.attempt("salesforce case", lambda: _audit(checks, salesforce))


async def _limits(salesforce: SalesforceClient) -> str:
    limits = await salesforce.limits()
    shown = [
        f"{name} {limits[name].remaining:,} of {limits[name].max:,} left"
        for name in ("DailyApiRequests", "DailyBulkApiBatches", "DataStorageMB")
        if name in limits
    ]
    return "; ".join(shown) + "."


async def _map(salesforce: SalesforceClient) -> str:
    mapping = parse_mapping(default_mapping(), "default map")
    compile_mapping(mapping, await read_shape(mapping, salesforce), MapSettings())
    return "Every field of the default map is there and writable."


async def _tags(config: Config) -> str:
    what = "topics" if makes_topics(config) else "no topics"
    return f"The map can be read; it makes {what} of tags."


async def _audit(checks: _Checks, salesforce: SalesforceClient) -> str:
    case = await salesforce.describe("Case")
    created = case.fields.get("CreatedDate")
    allowed = created is not None and created.createable
    detail = (
        "Creation dates and authors can be set."
        if allowed
        else "Creation dates cannot be set: records will carry the date of the load."
    )
    step = "Enable `Set Audit Fields upon Record Creation` and grant it to the running user."
    checks.add("salesforce audit fields", True if allowed else None, detail, step)
    return f"Case can be described; {len(case.fields):,} fields are visible to the running user."
