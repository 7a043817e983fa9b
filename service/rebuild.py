"""`state rebuild`: makes the crosswalk again from Salesforce alone, by the key our records carry.

What is found belongs to no job yet: the next `migrate` reads the source again, and takes over what is
there instead of sending it. Where the target carries no key, rows are compared with what is there
before they are sent (`service/settle.py`). People and teams are matched again.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread
import structlog

from connectors.clock import Clock
from connectors.errors import NotFound
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.ingest import ENDED, IngestJobs
from connectors.salesforce.query import QueryJobs
from service.command_log import logged
from service.compose import open_salesforce
from service.config import Config
from service.difference import MADE_MARK
from service.errors import REFUSED, DeskferryError
from service.identity import StateDisagrees, WrongOrg
from service.ledger import open_ledger
from service.mapped import known_phases
from service.phases import Phase
from service.settle import EXTERNAL_ID
from service.sightings import REBUILT
from state.crosswalk import UNCLAIMED
from state.ledger import Ledger
from state.set_aside import condition, set_aside
from state.workspace import make_workspace

BEGUN = "begun"  # the value of the fact REBUILT until all is learned; then the moment (epoch s)
LEARN_ROWS = 4_000
FIRST_POLL_S = 0.1
_log = structlog.get_logger()


class LedgerInUse(DeskferryError):
    """The workspace's ledger is whole and in use: nothing was lost that a rebuild could bring."""

    code = "ledger-in-use"
    exit_code = REFUSED


class KeyFieldMissing(DeskferryError):
    """A target object does not show the field that our records carry their key in."""

    code = "key-field-missing"
    exit_code = REFUSED


class RebuildUnfinished(DeskferryError):
    """A rebuild was cut short: the ledger does not know all that Salesforce has."""

    code = "rebuild-unfinished"
    exit_code = REFUSED


@dataclass
class FoundObject:
    """Records of one object that carry our key: in use, in the recycle bin, and new to the ledger."""

    phase: str
    object: str
    found: int = 0
    binned: int = 0
    learned: int = 0


@dataclass
class Rebuilt:
    """What a rebuild came to. `by_content`: phases whose rows are compared at the next migrate."""

    objects: list[FoundObject] = field(default_factory=list)
    by_content: list[str] = field(default_factory=list)
    jobs_waited_for: int = 0
    set_aside: Path | None = None


Tell = Callable[[str], None]


