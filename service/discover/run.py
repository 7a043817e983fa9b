"""`discover`: reads both orgs within the budgets, changes nothing, and puts the inventory together."""

from dataclasses import dataclass, field

import anyio

from connectors.clock import Clock
from service.compose import KustomerSide, open_kustomer_side, open_salesforce
from service.config import Config
from service.declared import klass_stream, phases_of
from service.discover import gaps
from service.discover.counting import Counter
from service.discover.facts import (
    CallFacts,
    ConversationFacts,
    DiscoverFacts,
    SourceRuleFacts,
    TeamFacts,
    UserFacts,
)
from service.discover.forecast import Terms, forecast
from service.discover.kinds import kinds_of, relations_of
from service.discover.messages import Looks, look_at
from service.discover.people import People, match_teams, match_users, read_people
from service.discover.sizing import attachments_of, streams_of
from service.discover.source_rules import read_source_rules
from service.discover.target import Target, read_target
from service.discover.volumes import Volumes, klass_kinds, read_conversations, read_volumes
from service.identity import right_org
from service.mapped import known_map
from service.pace import Pace
from service.phases import Phase, phase_named
from service.sampling import Sample, take_sample
from service.source_schema import read_source_schema
from transforms.mapping import Mapping
from transforms.schema.source import SourceKind, SourceSchema

SAMPLE_PAGES = 3


@dataclass
class _Source:
    """What was read of Kustomer."""

    schema: SourceSchema = field(default_factory=SourceSchema)
    sample: Sample = field(default_factory=Sample)
    volumes: Volumes = field(default_factory=Volumes)
    conversations: ConversationFacts = field(
        default_factory=lambda: ConversationFacts(by_status=[], by_channel=[], by_year=[])
    )
    people: People = field(default_factory=People)
    rules: list[SourceRuleFacts] = field(default_factory=list)
    messages: Looks = field(default_factory=Looks)
    notes: Looks = field(default_factory=Looks)


async def discover(config: Config, clock: Clock) -> DiscoverFacts:
    """Read both orgs and return the inventory; nothing is written anywhere.

    A workspace's map counts where there is one, else the default map with every klass that can be used.
    What the key or the user may not read becomes a gap. Raises `WrongOrg`, `SecretMissing`,
    `MappingInvalid`, and the connectors' errors for a side that does not answer or refuses us as a whole.
    """
    started = clock.monotonic()
    mapping = known_map(config)
    async with (
        open_kustomer_side(config, clock) as side,
        open_salesforce(config, clock) as salesforce,
    ):
        target_org = await right_org(config, salesforce)
        source_org = await side.client.org()
        counter = Counter(side.client)
        source, target = _Source(), Target()

        async def read_salesforce() -> None:
            nonlocal target
            target = await read_target(salesforce, mapping)

        async with anyio.create_task_group() as group:
            group.start_soon(_read_source, side, source, counter, mapping, clock)
            group.start_soon(read_salesforce)
        users = await match_users(source.people, mapping, salesforce)
        teams = await match_teams(source.people, mapping, salesforce)
        calls = CallFacts(
            kustomer=side.client.requests_sent,
            searches=counter.searches,
            salesforce=salesforce.requests_sent,
            seconds=round(clock.monotonic() - started, 1),
        )
        limit = side.budget.snapshot().limit
    found = _Found(config, mapping, source, target, users, teams, limit)
    return found.facts(clock.now(), source_org.id, target_org.org_id, calls)


async def _read_source(
    side: KustomerSide, source: _Source, counter: Counter, mapping: Mapping, clock: Clock
) -> None:
    """Read Kustomer: schema and small lists first, then counts and samples side by side."""
    client = side.client
    source.schema = await read_source_schema(client)
    klasses = klass_kinds(list(source.schema.kinds.values()))
    phases = _streams(mapping, klasses)
    moves = moved_kinds(mapping, klasses)

    async def count() -> None:
        source.volumes = await read_volumes(client, counter, phases, klasses, moves, clock.now())
        search = phase_named("conversations").stream.search
        assert search is not None
        total = source.volumes.records("conversation")
        source.conversations = await read_conversations(counter, search, total, clock.now())
        messages, notes = phase_named("messages"), phase_named("notes")
        source.messages = await look_at(client, messages, source.volumes.records("message"))
        source.notes = await look_at(
            client, notes, source.volumes.records("note"), text="body", part_bytes=4_000
        )

    async def look() -> None:
        source.people = await read_people(client, phase_named("users"), phase_named("teams"))
        source.rules = await read_source_rules(client)
        source.sample = await take_sample(client, source.schema, pages=SAMPLE_PAGES)

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        group.start_soon(look)


def moved_kinds(mapping: Mapping, klasses: dict[str, SourceKind]) -> frozenset[str]:
    """Kinds whose records are moved: by the map, or as `map propose` would add them to it."""
    told = {line.kind: line.move for line in mapping.phases.values() if not line.of}
    proposed = {name for name, kind in klasses.items() if kind.status != "disabled"}
    moved = {kind for kind, move in told.items() if move}
    return frozenset(moved | (proposed - told.keys()))


def _streams(mapping: Mapping, klasses: dict[str, SourceKind]) -> list[Phase]:
    """The streams to be counted: those of the map that are loaded, and every klass."""
    found = [p for p in phases_of(mapping) if p.of is None and p.operation != "match"]
    known = {phase.kind for phase in found}
    found += [
        Phase(name=name, kind=name, stream=klass_stream(name), operation="insert", objects=())
        for name in sorted(klasses.keys() - known)
    ]
    return found


@dataclass(frozen=True)
class _Found:
    """All that was read, put together."""

    config: Config
    mapping: Mapping
    source: _Source
    target: Target
    users: UserFacts | None
    teams: TeamFacts | None
    limit: int

    def facts(
        self, now: float, source_org: str, target_org: str, calls: CallFacts
    ) -> DiscoverFacts:
        """The inventory with its forecast and gaps."""
        source, target = self.source, self.target
        kinds = kinds_of(source.schema, source.sample, self.mapping)
        attachments = attachments_of(source.messages, source.volumes.records("message"))
        share, searches = Pace(self.config.kustomer).mean(now)
        terms = Terms(self.limit, share, max(1, round(searches)), target.limits)
        people = {"users": len(source.people.users), "teams": len(source.people.teams)}
        told = forecast(
            streams_of(source.volumes.streams, self.mapping, source.messages, source.notes, people),
            terms,
            files=attachments.files if attachments else None,
            file_bytes=attachments.bytes if attachments else None,
        )
        unread = [*source.schema.gaps, *source.volumes.gaps, *source.people.gaps, *target.gaps]
        return DiscoverFacts(
            written_at=now,
            kustomer_org=source_org,
            salesforce_org=target_org,
            edition=target.edition,
            person_accounts=target.person_accounts,
            calls=calls,
            requests_per_minute=self.limit,
            volumes=source.volumes.streams,
            users=self.users,
            teams=self.teams,
            tags=source.people.tags,
            attachments=attachments,
            conversations=source.conversations,
            forecast=told,
            kinds=kinds,
            relations=relations_of(source.schema, source.sample),
            targets=target.objects,
            source_automation=source.rules,
            target_automation=target.rules,
            gaps=[
                *gaps.unread_gaps(unread),
                *gaps.target_gaps(target, told),
                *gaps.people_gaps(self.users, self.teams, source.people.tags),
                *gaps.schema_gaps(kinds, source.volumes.streams),
                *gaps.attachment_gaps(attachments),
                *gaps.channel_gaps(source.conversations),
                *gaps.automation_gaps(source.rules, target),
            ],
        )
