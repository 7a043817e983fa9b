"""Hours of the week at which people are at work: a pure function of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, TypeVar

T = TypeVar("T")

_MINUTE_S: Final = 60
_DAY_MIN: Final = 24 * 60
# Every range comes again within a week; a day more, since a day may have 23 hours or none at all.
_HORIZON_MIN: Final = 8 * _DAY_MIN


@dataclass(frozen=True)
class Hours:
    """A range on some days of the week (0 is Monday), in minutes of the day by the wall clock.

    `end` may be 1440, midnight. An `end` that is not after `begin` lies on the next day; `days` name
    the day on which the range begins.
    """

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, weekday: int, minute: int) -> bool:
        """Tell whether a minute of a day lies in the range."""
        if self.begin < self.end:
            return weekday in self.days and self.begin <= minute < self.end
        before = (weekday - 1) % 7
        evening = weekday in self.days and minute >= self.begin
        return evening or (before in self.days and minute < self.end)


class OfficeHours:
    """Ranges by the wall clock of one zone; an hour that the clock repeats counts both times."""

    def __init__(self, ranges: Sequence[Hours], zone: tzinfo) -> None:
        self._ranges = tuple(ranges)
        self._zone = zone

    def within(self, now: float) -> bool:
        """Tell whether `now` (epoch s) lies in any range."""
        local = datetime.fromtimestamp(now, self._zone)
        minute = 60 * local.hour + local.minute
        return any(each.holds(local.weekday(), minute) for each in self._ranges)

    def changes_at(self, now: float) -> float | None:
        """Epoch seconds of the next change after `now`; None when there is none.

        Looks at each minute, since the wall clock may jump between two of them: up to 20 ms.
        """
        inside = self.within(now)
        first = (int(now) // _MINUTE_S + 1) * _MINUTE_S
        for at in range(first, first + _HORIZON_MIN * _MINUTE_S, _MINUTE_S):
            if self.within(at) != inside:
                return float(at)
        return None


def by_hours(hours: OfficeHours | None, inside: T, outside: T) -> Callable[[float], T]:
    """What is in force at a time (epoch s): `inside` the office hours or `outside` of them."""
    if hours is None:
        return lambda _: outside
    return lambda now: inside if hours.within(now) else outside
