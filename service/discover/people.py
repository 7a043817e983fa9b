"""Users, teams and tags: how many, and how many of them Salesforce knows. Counts alone leave here."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.kustomer.client import KustomerClient
from connectors.salesforce.client import SalesforceClient
from service.discover.counting import UNABLE
from service.discover.facts import TagFacts, TeamFacts, UserFacts
from service.phases import Phase
from transforms.lookups import Lookups
from transforms.mapping import Mapping as MapFile
from transforms.match import MatchRule
from transforms.record import Record, compile_path

Row = dict[str, Any]
_STATES = ("deactivated", "pending", "machine", "active")


@dataclass
class People:
    """What was read of the small lists; held in memory only, and only as long as it is matched."""

    users: dict[str, Row] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    teams: dict[str, Row] = field(default_factory=dict)
    tags: TagFacts | None = None
    read: set[str] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)


async def read_people(client: KustomerClient, users: Phase, teams: Phase) -> People:
    """Read the lists of users, teams and tags; what the key may not read is a gap."""
    found = People()
    try:
        for variant in users.stream.variants:
            async for row in every(client, users.stream.path, variant, users.stream.page_size):
                _take(found, row, variant)
        found.read.add("users")
    except UNABLE as error:
        found.gaps.append(f"Users cannot be read: {error.message}")
    try:
        async for row in every(client, teams.stream.path, {}, teams.stream.page_size):
            found.teams[str(row.get("id"))] = row
        found.read.add("teams")
    except UNABLE as error:
        found.gaps.append(f"Teams cannot be read: {error.message}")
    try:
        counts = [
            len([row async for row in every(client, "/v1/tags", {"deleted": deleted})])
            for deleted in ("false", "true")
        ]
        found.tags = TagFacts(live=counts[0], deleted=counts[1])
    except UNABLE as error:
        found.gaps.append(f"Tags cannot be read: {error.message}")
    return found


def _take(found: People, row: Row, variant: Mapping[str, str]) -> None:
    """Note a user once, in the state that weighs most: a deactivated machine is deactivated."""
    key = str(row.get("id"))
    told = row.get("attributes") or {}
    state = "active"
    if variant.get("deleted") == "true" or told.get("deletedAt"):
        state = "deactivated"
    elif variant.get("pending") == "true" or told.get("pending") is True:
        state = "pending"
    elif told.get("userType") == "machine":
        state = "machine"
    before = found.states.get(key, "active")
    found.states[key] = min(before, state, key=_STATES.index)
    found.users[key] = row


async def match_users(
    people: People, mapping: MapFile, salesforce: SalesforceClient
) -> UserFacts | None:
    """Match users as `migrate` would, and tell the counts."""
    if "users" not in people.read:
        return None
    matched = await _matched(people.users, mapping, "users", salesforce)
    states = Counter(people.states.values())
    return UserFacts(**{name: states[name] for name in _STATES}, **matched)


async def match_teams(
    people: People, mapping: MapFile, salesforce: SalesforceClient
) -> TeamFacts | None:
    """Match teams as `migrate` would, and tell the counts."""
    if "teams" not in people.read:
        return None
    matched = await _matched(people.teams, mapping, "teams", salesforce)
    return TeamFacts(live=len(people.teams), **matched)


async def _matched(
    rows: Mapping[str, Row], mapping: MapFile, phase: str, salesforce: SalesforceClient
) -> dict[str, int]:
    line = mapping.phases[phase].match if phase in mapping.phases else None
    if line is None:
        return {"matched": 0, "unmatched": len(rows), "several": 0}
    rule = MatchRule(line.object, line.target, line.where, compile_path(line.source))
    targets: Counter[str] = Counter()
    async for page in salesforce.query(rule.soql()):
        values = (record.get(rule.target) for record in page)
        targets.update(rule.normalise(each) for each in values if isinstance(each, str))
    nobody = Lookups()
    records = (Record(row, row.get("attributes") or {}, nobody) for row in rows.values())
    hits = [targets[value] if (value := rule.value(each)) else 0 for each in records]
    return {
        "matched": sum(each == 1 for each in hits),
        "unmatched": sum(each == 0 for each in hits),
        "several": sum(each > 1 for each in hits),
    }


async def every(
    client: KustomerClient,
    path: str,
    params: Mapping[str, str],
    page_size: int = 100,
    most_pages: int = 1_000,
) -> AsyncIterator[Row]:
    """Yield the rows of a small list, page by page, up to a number of pages."""
    for number in range(1, most_pages + 1):
        page = await client.list_page(path, number, page_size=page_size, params=params)
        for row in page.rows:
            yield row
        if not page.has_next or not page.rows:
            return
