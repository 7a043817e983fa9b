"""Office hours as a function of the time: days, midnight, and clocks that jump."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connectors.office_hours import Hours, OfficeHours, by_hours

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = frozenset(range(5))
DAY = Hours(WEEKDAYS, 8 * 60, 18 * 60)
NIGHT = Hours(frozenset({4}), 22 * 60, 6 * 60)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-27T07:59:59", False),
        ("2026-11-27T08:00:00", True),
        ("2026-11-27T17:59:59", True),
        ("2026-11-27T18:00:00", False),
        ("2026-11-28T12:00:00", False),  # a Saturday
        ("2026-11-30T12:00:00", True),
    ],
)
def test_a_range_holds_on_its_days_from_its_beginning_up_to_its_end(
    moment: str, inside: bool
) -> None:
    assert OfficeHours([DAY], BERLIN).within(at(moment)) is inside


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-27T21:59:59", False),
        ("2026-11-27T22:00:00", True),
        ("2026-11-28T00:00:00", True),
        ("2026-11-28T05:59:59", True),
        ("2026-11-28T06:00:00", False),
        ("2026-11-27T02:00:00", False),  # the night before begins on a Thursday
    ],
)
def test_a_range_over_midnight_belongs_to_the_day_on_which_it_begins(
    moment: str, inside: bool
) -> None:
    assert OfficeHours([NIGHT], BERLIN).within(at(moment)) is inside


def test_the_wall_clock_counts_before_and_after_the_clocks_change() -> None:
    hours = OfficeHours([DAY], BERLIN)
    assert hours.within(utc("2026-03-27T07:00")), "eight o'clock is seven in UTC"
    assert not hours.within(utc("2026-03-27T06:59"))
    assert hours.within(utc("2026-03-30T06:00")), "from the 29th on it is six"
    assert not hours.within(utc("2026-03-30T05:59"))
    assert hours.changes_at(utc("2026-03-27T17:00")) == utc("2026-03-30T06:00")
    assert hours.changes_at(utc("2026-10-23T16:00")) == utc("2026-10-26T07:00")


def test_an_hour_that_is_left_out_is_left_out_and_one_that_comes_twice_counts_twice() -> None:
    early = OfficeHours([Hours(frozenset({6}), 2 * 60, 2 * 60 + 30)], BERLIN)
    spring = utc("2026-03-28T12:00")
    assert early.changes_at(spring) == at("2026-04-05T02:00"), "there is no half past two that day"
    first = early.changes_at(utc("2026-10-24T12:00"))
    assert first == utc("2026-10-25T00:00")
    ends = early.changes_at(first)
    assert ends == utc("2026-10-25T00:30")
    assert early.changes_at(ends) == utc("2026-10-25T01:00"), "two o'clock, once more"


def test_a_range_that_ends_at_an_hour_that_is_left_out_ends_when_the_clock_jumps() -> None:
    hours = OfficeHours([Hours(frozenset({6}), 0, 2 * 60 + 30)], BERLIN)
    assert hours.changes_at(utc("2026-03-29T00:00")) == utc("2026-03-29T01:00")


def test_several_ranges_hold_together_and_touching_ones_are_one() -> None:
    morning, afternoon = Hours(WEEKDAYS, 480, 720), Hours(WEEKDAYS, 780, 1080)
    split = OfficeHours([morning, afternoon], BERLIN)
    assert [split.within(at(f"2026-11-27T{hour}:30")) for hour in (11, 12, 13)] == [
        True,
        False,
        True,
    ]
    touching = OfficeHours([morning, Hours(WEEKDAYS, 720, 1080)], BERLIN)
    assert touching.changes_at(at("2026-11-27T09:00")) == at("2026-11-27T18:00")


def test_hours_without_an_end_never_change() -> None:
    always = OfficeHours([Hours(frozenset(range(7)), 0, 1440)], BERLIN)
    assert always.within(at("2026-11-27T00:00"))
    assert always.changes_at(at("2026-11-27T00:00")) is None


def test_a_change_is_the_first_minute_of_what_is_new() -> None:
    hours = OfficeHours([DAY, NIGHT], ZoneInfo("America/St_Johns"))
    now = utc("2026-01-01T00:00")
    seen = []
    for _ in range(40):
        change = hours.changes_at(now)
        assert change is not None
        assert hours.within(change) != hours.within(change - 1)
        seen.append(change)
        now = change
    assert seen == sorted(set(seen))


def test_what_is_in_force_follows_the_hours_and_stands_still_without_them() -> None:
    share = by_hours(OfficeHours([DAY], BERLIN), 0.3, 0.7)
    assert [share(at(f"2026-11-27T{each}")) for each in ("07:59", "08:00", "18:00")] == [
        0.7,
        0.3,
        0.7,
    ]
    assert by_hours(None, 0.3, 0.7)(at("2026-11-27T12:00")) == 0.7