class Rebuild:
    """One rebuild. It may be stopped or killed at any point, and run again."""

    def __init__(self, config: Config, *, clock: Clock, tell: Tell) -> None:
        self._config = config
        self._clock = clock
        self._tell = tell
        self._told = Rebuilt()
        self._phases: tuple[Phase, ...] = ()

    async def run(self, *, merge: bool = False, anew: bool = False) -> Rebuilt:
        """Learn everything that carries our key.

        A damaged database is set aside, as is a whole one with `anew`; with `merge` it is kept and
        added to. Raises `LedgerInUse`, `WrongOrg`, `StateDisagrees`, `KeyFieldMissing` before
        anything is changed, and the rooms' errors; then a second run begins from the start.
        """
        self._phases = known_phases(self._config)
        state = await anyio.to_thread.run_sync(condition, self._config.workspace)
        if state == "used" and not (merge or anew):
            raise LedgerInUse(
                "The workspace's ledger is whole and in use; a rebuild would add nothing to it.",
                next_step="Go on with migrate. To learn of records made by another workspace give "
                "--merge; to set this ledger aside and begin again from Salesforce give --anew.",
            )
        async with open_salesforce(self._config, self._clock) as salesforce:
            await self._check(salesforce)
            if anew or state in ("absent", "empty", "damaged"):
                await self._set_aside()
            async with (
                open_ledger(self._config, self._clock.now) as ledger,
                logged(ledger, "state rebuild"),
            ):
                await self._learn_all(ledger, salesforce)
        return self._told

    async def _check(self, salesforce: SalesforceClient) -> None:
        """Look whether this is the org, and whether it shows the key of every object."""
        target = await salesforce.org()
        if target.org_id[:15] != self._config.salesforce.org_id[:15]:
            raise WrongOrg(
                f"Salesforce answers as org {target.org_id}, the config names "
                f"{self._config.salesforce.org_id}.",
                next_step="Check salesforce.login_url and the credentials, or correct org_id.",
            )
        tables = [table for _, table in _keyed(self._phases)]
        missing = [each for each in tables if not await _shows_key(salesforce, each)]
        if missing:
            raise KeyFieldMissing(
                f"{EXTERNAL_ID} is not visible on {', '.join(missing)}.",
                next_step="Give the running user access to the field, or deploy it; what has no key "
                "cannot be found again.",
            )

    async def _set_aside(self) -> None:
        def work() -> Path | None:
            make_workspace(self._config.workspace)
            return set_aside(self._config.workspace, at=int(self._clock.now()))

        self._told.set_aside = await anyio.to_thread.run_sync(work)

    async def _learn_all(self, ledger: Ledger, salesforce: SalesforceClient) -> None:
        org = (await salesforce.org()).org_id[:15]
        if await ledger.facts.get("salesforce_org") not in (None, org):
            raise StateDisagrees(
                "The workspace was begun with another Salesforce org.",
                next_step="Use the config it was begun with, or choose another workspace.",
            )
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "salesforce_org", org)
            await ledger.facts.set(tx, REBUILT, BEGUN)
        await self._wait_for_jobs(salesforce)
        for phase, table in _keyed(self._phases):
            found = FoundObject(phase.name, table)
            self._told.objects.append(found)
            # What is in use goes first: of a record deleted and made again, that one counts.
            await self._learn(ledger, salesforce, phase, found, binned=False)
            await self._learn(ledger, salesforce, phase, found, binned=True)
            _log.info("object-learned", object=table, found=found.found, binned=found.binned)
        self._told.by_content = [each.name for each in self._phases if _by_content(each)]
        async with ledger.write() as tx:
            await ledger.facts.set(tx, REBUILT, str(self._clock.now()))

    async def _wait_for_jobs(self, salesforce: SalesforceClient) -> None:
        """Wait for jobs of ours that still run: what they are about to make must be seen, too."""
        jobs = IngestJobs(salesforce, self._clock)
        tables = {table for phase in self._phases for table in phase.objects}
        me = await jobs.running_user()
        running = [
            job.id
            async for job in jobs.listed(created_by_id=me)
            if job.object in tables and job.state not in ENDED and job.state != "Open"
        ]
        for number, job_id in enumerate(running, start=1):
            self._tell(f"Waiting for job {job_id}, which still runs ({number} of {len(running)}).")
            await jobs.wait(job_id)
        self._told.jobs_waited_for = len(running)

    async def _learn(
        self,
        ledger: Ledger,
        salesforce: SalesforceClient,
        phase: Phase,
        found: FoundObject,
        *,
        binned: bool,
    ) -> None:
        async for block in self._blocks(salesforce, found.object, binned=binned):
            async with ledger.write() as tx:
                learned = await ledger.crosswalk.learn(
                    tx, phase.kind, found.object, block, origin="found", job=UNCLAIMED
                )
            found.learned += learned
            if binned:
                found.binned += len(block)
            else:
                found.found += len(block)
            self._tell(f"{found.object}: {found.found:,} found, {found.binned:,} in the bin")

    async def _blocks(
        self, salesforce: SalesforceClient, table: str, *, binned: bool
    ) -> AsyncIterator[list[tuple[str, int, str, int, bytes]]]:
        """The keys and ids of a table, some thousands at a time."""
        where = f"{EXTERNAL_ID} != null{' AND IsDeleted = true' if binned else ''}"
        if MADE_MARK in (await salesforce.describe(table)).fields:
            # What was there before, and was only matched, is matched again.
            me = (await salesforce.org()).user_id
            where += f" AND ({MADE_MARK} != null OR CreatedById = '{me}')"
        soql = f"SELECT Id, {EXTERNAL_ID} FROM {table} WHERE {where}"  # noqa: S608
        block: list[tuple[str, int, str, int, bytes]] = []
        queries = QueryJobs(salesforce, self._clock)
        async for piece in queries.rows(soql, all_rows=binned, first_s=FIRST_POLL_S):
            at, key_at = piece.columns.index("Id"), piece.columns.index(EXTERNAL_ID)
            block += [(row[key_at], 0, to_18(row[at]), 0, b"") for row in piece.rows]
            if len(block) >= LEARN_ROWS:
                yield block
                block = []
        if block:
            yield block


async def check_whole(
    ledger: Ledger, salesforce: SalesforceClient, phases: Sequence[Phase]
) -> None:
    """Refuse a half-done rebuild; warn of records that the ledger should know and does not.

    Such records are recognised one by one as their rows are refused or looked for, so that nothing is
    made twice; a rebuild learns them with far fewer calls. Raises `RebuildUnfinished`.
    """
    rebuilt = await ledger.facts.get(REBUILT)
    if rebuilt == BEGUN:
        raise RebuildUnfinished(
            "A rebuild of this workspace's state was cut short.",
            next_step="Run deskferry state rebuild again; it begins from the start.",
        )
    if rebuilt or any([await ledger.slices.of(phase.name) for phase in phases]):
        return
    for _, table in _keyed(phases):
        soql = f"SELECT COUNT() FROM {table} WHERE {EXTERNAL_ID} != null"  # noqa: S608
        count = await salesforce.count(soql)
        if count:
            _log.warning("earlier-migration", object=table, records=count)


async def _shows_key(salesforce: SalesforceClient, table: str) -> bool:
    try:
        return EXTERNAL_ID in (await salesforce.describe(table)).fields
    except NotFound:
        return False


def _keyed(phases: Sequence[Phase]) -> list[tuple[Phase, str]]:
    """The phases and objects whose records carry our key."""
    return [
        (phase, table)
        for phase in phases
        if phase.operation == "insert" and phase.keyed
        for table in phase.objects
    ]


def _by_content(phase: Phase) -> bool:
    return phase.operation == "insert" and not phase.keyed
