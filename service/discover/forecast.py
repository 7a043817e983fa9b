"""What a migration will take, worked out from counts and limits. Pure arithmetic: every figure says how.

Sizes in bytes, MB of 1,048,576 bytes, limits as the orgs tell them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from connectors.salesforce.limits import Limit
from service.discover.facts import ForecastFacts, ForecastSummary, StreamFacts
from service.lanes import JOB_BYTES, JOB_ROWS, SERVER_BATCH_ROWS
from service.planner import LIST, LIST_AND_WINDOWS
from service.source_slices import SEARCH_PAGE_ROWS

RECORD_BYTES = 2_048
MB = 1_048_576
PAGES_TO_A_LOOK = 50  # a page in so many is read a second time, to notice rows that moved
ROWS_TO_A_CUT = 2_500  # windows are found by halving: one search more for so many rows
CALLS_OF_A_JOB = 18  # create, upload, close, three results, and a dozen polls at growing intervals
_DAY_H = 24.0
_FILES_A_DAY = 200_000


@dataclass(frozen=True)
class Stream:
    """One stream to be moved. `variants`: lists that are read for it. `rows`: how many rows its records
    become. `stored_bytes` and `sent_bytes` of one row.
    """

    name: str
    object: str
    records: int
    rows: int
    way: str
    page_size: int = 100
    variants: int = 1
    stored_bytes: float = RECORD_BYTES
    sent_bytes: float = RECORD_BYTES


@dataclass(frozen=True)
class Terms:
    """What the limits allow: Kustomer's requests a minute, our share of them, searches a minute."""

    requests_per_minute: int
    rate_share: float
    searches_per_minute: int
    limits: Mapping[str, Limit]

    @property
    def our_requests(self) -> int:
        """Requests a minute that are ours."""
        return max(1, int(self.requests_per_minute * self.rate_share))


def stream_facts(stream: Stream) -> StreamFacts:
    """Calls, jobs, batches and storage of one stream."""
    pages = max(stream.variants, ceil(stream.records / stream.page_size))
    by_list = stream.way in (LIST, LIST_AND_WINDOWS)
    by_search = stream.way != LIST
    searches = ceil(stream.records / SEARCH_PAGE_ROWS) + ceil(stream.records / ROWS_TO_A_CUT)
    loads = stream.rows > 0
    by_size = ceil(stream.rows * stream.sent_bytes / JOB_BYTES)
    jobs = max(ceil(stream.rows / JOB_ROWS), by_size) if loads else 0
    return StreamFacts(
        name=stream.name,
        object=stream.object,
        records=stream.records,
        rows=stream.rows,
        list_calls=pages + ceil(pages / PAGES_TO_A_LOOK) if by_list else 0,
        searches=searches if by_search else 0,
        jobs=jobs,
        batches=ceil(stream.rows / SERVER_BATCH_ROWS) + jobs if loads else 0,
        salesforce_calls=jobs * CALLS_OF_A_JOB,
        stored_mb=stream.rows * stream.stored_bytes / MB,
    )


def forecast(
    streams: Sequence[Stream], terms: Terms, *, files: int | None, file_bytes: int | None
) -> ForecastSummary:
    """The whole forecast. `files` are None where no message could be looked at."""
    told = [stream_facts(each) for each in streams]
    searches = sum(each.searches for each in told)
    calls = sum(each.list_calls for each in told) + searches
    figures = [
        _reading(calls, terms),
        _searching(searches, terms),
        _daily("batches", told, terms),
        _daily("salesforce-calls", told, terms),
        _storage(told, terms),
        *_files(files, file_bytes, terms),
    ]
    return ForecastSummary(
        streams=told, figures=figures, dominates=_dominating(figures), verdict=_verdict(figures)
    )


def _reading(calls: int, terms: Terms) -> ForecastFacts:
    ours = terms.our_requests
    return ForecastFacts(
        key="kustomer-calls",
        title="Requests to Kustomer",
        value=calls,
        unit="requests",
        available=ours,
        hours=calls / ours / 60,
        suffices=None,
        formula="per list: pages + pages / 50; by search: searches; hours = requests / (limit x "
        "rate_share) / 60; with office hours, rate_share is the week's average",
        assumption=f"{ours:,} of {terms.requests_per_minute:,} requests a minute are ours, and agents "
        "leave them to us; files, changes during the load and retries are not in it.",
    )


def _searching(searches: int, terms: Terms) -> ForecastFacts:
    return ForecastFacts(
        key="searches",
        title="Searches in Kustomer",
        value=searches,
        unit="searches",
        available=terms.searches_per_minute,
        hours=searches / terms.searches_per_minute / 60,
        suffices=None,
        formula="records / 500 + records / 2,500 for streams read in windows; hours = searches / "
        "search_per_minute / 60",
        assumption="Windows come out at least half full. Searches run beside lists and are among the "
        "requests.",
    )


