"""Writes over REST end as wanted whatever is lost or locked, and each is made once."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.errors import OutcomeUnknown
from connectors.salesforce.records import RowOutcome
from service.small_writes import TRIES, Write, write_until_done

pytestmark = pytest.mark.anyio


class Clock:
    """Sleeps are noted, not slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def random(self) -> float:
        return 1.0


class Org:
    """Values by id; replies may be lost, and rows refused, by the plan."""

    def __init__(self, plan: Mapping[int, Any] | None = None) -> None:
        self.values: dict[str, Any] = {}
        self.calls: list[int] = []
        self._plan = dict(plan or {})

    async def collections(
        self, method: str, records: Sequence[Mapping[str, Any]], **_: Any
    ) -> list[RowOutcome]:
        self.calls.append(len(records))
        fate = self._plan.get(len(self.calls))
        if fate == "lost-before":
            raise OutcomeUnknown("The reply was lost.")
        outcomes = []
        for each in records:
            code = fate.get(each["Id"], "") if isinstance(fate, dict) else ""
            if not code:
                self.values[each["Id"]] = each["Name"]
            outcomes.append(RowOutcome(each["Id"], not code, code=code))
        if fate == "lost-after":
            raise OutcomeUnknown("The reply was lost.")
        return outcomes


def wanted_in(org: Org, count: int) -> Any:
    async def wanted() -> list[Write]:
        every = [Write(f"s{n}", "Case", f"id{n}", {"Name": n}) for n in range(count)]
        return [each for each in every if org.values.get(each.id) != each.values["Name"]]

    return wanted


async def work(org: Org, count: int, clock: Clock | None = None) -> dict[str, str]:
    made: Any = org
    return await write_until_done(
        made, clock or Clock(), "PATCH", wanted_in(org, count), lambda: None
    )


async def test_no_call_takes_more_than_the_api_does() -> None:
    org = Org()
    assert await work(org, 450) == {}
    assert org.calls == [200, 200, 50]


@pytest.mark.parametrize("fate", ["lost-before", "lost-after"])
async def test_a_lost_reply_is_settled_by_looking_and_only_what_is_left_goes_again(
    fate: str,
) -> None:
    org = Org({1: fate})
    assert await work(org, 450) == {}
    assert org.calls[3:] == ([200] if fate == "lost-before" else [])
    assert len(org.values) == 450


async def test_a_locked_row_is_tried_again_with_growing_pauses_and_others_are_not() -> None:
    lock = {"id1": "UNABLE_TO_LOCK_ROW"}
    org, clock = Org({1: lock, 2: lock}), Clock()
    assert await work(org, 3, clock) == {}
    assert org.calls == [3, 1, 1]
    assert clock.slept == [0.5, 1.0]


async def test_a_refusal_is_told_by_its_source_record_and_not_tried_again() -> None:
    org = Org({1: {"id2": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}})
    assert await work(org, 3) == {"s2": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    assert org.calls == [3]


async def test_a_row_that_stays_locked_is_told_after_the_last_try() -> None:
    lock = {"id0": "UNABLE_TO_LOCK_ROW"}
    org = Org(dict.fromkeys(range(1, 20), lock))
    assert await work(org, 1) == {"s0": "UNABLE_TO_LOCK_ROW"}
    assert len(org.calls) == TRIES


async def test_replies_that_stay_lost_end_the_run() -> None:
    with pytest.raises(OutcomeUnknown):
        await work(Org(dict.fromkeys(range(1, 20), "lost-before")), 1)
