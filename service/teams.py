"""Teams: a queue for cases, or a public group, for each; made where none is there, with its members.

A team is one group for ever: it is known by the developer name that holds its Kustomer id, so a group
that was made is found again by every later run, also after the state was lost. Setup records are few
and may not share a transaction with others (salesforce facts, 7.6), so they go by REST, a kind at a
time, and each is looked for before it is made.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.records import MOST_ROWS
from service.agents import USER
from service.counterparts import Pairs, Records, Unpaired
from service.crash_points import reach
from service.errors import DeskferryError
from state.ledger import Ledger, Tx
from transforms.match import MakeKind, MatchRule
from transforms.teams import PREFIX, NewGroup, new_groups

_log = structlog.get_logger()
TEAMS = "teams"  # the phase, and
TEAM = "team"  # its kind
_TYPES: Mapping[MakeKind, str] = {"queue": "Queue", "group": "Regular"}
_MANY = 100  # ids in one query


class GroupRefused(DeskferryError):
    """Salesforce refused to make a queue or a group of a team."""

    code = "group-refused"


class TeamRule:
    """Matches teams with groups: the one made before, else the one of that name, else a new one."""

    def __init__(
        self, rule: MatchRule, make: MakeKind, ledger: Ledger, client: SalesforceClient
    ) -> None:
        self._rule = rule
        self._make = make
        self._ledger = ledger
        self._client = client

    async def pair(self, records: Records, gone: Sequence[str]) -> Pairs:
        """Find or make each team's group. Several groups of a name are in doubt; nothing is made.

        Two teams of one name, letter case aside, share no group: each gets its own. Raises
        `GroupRefused` and the connectors' errors; what was made until then is found by the next run.
        """
        ours, by_name = await self._groups()
        same = Counter(facts.value for facts in records.values())
        pairs, missing = Pairs(), {}
        for source_id, facts in sorted(records.items()):
            hits = by_name.get(facts.value, []) if same[facts.value] == 1 else []
            if source_id in ours:
                pairs.made[source_id] = ours[source_id]
            elif len(hits) == 1:
                pairs.matched[source_id] = hits[0]
            elif hits:
                pairs.unpaired.append(Unpaired(source_id, "several-matches", hits))
            elif facts.state == "deactivated":
                pairs.unpaired.append(Unpaired(source_id, "no-match"))  # nobody needs it any more
            else:
                missing[source_id] = facts.name or facts.value
        taken = {name for name, ids in by_name.items() if ids}
        pairs.made |= await self._made(new_groups(missing, taken))
        if self._make == "queue":
            await self._open_for_cases(list(pairs.made.values()))
        return pairs

    async def note(self, tx: Tx, records: Records, pairs: Pairs) -> None:
        """Remember the members of the groups we made, until they are in them."""
        wanted = [(team, user) for team in pairs.made for user in records[team].members]
        await self._ledger.memberships.add(tx, wanted)

    async def follow(self) -> None:
        """Put members into their groups who have a user by now; the others go on waiting."""
        waiting = await self._ledger.memberships.open()
        if not waiting:
            return
        users = await self._ledger.crosswalk.resolve(USER, sorted({user for _, user in waiting}))
        teams = await self._ledger.crosswalk.resolve(TEAM, sorted({team for team, _ in waiting}))
        ready = {
            (team, user): (teams[team][1], users[user][1])
            for team, user in waiting
            if team in teams and user in users
        }
        there = await self._pairs_there(
            "GroupMember", "GroupId", "UserOrGroupId", [group for group, _ in ready.values()]
        )
        refused = await self._join(sorted(set(ready.values()) - there))
        reach("members-made")
        async with self._ledger.write() as tx:
            done = [pair for pair, ids in ready.items() if ids not in refused]
            await self._ledger.memberships.done(tx, done)

    async def _join(self, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Put users into groups; returns the pairs that Salesforce refuses: they go on waiting.

        A member who cannot be one, for want of a licence or so, must not hold back the records.
        """
        refused = set()
        for start in range(0, len(wanted), MOST_ROWS):
            part = wanted[start : start + MOST_ROWS]
            records = [
                {"attributes": {"type": "GroupMember"}, "GroupId": group, "UserOrGroupId": user}
                for group, user in part
            ]
            outcomes = await self._client.collections("POST", records)
            for (group, user), outcome in zip(part, outcomes, strict=True):
                if not outcome.success:
                    _log.warning("member-refused", group=group, user=user, code=outcome.code)
                    refused.add((group, user))
        return refused

    async def _groups(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """The groups we made by team, and all others of the type by name."""
        ours: dict[str, str] = {}
        others: dict[str, list[str]] = defaultdict(list)
        wanted = _TYPES[self._make]
        soql = f"SELECT Id, Name, DeveloperName FROM Group WHERE Type = '{wanted}'"  # noqa: S608
        async for page in self._client.query(soql):
            for record in page:
                group, known_as = to_18(str(record["Id"])), str(record.get("DeveloperName") or "")
                if known_as.startswith(PREFIX):
                    ours[known_as.removeprefix(PREFIX)] = group
                else:
                    name = self._rule.normalise(str(record.get("Name") or ""))
                    others[name].append(group)
        return ours, others

    async def _made(self, wanted: Sequence[NewGroup]) -> dict[str, str]:
        """Make groups; returns their ids by team."""
        records = [
            {
                "attributes": {"type": "Group"},
                "Name": each.name,
                "DeveloperName": each.developer_name,
                "Type": _TYPES[self._make],
                **({"Description": each.description} if each.description else {}),
            }
            for each in wanted
        ]
        ids = await self._create(records)
        if ids:
            reach("groups-made")
        return {each.source_id: made for each, made in zip(wanted, ids, strict=True)}

    async def _open_for_cases(self, queues: Sequence[str]) -> None:
        """Let queues of ours take cases; those that do stay as they are."""
        there = await self._pairs_there("QueueSobject", "QueueId", "SobjectType", queues)
        await self._create(
            [
                {"attributes": {"type": "QueueSobject"}, "QueueId": queue, "SobjectType": "Case"}
                for queue in queues
                if (queue, "Case") not in there
            ]
        )

    async def _pairs_there(
        self, table: str, first: str, second: str, groups: Sequence[str]
    ) -> set[tuple[str, str]]:
        found = set()
        wanted = sorted(set(groups))
        for start in range(0, len(wanted), _MANY):
            listed = ", ".join(f"'{each}'" for each in wanted[start : start + _MANY])
            soql = f"SELECT {first}, {second} FROM {table} WHERE {first} IN ({listed})"  # noqa: S608
            async for page in self._client.query(soql):
                found |= {(to_18(str(r[first])), _id_or_name(str(r[second]))) for r in page}
        return found

    async def _create(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Make records of one kind; raises `GroupRefused` for the first that Salesforce refuses."""
        made: list[str] = []
        for start in range(0, len(records), MOST_ROWS):
            part = records[start : start + MOST_ROWS]
            for outcome in await self._client.collections("POST", part):
                if not outcome.success:
                    raise GroupRefused(
                        f"Salesforce refused a {part[0]['attributes']['type']} ({outcome.code}).",
                        next_step="Grant the running user Manage Users, which queues and groups need, "
                        "or take `make` out of the map's line of teams; then run migrate again.",
                    )
                made.append(to_18(outcome.id))
        return made


async def reopen_for_members(ledger: Ledger) -> None:
    """Open the gate of teams again when members who waited for a user have one by now."""
    users = sorted({user for _, user in await ledger.memberships.open()})
    if users and await ledger.crosswalk.resolve(USER, users):
        async with ledger.write() as tx:
            await ledger.gates.reopen(tx, TEAMS)


def _id_or_name(value: str) -> str:
    """An id in its long form; the name of an object as it is."""
    return to_18(value) if value.startswith("005") else value
