"""Which conversations a plan takes, and whether one plan lies within another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.move_plan import MovePlan, epoch_ms, is_hot

DAYS = st.none() | st.sampled_from(["2024-01-01", "2025-01-01", "2026-01-01T12:00:00Z"])
IDS = st.sets(st.sampled_from("abc")).map(lambda found: tuple(sorted(found)))
PLANS = st.builds(
    MovePlan,
    created_since=DAYS,
    created_before=DAYS,
    touched_since=DAYS,
    teams=IDS,
    brands=IDS,
    tags=IDS,
)


def conversation(**given: Any) -> dict[str, Any]:
    attributes = {
        "status": "done",
        "createdAt": "2025-05-05T05:05:05.005Z",
        "updatedAt": "2025-06-06T06:06:06.006Z",
        "assignedTeams": ["a"],
        "tags": ["b"],
        **given,
    }
    return {"attributes": attributes, "relationships": {"brand": {"data": {"id": "c"}}}}


RECORDS = st.builds(
    conversation,
    createdAt=st.sampled_from(["2023-12-31T23:59:59.999Z", "2025-01-01T00:00:00.000Z"]),
    updatedAt=st.sampled_from(["2025-01-01T00:00:00.000Z", "2026-01-01T12:00:00.000Z"]),
    assignedTeams=IDS.map(list),
    tags=IDS.map(list),
)


@given(PLANS, PLANS, RECORDS)
def test_what_a_plan_within_another_takes_the_other_takes(
    one: MovePlan, other: MovePlan, record: dict[str, Any]
) -> None:
    if one.within(other) and one.takes(record):
        assert other.takes(record)
    assert one.within(one)
    assert one.within(MovePlan())


def test_all_filters_must_hold_and_any_value_of_one_will_do() -> None:
    assert MovePlan(teams=("a", "x"), tags=("b",), brands=("c",)).takes(conversation())
    assert not MovePlan(teams=("a",), tags=("x",)).takes(conversation())
    assert not MovePlan(brands=("x",)).takes(conversation())


def test_the_first_moment_is_in_and_the_end_is_out() -> None:
    moment = "2025-05-05T05:05:05.005Z"
    assert MovePlan(created_since=moment).takes(conversation())
    assert not MovePlan(created_before=moment).takes(conversation())
    assert MovePlan(created_before="2025-05-06").takes(conversation())


@pytest.mark.parametrize("odd", [None, "", "yesterday", 5, "2025-13-45T00:00:00Z"])
def test_a_conversation_without_a_date_that_is_one_is_taken_and_is_not_hot(odd: Any) -> None:
    days = {"created_since": "2025-01-01", "created_before": "2026-01-01"}
    plan = MovePlan(**days, touched_since="2025-01-01")
    assert plan.takes(conversation(createdAt=odd, updatedAt=odd))
    assert not is_hot(conversation(updatedAt=odd), 0)


def test_open_snoozed_and_recent_is_hot() -> None:
    cutoff = epoch_ms("2026-01-01")
    assert is_hot(conversation(status="open"), cutoff)
    assert is_hot(conversation(status="snoozed"), cutoff)
    assert is_hot(conversation(updatedAt="2026-01-01T00:00:00.000Z"), cutoff)
    assert not is_hot(conversation(), cutoff)


def test_a_plan_with_no_filter_leaves_nothing_out_whatever_goes_first() -> None:
    assert not MovePlan(recent_days=3, set_by="Ada").filters
    assert MovePlan(tags=("b",)).filters
