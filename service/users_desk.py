"""What a person decides about agents: who is meant on either side, and what follows from it.

All choices of one command are made sure first, and become durable together or not at all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from connectors.clock import Clock
from connectors.errors import NotFound
from connectors.kustomer.client import KustomerClient
from connectors.salesforce.ids import to_18
from service.agents import (
    UNMATCHED,
    USER,
    inactive_owners_allowed,
    open_agents,
    target_users,
    waiting_records,
)
from service.command_log import logged
from service.compose import open_kustomer, open_salesforce
from service.config import Config
from service.crash_points import reach
from service.errors import UsageInvalid
from service.identity import check_target
from service.ledger import open_ledger
from state.ledger import Ledger
from transforms.agents import TargetUser, normal
from transforms.match import MatchFacts
from transforms.references import is_reference

_LISTS: tuple[Mapping[str, str], ...] = ({}, {"deleted": "true"}, {"userType": "machine"})


@dataclass(frozen=True)
class QueuedUser:
    """One user in the queue. `candidates`: Salesforce ids; `chosen`: what a person decided, if so.

    `waiting` counts records that are held until the user is settled. `email` and `name` are empty
    where the workspace was purged of them.
    """

    kustomer_user: str
    email: str
    name: str
    state: str
    reason: str
    candidates: Sequence[str]
    waiting: int
    chosen: str


async def queued_users(ledger: Ledger) -> list[QueuedUser]:
    """Return the reconciliation queue, those with the most records waiting first."""
    queue = await open_agents(ledger)
    decided = await ledger.decisions.latest()
    found = []
    for row in queue.rows:
        facts = MatchFacts.load(row.payload) if row.payload else MatchFacts("", state="unknown")
        choice = decided.get(row.source_id)
        found.append(
            QueuedUser(
                row.source_id,
                facts.value,
                facts.name,
                facts.state,
                row.reason,
                row.detail.split(),
                queue.waiting.get(row.source_id, 0),
                choice.target_id if choice else "",
            )
        )
    known = {row.source_id for row in queue.rows}
    others = sorted(set(queue.waiting) - known)
    settled = await ledger.crosswalk.resolve(USER, others)
    for each in others:  # only records know of them; the next run asks Kustomer
        if each not in settled:
            choice = decided.get(each)
            chosen = choice.target_id if choice else ""
            count = queue.waiting[each]
            found.append(QueuedUser(each, "", "", "unknown", UNMATCHED, [], count, chosen))
    return sorted(found, key=lambda user: (-user.waiting, user.kustomer_user))


@dataclass(frozen=True)
class Assigned:
    """One choice that was taken. `records`: how many wait for the user and go with the next run."""

    kustomer_user: str
    salesforce_user: str
    records: int


class UsersDesk:
    """Takes choices; open for one command."""

    def __init__(
        self,
        ledger: Ledger,
        kustomer: KustomerClient,
        users: list[TargetUser],
        *,
        inactive_may_own: bool,
    ) -> None:
        self._ledger = ledger
        self._kustomer = kustomer
        self._users = users
        self._inactive_may_own = inactive_may_own

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config, clock: Clock, command: str) -> AsyncIterator[Self]:
        """Open workspace and both sides; raises `WrongOrg`, `StateDisagrees` and the rooms' errors."""
        async with (
            open_ledger(config, clock.now) as ledger,
            open_kustomer(config, clock) as kustomer,
            open_salesforce(config, clock) as salesforce,
        ):
            await check_target(config, ledger, salesforce)
            async with logged(ledger, command):
                users = [user async for user in target_users(salesforce)]
                may = await inactive_owners_allowed(salesforce)
                yield cls(ledger, kustomer, users, inactive_may_own=may)

    async def take(self, pairs: Sequence[tuple[str, str]], *, how: str, by: str) -> list[Assigned]:
        """Make choices durable: pairs of a Kustomer and a Salesforce user, each by id or e-mail.

        Raises `UsageInvalid` with the number of every pair that does not name one user on each side;
        nothing is taken then.
        """
        chosen: dict[str, str] = {}
        faults = []
        for number, (source, target) in enumerate(pairs, start=1):
            try:
                user = await self._source(source)
                found = self._target(target)
                if chosen.setdefault(user, found) != found:
                    raise UsageInvalid("the Kustomer user is given two Salesforce users")
            except UsageInvalid as fault:
                faults.append(f"{number}: {fault.message}" if len(pairs) > 1 else fault.message)
        if faults:
            raise UsageInvalid(
                f"Nothing was taken. {'; '.join(faults)}.",
                next_step="Give users by id where an e-mail address is not known or not unique.",
            )
        waiting = await waiting_records(self._ledger)
        async with self._ledger.write() as tx:
            await self._ledger.decisions.decide(tx, chosen, how=how, by=by)
            for user, found in chosen.items():
                await self._ledger.crosswalk.repoint(tx, USER, user, found)
        reach("users-decided")
        return [Assigned(user, found, waiting.get(user, 0)) for user, found in chosen.items()]

    async def _source(self, given: str) -> str:
        """The id of the Kustomer user that somebody named."""
        if "@" in given:
            return await self._by_mail(normal(given))
        if not is_reference(given):
            raise UsageInvalid("the Kustomer user is neither an id nor an e-mail address")
        known = given in (await self._ledger.crosswalk.resolve(USER, [given]))
        known = known or given in await waiting_records(self._ledger)
        if known or any(row.phase == "users" for row in await self._ledger.rows.find(given)):
            return given
        try:
            await self._kustomer.get(f"/v1/users/{given}")
        except NotFound:
            raise UsageInvalid("Kustomer has no user of that id") from None
        return given

    async def _by_mail(self, address: str) -> str:
        found = {
            each.kustomer_user for each in await queued_users(self._ledger) if each.email == address
        }
        if not found:
            for params in _LISTS:
                asked = {**params, "email": address} if not params else dict(params)
                page = await self._kustomer.list_page("/v1/users", 1, page_size=500, params=asked)
                for row in page.rows:
                    if normal(str(row.get("attributes", {}).get("email") or "")) == address:
                        found.add(str(row["id"]))
        if len(found) != 1:
            told = "has several users" if found else "has no user"
            raise UsageInvalid(f"Kustomer {told} of that address")
        return found.pop()

    def _target(self, given: str) -> str:
        """The id of the Salesforce user that somebody named."""
        wanted = to_18(given.strip())
        found = [user for user in self._users if user.id == wanted]
        if "@" in given:
            found = [user for user in self._users if normal(user.email) == normal(given)]
            found = [user for user in found if user.active] or found
        if len(found) != 1:
            told = "has several users" if found else "has no user"
            what = "address" if "@" in given else "id"
            raise UsageInvalid(f"Salesforce {told} of that {what}")
        if not (found[0].active or self._inactive_may_own):
            raise UsageInvalid("the Salesforce user is inactive, and may own no records here")
        return found[0].id
