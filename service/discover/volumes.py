"""How much there is in Kustomer: every stream, and conversations by what they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.kustomer.client import KustomerClient
from service.discover.counting import UNABLE, Count, Counter
from service.discover.facts import ConversationFacts, ShareFacts, VolumeFacts
from service.phases import Phase, SearchContext
from service.planner import LIST, LIST_CAP_PAGES, Planner, gap_of
from transforms.schema.source import KOBJECT, SourceKind

STATUSES = ("open", "snoozed", "done")
CHANNELS = (
    "email",
    "chat",
    "sms",
    "voice",
    "whatsapp",
    "facebook",
    "instagram",
    "instagram-comment",
    "twitter-dm",
    "twitter-tweet",
    "form",
)
MOST_KLASSES = 25
_YEARS = 5
_COVERED = timedelta(days=730)


@dataclass
class Volumes:
    """The volumes of all streams, and what could not be counted or may be missed."""

    streams: list[VolumeFacts] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def records(self, kind: str) -> int:
        """How many records of a kind there are; 0 where nobody knows."""
        return sum(each.records or 0 for each in self.streams if each.kind == kind)


async def read_volumes(
    client: KustomerClient,
    counter: Counter,
    phases: Sequence[Phase],
    klasses: dict[str, SourceKind],
    moves: frozenset[str],
    now: float,
) -> Volumes:
    """Count the streams of `phases`, and see how each would be read. `moves`: kinds that are moved.

    Costs two searches for each; a few pages of its list where it is long or search cannot tell.
    """
    found = Volumes()
    planner = Planner(client, now_ms=int(now * 1000))
    counted = 0
    for phase in phases:
        kind = klasses.get(phase.kind)
        counted += kind is not None
        if counted > MOST_KLASSES and kind is not None:
            found.gaps.append(f"{phase.kind} was not counted: only {MOST_KLASSES} klasses are.")
            continue
        count = await counter.count(phase)
        way = await _way(planner, phase, count) if count.records else None
        gaps = (count.gap, gap_of(phase, way) if way else None)
        found.gaps += [each for each in gaps if each]
        by_search = phase.stream.search is not None and count.by_list != count.records
        found.streams.append(
            VolumeFacts(
                name=phase.name,
                kind=phase.kind,
                records=count.records,
                counted_by="unknown"
                if count.records is None
                else ("search" if by_search or count.by_archive is not None else "list"),
                exact=count.exact,
                by_list=count.by_list,
                by_search=count.by_search,
                by_archive=count.by_archive,
                way=way,
                status=kind.status if kind else None,
                moves=phase.kind in moves,
            )
        )
    return found


async def _way(planner: Planner, phase: Phase, count: Count) -> str | None:
    """A list that ends before any depth cap is read as a list; nothing need be asked."""
    if count.exact and (count.records or 0) <= LIST_CAP_PAGES * phase.stream.page_size:
        return LIST
    try:
        return await planner.way(phase)
    except UNABLE:
        return None


async def read_conversations(
    counter: Counter, search: SearchContext, total: int | None, now: float
) -> ConversationFacts:
    """Break conversations down; a search that is refused leaves its value uncounted."""
    by_status = [await _share(counter, search, "conversation_status", each) for each in STATUSES]
    by_channel = [await _share(counter, search, "conversation_channels", each) for each in CHANNELS]
    try:
        by_year = await _years(counter, search, total, datetime.fromtimestamp(now, UTC))
    except UNABLE:
        by_year = []
    return ConversationFacts(
        by_status=by_status,
        by_channel=[each for each in by_channel if each.records != 0],
        by_year=by_year,
    )


async def _share(counter: Counter, search: SearchContext, attribute: str, value: str) -> ShareFacts:
    try:
        records = await counter.total(search, {attribute: {"equals": value}})
    except UNABLE:
        records = None
    return ShareFacts(value=value, records=records)


async def _years(
    counter: Counter, search: SearchContext, total: int | None, now: datetime
) -> list[ShareFacts]:
    """The last years one by one, what is older together. The archive holds nothing younger than two
    years, so that it is asked for earlier years only.
    """
    oldest = [await counter.earliest(search, archive=each) for each in (False, True)]
    stamps = [each for each in oldest if each]
    if not stamps:
        return []
    first = max(int(min(stamps)[:4]), now.year - _YEARS)
    shares = []
    for year in range(first, now.year + 1):
        span = (
            {search.created: {"gte": f"{year}-01-01T00:00:00.000Z"}},
            {search.created: {"lt": f"{year + 1}-01-01T00:00:00.000Z"}},
        )
        records = await counter.total(search, *span) or 0
        if datetime(year, 1, 1, tzinfo=UTC) < now - _COVERED:
            records += await counter.total(search, *span, archive=True) or 0
        shares.append(ShareFacts(value=str(year), records=records))
    if total is not None and int(min(stamps)[:4]) < first:
        rest = max(0, total - sum(each.records or 0 for each in shares))
        shares.insert(0, ShareFacts(value=f"before {first}", records=rest))
    return shares


def klass_kinds(kinds: Sequence[SourceKind]) -> dict[str, SourceKind]:
    """Kinds that are klasses, by name."""
    return {each.name: each for each in kinds if each.name.startswith(KOBJECT)}
