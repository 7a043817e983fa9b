import time
from collections.abc import Iterator
from typing import Any

import pytest

from simulators.kustomer.criteria import BadSearch
from simulators.kustomer.org import Org, epoch_ms
from simulators.kustomer.search import TWO_YEARS_MS, SearchIndex

NOW = epoch_ms("2026-11-20T12:00:00.000Z")
RECENT = "2026-06-01T00:00:00.000Z"


def made(kind: str, number: int, updated: str = RECENT, **attributes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": f"{number:024x}",
        "attributes": {"createdAt": RECENT, "updatedAt": updated, **attributes},
        "relationships": {},
    }


def index_of(*records: dict[str, Any]) -> SearchIndex:
    return SearchIndex(Org(records), lambda: NOW, 0)


def ids(index: SearchIndex, *, archive: bool = False, **body: Any) -> set[int]:
    return {int(row.id, 16) for row in index.find(body, archive=archive)}


def test_closed_windows_cover_every_row_of_a_storm_once() -> None:
    stamps = ["2026-05-31T23:59:59.999Z", RECENT, RECENT, RECENT, "2026-06-01T00:00:00.001Z"]
    index = index_of(*(made("message", n, at) for n, at in enumerate(stamps)))

    def window(low: str, high: str) -> set[int]:
        tests = [{"message_updated_at": {"gte": low}}, {"message_updated_at": {"lt": high}}]
        return ids(index, queryContext="message", **{"and": tests})

    assert window(RECENT, "2026-06-01T00:00:00.001Z") == {1, 2, 3}
    assert window("2026-05-31T00:00:00.000Z", RECENT) == {0}


def test_rows_of_one_millisecond_come_in_an_order_that_is_not_that_of_their_ids() -> None:
    index = index_of(*(made("message", n) for n in range(64)))
    body = {"queryContext": "message", "sort": [{"message_updated_at": "asc"}]}
    order = [int(row.id, 16) for row in index.find(body, archive=False)]
    assert order != sorted(order)
    assert [row.id for row in index.find(body, archive=False)] == [f"{n:024x}" for n in order]


def test_standard_and_archive_search_split_at_two_years_without_overlap() -> None:
    seam = NOW - TWO_YEARS_MS
    assert epoch_ms("2024-11-20T12:00:00.000Z") == seam
    old, edge = made("message", 1, "2024-11-20T11:59:59.999Z"), made("message", 2)
    edge["attributes"]["updatedAt"] = "2024-11-20T12:00:00.000Z"
    index = index_of(old, edge)
    assert ids(index, queryContext="message") == {2}
    assert ids(index, archive=True, queryContext="message") == {1}


def test_notes_have_no_archive() -> None:
    with pytest.raises(BadSearch):
        index_of().find({"queryContext": "note"}, archive=True)


def test_deleted_rows_show_only_when_asked_for_and_messages_never() -> None:
    index = index_of(
        made("conversation", 1, deleted=True),
        made("conversation", 2),
        made("message", 3, deleted=True),
    )
    assert ids(index, queryContext="conversation") == {2}
    assert ids(index, queryContext="conversation", includeDeleted=True) == {1, 2}
    assert ids(index, queryContext="message", includeDeleted=True) == set()


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ({"conversation_status": {"equals": "OPEN"}}, {1}),
        ({"conversation_status": {"not_equals": "open"}}, {2, 3}),
        ({"conversation_status": {"in": ["open", "done"]}}, {1, 2}),
        ({"conversation_name": {"contains": "order"}}, {1}),
        ({"conversation_priority": {"gte": 3}}, {2}),
        ({"conversation_priority": {"not_set": ""}}, {3}),
        ({"conversation_custom_amountNum": {"lt": 10}}, {1}),
        ({"conversation_tags": {"equals": "t2"}}, {2}),
        ({"conversation_updated_at": {"equals": "2026-06-01"}}, {1, 2, 3}),
    ],
)
def test_each_operator_finds_what_it_says(test: dict[str, Any], found: set[int]) -> None:
    index = index_of(
        made(
            "conversation", 1, status="open", name="My order", priority=1, custom={"amountNum": 5}
        ),
        made("conversation", 2, status="done", name="Reorders", priority=3, tags=["t1", "t2"]),
        made("conversation", 3, status="snoozed", name="x"),
    )
    assert ids(index, queryContext="conversation", **{"and": [test]}) == found


def test_or_and_not_join_criteria() -> None:
    index = index_of(*(made("conversation", n, priority=n) for n in range(1, 6)))
    some = [{"conversation_priority": {"equals": n}} for n in (1, 2, 3)]
    none = {"conversation_priority": {"equals": 2}}
    assert ids(index, queryContext="conversation", **{"or": some, "not": none}) == {1, 3}


def test_criteria_of_one_object_filter_another() -> None:
    open_one = made("conversation", 9, status="open")
    open_one["relationships"]["customer"] = {"data": {"type": "customer", "id": f"{1:024x}"}}
    index = index_of(made("customer", 1), made("customer", 2), open_one)
    assert ids(index, **{"and": {"conversation_status": {"equals": "open"}}}) == {1}


