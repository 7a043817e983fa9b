"""Agents: which Salesforce user each Kustomer user is, and what waits while that is open.

The reconciliation queue is the rows of the phase of users that are held or gone, each with a reason.
What a person decided stands above every rule. While a user is open no record goes out under anybody
else, unless the config names a fallback: `unmatched_users: hold` lets the user's records wait, without
it a run is refused.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.errors import ConnectorError
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from service.anew import GONE
from service.config import Config
from service.counterparts import Pairs, Records, Unpaired
from service.crash_points import reach
from service.declared import recall
from service.errors import REFUSED, DeskferryError
from service.phases import Phase
from service.reasons import PARENT_MISSING
from state.ledger import Ledger, Tx
from state.rows import RowEntry
from transforms.agents import TargetUser, UserBook
from transforms.match import MatchRule

USERS = "users"  # the phase, and
USER = "user"  # its kind
UNMATCHED, AMBIGUOUS, INACTIVE = "user-unmatched", "user-ambiguous", "user-inactive"
# Two of them are names of earlier versions, in states that they left.
OPEN_REASONS = (UNMATCHED, AMBIGUOUS, INACTIVE, GONE, "no-match", "several-matches")
WAITS = "user-open"  # the reason of a record that waits for a user
_MOST = 1_000_000
_FEDERATION = "FederationIdentifier"
_RIGHT = "PermissionsUpdateWithInactiveOwner"

Policy = Literal["refuse", "hold", "fallback"]


class UsersOpen(DeskferryError):
    """Kustomer users that records refer to have no Salesforce user yet."""

    code = "users-open"
    exit_code = REFUSED


def policy_of(config: Config) -> Policy:
    """What becomes of the records of open users; an owner named in the config is a fallback."""
    if config.unmatched_users == "hold":
        return "hold"
    return "fallback" if config.salesforce.default_owner else "refuse"


class AgentRule:
    """Matches users: by a person's decision, else by mail address (`transforms/agents.py`)."""

    def __init__(
        self,
        rule: MatchRule,
        ledger: Ledger,
        client: SalesforceClient,
        aliases: Mapping[str, str],
    ) -> None:
        self._rule = rule
        self._ledger = ledger
        self._client = client
        self._aliases = aliases

    async def pair(self, records: Records, gone: Sequence[str]) -> Pairs:
        """Find each user's counterpart; one that is gone in Kustomer has it by decision alone."""
        book = UserBook(
            [user async for user in target_users(self._client, self._rule)], self._aliases
        )
        decided = await self._ledger.decisions.latest()
        inactive_may_own: bool | None = None
        pairs = Pairs()
        for source_id in sorted({*records, *gone}):
            if source_id in decided:
                chosen = book.get(decided[source_id].target_id)
                found = [chosen] if chosen else []
            elif source_id in records:
                found = book.find(records[source_id].value)
            else:
                continue
            if len(found) == 1 and not found[0].active and inactive_may_own is None:
                inactive_may_own = await inactive_owners_allowed(self._client)
            if len(found) == 1 and (found[0].active or inactive_may_own):
                pairs.matched[source_id] = found[0].id
            elif source_id in records:
                reason = AMBIGUOUS if len(found) > 1 else INACTIVE if found else UNMATCHED
                pairs.unpaired.append(Unpaired(source_id, reason, [user.id for user in found]))
        return pairs

    async def note(self, tx: Tx, records: Records, pairs: Pairs) -> None:
        """Nothing is left to do."""

    async def follow(self) -> None:
        """Nothing hangs on these pairs."""


async def target_users(
    client: SalesforceClient, rule: MatchRule | None = None
) -> AsyncIterator[TargetUser]:
    """Yield the org's users, those that the map's condition lets through."""
    shown = (await client.describe("User")).fields
    target = rule.target if rule else "Email"
    more = [each for each in (_FEDERATION, "IsActive") if each in shown]
    soql = rule.soql(*more) if rule else f"SELECT Id, {', '.join((target, *more))} FROM User"  # noqa: S608
    async for page in client.query(soql):
        for record in page:
            yield TargetUser(
                to_18(str(record["Id"])),
                str(record.get(target) or ""),
                str(record.get(_FEDERATION) or ""),
                record.get("IsActive") is not False,
            )


async def inactive_owners_allowed(client: SalesforceClient) -> bool:
    """Tell whether the running user may give records to inactive users (salesforce facts, 7.9)."""
    try:
        soql = f"SELECT {_RIGHT} FROM UserPermissionAccess"  # noqa: S608
        return any([each.get(_RIGHT) is True async for page in client.query(soql) for each in page])
    except ConnectorError:  # a column that the org has not enabled is unknown there
        return False


