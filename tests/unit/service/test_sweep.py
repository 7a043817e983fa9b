"""What is missing is asked for; what cannot be read, or is too much, is never taken for deleted."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from connectors.errors import BadRequest, NotFound, RoleMissing, Unreachable
from connectors.kustomer.client import KustomerClient, Page, SearchQuery
from service.audit_log import STATE, AuditLog
from service.config import Config
from service.deletions import Deletions
from service.errors import UsageInvalid
from service.phases import PHASES, phase_named
from service.removals import GONE_DIGEST
from service.reread import Fate, Rereader
from service.sweep import Sweeper
from service.sweep_notes import SweepNotes, SweepView
from state.ledger import Ledger
from tests.unit.connectors.virtual_clock import VirtualClock

MESSAGES, NOTES = phase_named("messages"), phase_named("notes")
START_MS = 1_690_000_000_000


def key(number: int) -> str:
    return f"{number:024x}"


def stamp(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


class HandClock(VirtualClock):
    """Moves when it is told to, and never by itself: work in other threads takes no time on it."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self._moved = anyio.Event()

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._moved.set()
        self._moved = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        end = self.passed + seconds
        while self.passed < end:
            await self._moved.wait()


class FakeKustomer:
    """Messages or notes by id, made one second after the other; an id is 404 when it is in `gone`.

    `hidden` ones are not shown by searches and lists, `others` answer as another record. `fail` is
    raised by every search, `fail_reads` by every read by id. A page of `clock` takes ten seconds.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = list(ids)
        self.hidden: set[str] = set()
        self.gone: set[str] = set()
        self.others: set[str] = set()
        self.tombstones: dict[str, str] = {}
        self.fail: Exception | None = None
        self.fail_reads: Exception | None = None
        self.audit: list[list[dict[str, Any]]] | Exception = []
        self.pages = 0
        self.read: list[str] = []
        self.clock: HandClock | None = None

    def _shown(self) -> list[tuple[int, str]]:
        return [
            (START_MS + number * 1000, each)
            for number, each in enumerate(self.ids)
            if each not in self.hidden and each not in self.gone
        ]

    async def search_page(
        self, query: SearchQuery, page: int, *, page_size: int = 500, patient: bool = True
    ) -> Page:
        if self.fail is not None:
            raise self.fail
        found = [] if query.archive else self._shown()
        for rule in query.criteria:
            for test in rule.values():
                for operator, value in test.items():
                    at = round(datetime.fromisoformat(value).timestamp() * 1000)
                    found = [each for each in found if (each[0] >= at) == (operator == "gte")]
        if page_size > 1 and self.clock is not None:
            self.clock.advance(10.0)
            await anyio.lowlevel.checkpoint()
        self.pages += page_size > 1
        start = (page - 1) * page_size
        rows = [
            {"id": each, "attributes": {"createdAt": stamp(ms)}}
            for ms, each in found[start : start + page_size]
        ]
        return Page(rows, [], start + page_size < len(found), len(found), 10 * len(rows))

    async def list_page(self, path: str, page: int, *, page_size: int, **_: Any) -> Page:
        if self.fail is not None:
            raise self.fail
        found = self._shown()[(page - 1) * page_size : page * page_size]
        rows: list[dict[str, Any]] = [{"id": each} for _, each in found]
        return Page(rows, [], len(rows) == page_size, None, 10 * len(rows))

    async def get(self, path: str) -> dict[str, Any]:
        if "/audit-logs" in path:
            if isinstance(self.audit, Exception):
                raise self.audit
            number = int(path.rpartition("before=")[2]) if "before=" in path else 0
            follows = (
                f"/v1/audit-logs?before={number + 1}" if number + 1 < len(self.audit) else None
            )
            rows = self.audit[number] if self.audit else []
            return {"data": rows, "links": {"next": follows}}
        source_id = path.rpartition("/")[2]
        self.read.append(source_id)
        if self.fail_reads is not None:
            raise self.fail_reads
        if source_id in self.gone:
            raise NotFound("gone")
        attributes = {"deleted": True, "deletedAt": self.tombstones.get(source_id)}
        if source_id not in self.tombstones:
            attributes = {}
        answer = key(9_999) if source_id in self.others else source_id
        return {"data": {"id": answer, "attributes": attributes}}


def config(**delta: Any) -> Config:
    given = {
        "kustomer": {"base_url": "http://127.0.0.1:9", "api_key": "env:A", "connections": 2},
        "salesforce": {"client_id": "env:B", "client_secret": "env:C", "org_id": "00D5f000000Dsk1"},
        "delta": delta,
    }
    return Config.model_validate(given)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start=START_MS / 1000 + 1_000_000)


@pytest.fixture
async def ledger(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=clock.now) as opened:
        async with opened.write() as tx:
            await opened.runs.start(tx, "migrate", 1)
            for phase in PHASES:
                await opened.gates.close(tx, phase.name, at=1.0, source_count=0, target_count=0)
        yield opened


async def load(ledger: Ledger, ids: Sequence[str], kind: str = "message", job: int = 0) -> None:
    async with ledger.write() as tx:
        entries = [(each, 0, f"02s{each}", 5, b"digest") for each in ids]
        await ledger.crosswalk.learn(tx, kind, "EmailMessage", entries, origin="loaded", job=job)


def sweeper(ledger: Ledger, fake: FakeKustomer, clock: VirtualClock, **delta: Any) -> Sweeper:
    return Sweeper(config(**delta), ledger, cast("KustomerClient", fake), PHASES, clock)


async def removals(ledger: Ledger, phase: str = "messages") -> dict[str, bytes | None]:
    rows = await ledger.rows.listed(phase=phase, limit=1000)
    return {row.source_id: row.payload for row in rows if row.reason == "deleted"}


async def view(ledger: Ledger, stream: str) -> SweepView:
    return next(each for each in await SweepNotes(ledger).view(PHASES) if each.stream == stream)


async def test_what_is_missing_is_asked_for_and_only_what_is_gone_follows(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(50)]
    fake = FakeKustomer(ids)
    fake.gone = {ids[3], ids[20]}
    fake.hidden = {ids[5], ids[7], ids[9]}
    fake.others = {ids[7]}
    fake.tombstones = {ids[9]: "2026-01-02T03:04:05.000Z"}
    await load(ledger, ids)
    assert await sweeper(ledger, fake, clock).run(MESSAGES) == "finished"
    gone = await removals(ledger)
    assert gone.keys() == {ids[3], ids[9], ids[20]}
    assert gone[ids[9]] == b'{"version":1767323045000}'
    assert not await ledger.gates.closed("messages")
    assert await ledger.gates.closed("notes")
    found = await view(ledger, "messages")
    assert (found.missing, found.deleted, found.merged) == (5, 3, 1)
    assert set(fake.read) >= {ids[n] for n in (3, 5, 7, 9, 20)}
    assert (await ledger.sweeps.counts("message")).shown == 0, "nothing of it is kept"


async def test_what_was_followed_or_loaded_later_is_not_asked_for(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(6)]
    fake = FakeKustomer(ids[2:])
    fake.gone = {*ids[:2], ids[5]}
    await load(ledger, ids[:5])
    await load(ledger, ids[5:], job=7)  # by a job that the ledger has only later
    async with ledger.write() as tx:
        places = [(ids[0], 0, f"02s{ids[0]}", 5, GONE_DIGEST)]
        await ledger.crosswalk.revise(tx, "message", places)
        await ledger.crosswalk.remove(tx, "message", [(ids[1], 0)])
    assert await sweeper(ledger, fake, clock).run(MESSAGES) == "finished"
    assert not fake.read
    assert not await removals(ledger)


@pytest.mark.parametrize("error", [RoleMissing("No role."), NotFound("No list."), BadRequest("?")])
@pytest.mark.parametrize("phase", [MESSAGES, NOTES])
async def test_a_stream_that_cannot_be_read_is_told_and_nothing_is_concluded(
    ledger: Ledger, clock: VirtualClock, error: Exception, phase: Any
) -> None:
    ids = [key(number) for number in range(20)]
    fake = FakeKustomer(ids)
    await load(ledger, ids, phase.kind)
    fake.fail = error
    assert await sweeper(ledger, fake, clock).run(phase) == "unreadable"
    assert (await view(ledger, phase.name)).state == "unreadable"
    assert not await removals(ledger, phase.name)
    fake.fail = None
    assert await sweeper(ledger, fake, clock).run(phase) == "finished"
    assert (await view(ledger, phase.name)).state == "finished"


async def test_an_outage_stops_the_run_and_the_next_one_goes_on_without_reading_again(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(30)]
    fake = FakeKustomer(ids)
    fake.gone = {ids[4]}
    await load(ledger, ids)
    fake.fail_reads = Unreachable("Nobody answers.")
    with pytest.raises(BaseException) as raised:
        await sweeper(ledger, fake, clock).run(MESSAGES)
    assert raised.group_contains(Unreachable)
    pages = fake.pages
    assert pages > 0
    fake.fail_reads = None
    assert await sweeper(ledger, fake, clock).run(MESSAGES) == "finished"
    assert fake.pages == pages
    assert (await removals(ledger)).keys() == {ids[4]}


async def test_ids_that_are_all_not_found_are_believed_only_while_witnesses_are_found(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(40)]
    fake = FakeKustomer(ids)
    fake.hidden = {ids[1], ids[2]}
    fake.fail_reads = NotFound("As if it were not there.")
    await load(ledger, ids)
    assert await sweeper(ledger, fake, clock).run(MESSAGES) == "unreadable"
    assert not await removals(ledger)
    assert "cannot be read by their ids" in (await view(ledger, "messages")).why


@pytest.mark.parametrize(
    ("missing", "records", "share", "end"),
    [(5, 5, 0.0, "finished"), (6, 5, 0.0, "held"), (10, 0, 0.1, "finished"), (11, 0, 0.1, "held")],
)
async def test_more_missing_than_both_bounds_allow_is_held(
    ledger: Ledger, clock: VirtualClock, missing: int, records: int, share: float, end: str
) -> None:
    ids = [key(number) for number in range(100)]
    fake = FakeKustomer(ids)
    fake.gone = set(ids[:missing])
    await load(ledger, ids)
    rules = {"sweep_records": records, "sweep_share": share}
    assert await sweeper(ledger, fake, clock, **rules).run(MESSAGES) == end
    assert len(await removals(ledger)) == (missing if end == "finished" else 0)
    if end == "held":
        assert not fake.read
        pages = fake.pages
        one = sweeper(ledger, fake, clock, **rules)
        assert await one.run(MESSAGES) == "held"
        assert fake.pages > pages, "without a decision it is read anew"
        pages = fake.pages
        assert await one.run(MESSAGES, accept=True) == "finished"
        assert fake.pages == pages, "what was read is gone on with"
        assert len(await removals(ledger)) == missing


async def test_an_empty_stream_is_held_however_few_records_there_are(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(3)]
    fake = FakeKustomer(ids)
    fake.hidden = set(ids)
    await load(ledger, ids)
    assert await sweeper(ledger, fake, clock).run(MESSAGES) == "held"
    assert not fake.read
    assert await sweeper(ledger, fake, clock).run(MESSAGES, accept=True) == "finished"
    assert not await removals(ledger), "accepted or not, each was asked for"


async def test_a_sweep_is_paused_in_time_and_goes_on_where_it_was(ledger: Ledger) -> None:
    ids = [key(number) for number in range(20_000)]
    fake = FakeKustomer(ids)
    fake.clock = clock = HandClock(START_MS / 1000 + 1_000_000)
    fake.gone = {ids[77]}
    await load(ledger, ids)
    ends = []
    for _ in range(20):
        ends.append(await sweeper(ledger, fake, clock).run(MESSAGES, until=clock.now() + 65))
        if ends[-1] == "finished":
            break
    assert ends[:2] == ["paused", "paused"]
    assert ends[-1] == "finished"
    assert fake.pages < 60, "only what was under way is read again"
    assert (await removals(ledger)).keys() == {ids[77]}


async def test_streams_are_swept_when_they_are_due(ledger: Ledger, clock: VirtualClock) -> None:
    fake = FakeKustomer([key(1)])
    look = Deletions(config(), ledger, cast("KustomerClient", fake), PHASES, clock)
    assert await look.sweep() == {}, "the load has shown all"
    assert await look.sweep(due=False) == {}
    clock.advance(25 * 3600)
    ended = await look.sweep()
    assert list(ended) == look.streams == list(dict.fromkeys(look.streams))
    assert set(ended.values()) == {"finished"}
    assert await look.sweep() == {}
    assert list(await look.sweep(["notes"])) == ["notes"]
    never = Deletions(config(sweep_hours=0), ledger, cast("KustomerClient", fake), PHASES, clock)
    clock.advance(1e6)
    assert await never.sweep() == {}
    with pytest.raises(UsageInvalid):
        await look.sweep(accept=["users"])


def entry(number: int, verb: str, kind: str, at: str) -> dict[str, Any]:
    held = {"objectType": kind, "objectId": key(number), "eventVerb": verb, "createdAt": at}
    return {"id": f"e{number}", "attributes": held}


async def test_the_audit_log_is_read_page_by_page_and_confirmed_by_id(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ids = [key(number) for number in range(10)]
    now = stamp(int(clock.now() * 1000))
    fake = FakeKustomer(ids)
    fake.gone = {ids[1], ids[2]}
    fake.audit = [
        [entry(1, "delete", "message", now), entry(3, "delete", "message", now), {"odd": True}],
        [entry(4, "update", "message", now), entry(2, "delete", "message", now)],
        [entry(5, "delete", "message", "2001-01-01T00:00:00Z"), entry(6, "delete", "search", now)],
        [entry(7, "delete", "message", now)],
    ]
    await load(ledger, ids)
    audit = AuditLog(config(), ledger, cast("KustomerClient", fake), PHASES, clock)
    assert await audit.run() == 2
    assert (await removals(ledger)).keys() == {ids[1], ids[2]}
    assert set(fake.read) == {ids[1], ids[2], ids[3]}, "behind an old entry nothing is read"
    assert await ledger.facts.get(STATE) == "read"


async def test_a_key_without_the_audit_role_is_no_error(
    ledger: Ledger, clock: VirtualClock
) -> None:
    fake = FakeKustomer([])
    fake.audit = RoleMissing("No role.")
    audit = AuditLog(config(), ledger, cast("KustomerClient", fake), PHASES, clock)
    assert await audit.run() == 0
    assert await ledger.facts.get(STATE) == "role-missing"


async def test_what_a_read_by_id_tells_of_a_record() -> None:
    ids = [key(number) for number in range(5)]
    fake = FakeKustomer(ids)
    fake.gone, fake.others, fake.tombstones = {ids[1]}, {ids[2]}, {ids[3]: "no time"}
    source = Rereader(cast("KustomerClient", fake), readers=2)
    told = await source.fates(MESSAGES, ids)
    assert told == {
        ids[0]: Fate("there"),
        ids[1]: Fate("deleted"),
        ids[2]: Fate("merged"),
        ids[3]: Fate("deleted"),
        ids[4]: Fate("there"),
    }
    fake.fail_reads = BadRequest("An odd id.")
    assert (await source.fates(MESSAGES, ids[:1]))[ids[0]] == Fate("there")
