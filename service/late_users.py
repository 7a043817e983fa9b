"""Relations that went out while their user was open name the user once that one is settled.

Only with a fallback do rows go out then; else they wait. A relation of an e-mail that knows the address
alone is given the user in its place: `RelationId` can be changed (salesforce facts, 7.3). What is there
is read before it is written, so it is done once, however often a run is killed, and nobody's own choice
is undone.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.retrieve import retrieve
from connectors.salesforce.soql import in_lists
from service.agents import USER
from service.crash_points import reach
from service.open_users import late_column
from service.phases import Phase
from service.small_writes import Write, write_until_done
from state.late import Place
from state.ledger import Ledger
from transforms.compile import Table

BLOCK = 200
_log = structlog.get_logger()


async def reopen_for_late_users(ledger: Ledger) -> None:
    """Open the gates of phases again of which rows lack a user who is settled by now."""
    for phase, users in (await ledger.late.users()).items():
        if await ledger.crosswalk.resolve(USER, sorted(users)):
            async with ledger.write() as tx:
                await ledger.gates.reopen(tx, phase)


class LateUsers:
    """Gives the rows of one phase the users whom they lack."""

    def __init__(
        self, phase: Phase, table: Table, ledger: Ledger, client: SalesforceClient, clock: Clock
    ) -> None:
        self._phase = phase
        self._table = table
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._column = next(filter(None, (late_column(phase, each) for each in table.parents)), "")

    async def run(self) -> None:
        """Follow all users who are settled; raises the connectors' errors.

        A row that Salesforce refuses is told in the log, and tried again by the next run.
        """
        users = (await self._ledger.late.users()).get(self._phase.name, [])
        settled = await self._ledger.crosswalk.resolve(USER, sorted(users)) if users else {}
        for user, (_, target) in sorted(settled.items()):
            after: Place | None = None
            while block := await self._ledger.late.of(
                self._phase.name, user, after=after, limit=BLOCK
            ):
                await self._follow(block, user, target)
                after = block[-1]

    async def _follow(self, block: Sequence[Place], user: str, target: str) -> None:
        """Let rows name their user; one that Salesforce had refused without is sent again."""
        keys = sorted({key for key, _ in block})
        standing = await self._ledger.crosswalk.standing(self._phase.kind, keys)
        there = {place: standing[place].target_id for place in block if place in standing}
        wanted = partial(self._wanted, sorted(set(there.values())), target)
        refused = await write_until_done(
            self._client, self._clock, "PATCH", wanted, lambda: reach("late-users-sent")
        )
        for row, code in refused.items():
            _log.warning("relation-refused", relation=row, user=target, code=code)
        done = [place for place in block if there.get(place) not in refused]
        async with self._ledger.write() as tx:
            await self._ledger.late.drop(tx, self._phase.name, user, done)
            again = [place for place in done if place not in there]
            await self._ledger.rows.send_again(tx, self._phase.name, again)
            reach("late-users-uncommitted")

    async def _wanted(self, ids: Sequence[str], target: str) -> Sequence[Write]:
        """The rows that still name nobody; none where the user is in the same part already."""
        content = self._phase.content
        assert content is not None  # `late_column`
        name, part = self._table.object, (content.parent, content.text)
        there = await retrieve(self._client, name, ids, [*part, self._column])
        bare = {key: row for key, row in there.items() if not row.get(self._column)}
        named: set[tuple[str, str]] = set()
        parents = sorted({to_18(str(row[content.parent])) for row in bare.values()})
        for listed in in_lists(parents):
            soql = (
                f"SELECT {', '.join(part)} FROM {name} WHERE {content.parent} IN ({listed}) "  # noqa: S608
                f"AND {self._column} = '{target}'"
            )
            async for page in self._client.query(soql):
                named |= {_part(row, *part) for row in page}
        return [
            Write(key, name, key, {self._column: target})
            for key, row in sorted(bare.items())
            if _part(row, *part) not in named
        ]


def _part(row: Mapping[str, object], parent: str, text: str) -> tuple[str, str]:
    return to_18(str(row[parent])), str(row[text])