def test_date_only_criteria_shift_with_the_zone() -> None:
    index = index_of(made("message", 1, "2026-05-31T23:30:00.000Z"))
    test = {"message_updated_at": {"gte": "2026-06-01"}}
    assert ids(index, queryContext="message", **{"and": test}) == set()
    zone = "Europe/Berlin"
    assert ids(index, queryContext="message", timeZone=zone, **{"and": test}) == {1}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"queryContext": "spaceship"},
        {"query": {}},
        {"and": [{"customer_shoe_size": {"equals": 1}}]},
        {"and": [{"customer_name": {"like": "x"}}]},
        {"and": [{"customer_name": {"equals": "x"}, "customer_email": {"equals": "y"}}]},
        {"and": [{"customer_created_at": {"gte": "2026-01-01", "lt": "2026-02-01"}}]},
        {"and": [{"customer_created_at": {"gte": "yesterday"}}]},
        {"and": [{"customer_name": {"equals": "x"}}] * 21},
        {"sort": [{"customer_email": "asc"}]},
        {"sort": [{"customer_created_at": "up"}]},
        {"timeZone": "Mars/Olympus"},
        {"queryContext": "message", "and": {"message_conversation_id": {"equals": "x"}}},
    ],
)
def test_what_the_api_does_not_know_is_refused(body: Any) -> None:
    with pytest.raises(BadSearch):
        index_of().find(body, archive=False)


def test_the_archive_knows_its_own_attributes() -> None:
    message = made("message", 5, "2020-01-01T00:00:00.000Z")
    message["relationships"]["conversation"] = {"data": {"type": "conversation", "id": "c1"}}
    test = {"message_conversation_id": {"equals": "c1"}}
    body = {"queryContext": "message", "and": test, "sort": [{"message_id": "asc"}]}
    assert ids(index_of(message), archive=True, **body) == {5}
    with pytest.raises(BadSearch):
        ids(index_of(message), archive=True, **{**body, "and": {"message_body": {"equals": "x"}}})


def test_custom_objects_are_searched_all_at_once_or_by_klass() -> None:
    order, other = made("kobject.order", 1), made("kobject.delivery", 2)
    for record in (order, other):
        name = record["type"].partition(".")[2]
        record["relationships"]["klass"] = {"data": {"type": "klass", "id": name}}
    order["attributes"]["custom"] = {"sizeNum": 4}
    index = index_of(order, other)
    assert ids(index, queryContext="kobject") == {1, 2}
    assert ids(index, queryContext="kobject_order") == {1}
    test = {"kobject_custom_order_sizeNum": {"equals": 4}}
    assert ids(index, queryContext="kobject", **{"and": test}) == {1}


def test_with_a_lag_the_index_shows_a_change_late_and_the_old_row_until_then() -> None:
    now = NOW
    org = Org([made("message", 1)])
    index = SearchIndex(org, lambda: now, 60_000)
    body = {"queryContext": "message", "and": {"message_updated_at": {"gte": "2026-11-20"}}}
    org.put(made("message", 1, "2026-11-20T12:00:00.000Z"))
    org.put(made("message", 2, "2026-11-20T12:00:00.000Z"))
    assert ids(index, **body) == set()
    assert ids(index, queryContext="message") == {1}
    now += 60_000
    assert ids(index, **body) == {1, 2}


def test_a_row_that_is_changed_or_dropped_leaves_no_ghost() -> None:
    org = Org([made("message", n) for n in range(5)])
    index = SearchIndex(org, lambda: NOW, 0)
    assert len(index.find({"queryContext": "message"}, archive=False)) == 5
    org.put(made("message", 3, "2026-07-01T00:00:00.000Z"))
    org.drop("message", f"{4:024x}")
    for attribute in ("message_created_at", "message_updated_at"):
        sort = [{attribute: "asc"}]
        found = index.find({"queryContext": "message", "sort": sort}, archive=False)
        assert sorted(int(row.id, 16) for row in found) == [0, 1, 2, 3]


def many() -> Iterator[dict[str, Any]]:
    for number in range(60_000):
        stamp = f"2026-{number % 9 + 1:02d}-01T00:{number % 60:02d}:00.{number % 1000:03d}Z"
        yield made("message", number, stamp)


def test_a_window_among_many_rows_and_its_pages_are_quick() -> None:
    index = SearchIndex(Org(many()), lambda: NOW, 0)
    index.find({"queryContext": "message"}, archive=False)
    begun = time.perf_counter()
    for minute in range(60):
        low = {"message_updated_at": {"gte": f"2026-03-01T00:{minute:02d}:00.000Z"}}
        high = {"message_updated_at": {"lt": f"2026-03-01T00:{minute:02d}:01.000Z"}}
        body = {"queryContext": "message", "and": [low, high]}
        for _ in range(5):
            index.find(body, archive=False)
    assert time.perf_counter() - begun < 1.5