@dataclass(frozen=True)
class OpenAgents:
    """The queue: the rows of open users, and how many records wait for each, by source id."""

    rows: Sequence[RowEntry]
    waiting: Mapping[str, int]


async def open_agents(ledger: Ledger) -> OpenAgents:
    """Return the queue as committed. Users that only records know of have no row of their own yet."""
    rows = [
        row
        for state in ("held", "failed")
        for row in await ledger.rows.listed(phase=USERS, state=state, limit=_MOST)
        if row.reason in OPEN_REASONS
    ]
    return OpenAgents(rows, await waiting_records(ledger))


async def waiting_records(ledger: Ledger) -> dict[str, int]:
    """Count the records that wait for each user; one that waits for two counts for both."""
    found: dict[str, int] = {}
    # A record that is read once more by a second pass is one record.
    phases = [phase.name for phase in await recall(ledger) if phase.of is None]
    for detail, count in (await ledger.rows.waiting_for(WAITS, phases)).items():
        for user in users_in(detail):
            found[user] = found.get(user, 0) + count
    return found


def users_in(detail: str) -> list[str]:
    """The users that a row's `detail` names."""
    return [each.removeprefix(f"{USER}:") for each in detail.split("|") if each]


async def take_up(ledger: Ledger) -> None:
    """Let open users be matched again by this run, and enlist those that only records know of."""
    queue = await open_agents(ledger)
    if not await ledger.facts.get(f"extracted.{USERS}"):
        return
    known = {row.source_id for row in queue.rows}
    matched = await ledger.crosswalk.resolve(USER, sorted(queue.waiting))
    unknown = sorted(set(queue.waiting) - known - matched.keys())
    if not queue.rows and not unknown:
        return
    async with ledger.write() as tx:
        await ledger.rows.release_phase(tx, USERS, OPEN_REASONS)
        new = await ledger.rows.put(tx, [_enlisted(each) for each in unknown])
        await ledger.books.add(tx, USERS, extracted=new)
        await ledger.gates.reopen(tx, USERS)
    reach("users-taken-up")


def _enlisted(source_id: str) -> RowEntry:
    return RowEntry(
        phase=USERS,
        source_id=source_id,
        part=0,
        state="pending",
        reason=UNMATCHED,
        field="",
        detail="",
        payload=None,
    )


async def refuse_open(config: Config, ledger: Ledger, phases: Sequence[Phase]) -> None:
    """Raise `UsersOpen` while users are open and the config says nothing about them.

    Until everything is read every user counts as referred to; then those that records wait for.
    """
    if policy_of(config) != "refuse":
        return
    queue = await open_agents(ledger)
    rows = queue.rows
    read = [await ledger.facts.get(f"extracted.{phase.name}") for phase in phases]
    if all(read):
        rows = [row for row in rows if row.source_id in queue.waiting]
    if not rows:
        return
    several = sum(row.reason in (AMBIGUOUS, "several-matches") for row in rows)
    inactive = sum(row.reason == INACTIVE for row in rows)
    kinds = [
        f"{count} {what}"
        for count, what in (
            (len(rows) - several - inactive, "without a match"),
            (several, "ambiguous"),
            (inactive, "inactive"),
        )
        if count
    ]
    raise UsersOpen(
        f"{len(rows)} Kustomer users have no Salesforce user yet ({', '.join(kinds)}). Nothing is "
        "written while records may refer to them.",
        next_step="Look at deskferry users list; then users assign or users import, or make the users "
        "and run users sync. Or set unmatched_users: hold (their records wait), or name a fallback as "
        "salesforce.default_owner.",
    )


async def release_waiting(config: Config, ledger: Ledger) -> None:
    """Let records go whose users are settled, and those behind them; nothing is left behind.

    Durable in one step. With a fallback named, all of them go.
    """
    details = list(await ledger.rows.waiting_for(WAITS))
    if not details:
        return
    if policy_of(config) != "fallback":
        users = sorted({user for detail in details for user in users_in(detail)})
        settled = await ledger.crosswalk.resolve(USER, users)
        details = [each for each in details if all(u in settled for u in users_in(each))]
    if not details:
        return
    async with ledger.write() as tx:
        await ledger.rows.release(tx, WAITS, details)
        await ledger.rows.release(tx, PARENT_MISSING)
        for name in await ledger.rows.pending_phases(tx):
            await ledger.gates.reopen(tx, name)
    reach("waiting-released")