_DAILY = {
    "batches": (
        "Bulk batches",
        "DailyBulkApiBatches",
        "rows / 10,000 + one for each job; jobs = the larger of rows / 50,000 and bytes / 95 MB",
        "Rows of a phase fill their jobs; second passes and rows sent again are not in it.",
    ),
    "salesforce-calls": (
        "Requests to Salesforce",
        "DailyApiRequests",
        "18 for each job",
        "A job is created, filled, closed, polled a dozen times, and three results are read.",
    ),
}


def _daily(key: str, told: Sequence[StreamFacts], terms: Terms) -> ForecastFacts:
    title, name, formula, assumption = _DAILY[key]
    value = sum(each.batches if key == "batches" else each.salesforce_calls for each in told)
    limit = terms.limits.get(name)
    return ForecastFacts(
        key=key,
        title=title,
        value=value,
        unit="in all",
        available=limit.remaining if limit else None,
        hours=_days(value, limit.max, limit.remaining) * _DAY_H if limit else None,
        suffices=value <= limit.remaining if limit else None,
        formula=f"{formula}; against {name} of the org in 24 hours",
        assumption=assumption,
    )


def _days(value: int, most: int, remaining: int) -> int:
    """Days to wait until a daily limit has let everything through; 0 when it fits into what is left."""
    over = value - remaining
    return ceil(over / most) if over > 0 and most > 0 else 0


def _storage(told: Sequence[StreamFacts], terms: Terms) -> ForecastFacts:
    need = sum(each.stored_mb for each in told)
    limit = terms.limits.get("DataStorageMB")
    return ForecastFacts(
        key="data-storage",
        title="Data storage",
        value=need,
        unit="MB",
        available=limit.remaining if limit else None,
        hours=None,
        suffices=need <= limit.remaining if limit else None,
        formula="2 KB for each record; an e-mail by its real size, at least 2 KB",
        assumption="E-mails are as large as the sampled messages on average. Feed posts, history and "
        "what automation makes are not in it.",
    )


def _files(files: int | None, size: int | None, terms: Terms) -> list[ForecastFacts]:
    if files is None or size is None:
        return []
    daily = terms.limits.get("ContentPublicationLimit")
    most, left = (daily.max, daily.remaining) if daily else (_FILES_A_DAY, _FILES_A_DAY)
    room = terms.limits.get("FileStorageMB")
    later = "This version does not move attachments yet; the figure is for when they are moved."
    return [
        ForecastFacts(
            key="files",
            title="Files",
            value=files,
            unit="files",
            available=left,
            hours=_days(files, most, left) * _DAY_H,
            suffices=files <= left,
            formula=f"files per sampled message x messages; against {most:,} new files in 24 hours",
            assumption=later,
        ),
        ForecastFacts(
            key="file-calls",
            title="Requests to Kustomer for files",
            value=files,
            unit="requests",
            available=terms.our_requests,
            hours=files / terms.our_requests / 60,
            suffices=None,
            formula="one signed address for each file",
            assumption=later,
        ),
        ForecastFacts(
            key="file-storage",
            title="File storage",
            value=size / MB,
            unit="MB",
            available=room.remaining if room else None,
            hours=None,
            suffices=size / MB <= room.remaining if room else None,
            formula="bytes per sampled message x messages",
            assumption=later,
        ),
    ]


def _dominating(figures: Sequence[ForecastFacts]) -> str:
    """What takes longest of what is moved now; files are for later."""
    timed = [each for each in figures if each.hours and not each.key.startswith("file")]
    if not timed:
        return "Nothing takes a noticeable time."
    most = max(timed, key=lambda each: each.hours or 0.0)
    return f"What takes longest: {most.title[0].lower()}{most.title[1:]}, {duration(most.hours or 0.0)}."


def _verdict(figures: Sequence[ForecastFacts]) -> str:
    """Whether there is room, said plainly."""
    by_key = {each.key: each for each in figures}
    short = [
        f"{each.title} does not suffice: {each.value:,.0f} MB are needed, {each.available or 0:,.0f} MB "
        "are left."
        for key in ("data-storage", "file-storage")
        if (each := by_key.get(key)) is not None and each.suffices is False
    ]
    if short:
        return " ".join(short)
    if by_key["data-storage"].suffices is None:
        return "Whether data storage suffices is unknown: Salesforce does not tell what is left."
    return "Data storage suffices."


def duration(hours: float) -> str:
    """A duration in words: minutes, hours or days."""
    if hours < 1 / 60:
        return "less than a minute"
    if hours < 1:
        return f"{hours * 60:,.0f} min"
    return f"{hours:,.1f} h" if hours < 72 else f"{hours / _DAY_H:,.1f} days"
