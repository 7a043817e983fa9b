"""The forecast's arithmetic, figure by figure."""

import pytest

from connectors.salesforce.limits import Limit
from service.discover.facts import ForecastFacts, ForecastSummary
from service.discover.forecast import MB, Stream, Terms, duration, forecast, stream_facts
from service.planner import LIST, LIST_AND_WINDOWS, WINDOWS

AMPLE = {
    "DailyApiRequests": Limit(100_000, 100_000),
    "DailyBulkApiBatches": Limit(15_000, 15_000),
    "DataStorageMB": Limit(10_000, 10_000),
    "FileStorageMB": Limit(10_000, 10_000),
    "ContentPublicationLimit": Limit(200_000, 200_000),
}


def terms(**limits: Limit) -> Terms:
    return Terms(1_000, 0.7, 90, {**AMPLE, **limits})


def messages(records: int, way: str = LIST) -> Stream:
    return Stream("messages", "EmailMessage", records, records, way)


def figures(told: ForecastSummary) -> dict[str, ForecastFacts]:
    return {each.key: each for each in told.figures}


def test_a_list_costs_a_page_for_a_hundred_records_and_one_more_for_fifty_pages() -> None:
    told = stream_facts(messages(1_000_000))
    assert (told.list_calls, told.searches) == (10_000 + 200, 0)
    assert stream_facts(messages(0)).list_calls == 2
    users = Stream("users", "User", 40, 0, LIST, page_size=500, variants=4)
    assert stream_facts(users).list_calls == 4 + 1


def test_windows_cost_searches_for_their_pages_and_for_being_found() -> None:
    told = stream_facts(messages(1_000_000, WINDOWS))
    assert (told.list_calls, told.searches) == (0, 2_000 + 400)
    both = stream_facts(messages(1_000_000, LIST_AND_WINDOWS))
    assert (both.list_calls, both.searches) == (10_200, 2_400)


def test_jobs_are_bounded_by_rows_and_by_bytes_and_each_counts_a_batch_of_its_own() -> None:
    told = stream_facts(messages(120_000))
    assert (told.jobs, told.batches, told.salesforce_calls) == (3, 12 + 3, 54)
    heavy = Stream("messages", "EmailMessage", 10_000, 10_000, LIST, sent_bytes=95_000)
    assert stream_facts(heavy).jobs == 10
    nobody = Stream("users", "User", 40, 0, LIST)
    assert (stream_facts(nobody).jobs, stream_facts(nobody).batches) == (0, 0)


def test_hours_follow_from_our_share_of_the_requests() -> None:
    told = figures(forecast([messages(4_200_000)], terms(), files=None, file_bytes=None))
    calls = 42_000 + 840
    assert told["kustomer-calls"].value == calls
    assert told["kustomer-calls"].hours == pytest.approx(calls / 700 / 60)
    assert told["searches"].hours == 0


def test_searches_take_their_own_time() -> None:
    told = forecast([messages(4_500_000, WINDOWS)], terms(), files=None, file_bytes=None)
    searches = 9_000 + 1_800
    assert figures(told)["searches"].value == searches
    assert figures(told)["searches"].hours == pytest.approx(searches / 90 / 60)
    assert told.dominates == "What takes longest: searches in Kustomer, 2.0 h."


def test_what_a_day_has_no_room_for_takes_whole_days() -> None:
    short = terms(DailyBulkApiBatches=Limit(100, 40))
    light = Stream("notes", "CaseComment", 2_000_000, 2_000_000, LIST, sent_bytes=500)
    told = forecast([light], short, files=None, file_bytes=None)
    batches = figures(told)["batches"]
    assert (batches.value, batches.suffices) == (200 + 40, False)
    assert batches.hours == 2 * 24  # forty at once, a hundred after each of two days
    assert "bulk batches" in told.dominates


def test_storage_is_two_kilobytes_a_record_and_an_email_by_its_size() -> None:
    streams = [
        Stream("conversations", "Case", 512, 512, LIST),
        Stream("messages", "EmailMessage", 1_024, 1_024, LIST, stored_bytes=10_240),
    ]
    told = forecast(streams, terms(DataStorageMB=Limit(20, 10)), files=None, file_bytes=None)
    assert figures(told)["data-storage"].value == pytest.approx(1 + 10)
    assert figures(told)["data-storage"].suffices is False
    assert told.verdict == "Data storage does not suffice: 11 MB are needed, 10 MB are left."
    ample = forecast(streams, terms(), files=None, file_bytes=None)
    assert ample.verdict == "Data storage suffices."
    unknown = Terms(1_000, 0.7, 90, {})
    told = forecast(streams, unknown, files=None, file_bytes=None)
    assert figures(told)["data-storage"].suffices is None
    assert "unknown" in told.verdict


def test_files_are_bounded_by_the_day_and_by_their_own_storage() -> None:
    limits = terms(ContentPublicationLimit=Limit(2_500, 2_500), FileStorageMB=Limit(100, 50))
    told = forecast([messages(100)], limits, files=10_000, file_bytes=60 * MB)
    by_key = figures(told)
    assert (by_key["files"].value, by_key["files"].hours) == (10_000, 3 * 24)
    assert by_key["file-calls"].hours == pytest.approx(10_000 / 700 / 60)
    assert (by_key["file-storage"].value, by_key["file-storage"].suffices) == (60, False)
    assert "File storage does not suffice" in told.verdict
    assert "files" not in told.dominates.lower()  # they are not moved yet


def test_every_figure_says_how_it_is_worked_out() -> None:
    for each in forecast([messages(10)], terms(), files=1, file_bytes=1).figures:
        assert each.formula
        assert each.assumption


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.001, "less than a minute"), (0.5, "30 min"), (3.25, "3.2 h"), (96, "4.0 days")],
)
def test_durations_are_said_in_the_unit_that_suits_them(hours: float, said: str) -> None:
    assert duration(hours) == said
