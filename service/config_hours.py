"""`kustomer.office_hours` of the config file: when agents are at work, and what is ours then."""

import re
from datetime import tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from connectors.office_hours import Hours, OfficeHours
from service.config_parts import Section

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS = re.compile(r"(\w+)(?:\.\.(\w+))?")


def _days(value: list[str]) -> list[str]:
    for each in value:
        named(each)
    return value


def named(text: str) -> list[int]:
    """The days that `mon` or `mon..fri` names, 0 for Monday; a range may go over Sunday."""
    match = _DAYS.fullmatch(text)
    ends = [each for each in match.groups() if each is not None] if match else []
    if not ends or any(each not in DAYS for each in ends):
        raise PydanticCustomError("days", "must name days such as mon or mon..fri")
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _time(value: str) -> str:
    minutes(value)
    return value


def minutes(text: str) -> int:
    """Minutes of the day that `08:30` names; `24:00` is midnight at its end."""
    match = re.fullmatch(r"(\d\d):(\d\d)", text, re.ASCII)
    at = 60 * int(match[1]) + int(match[2]) if match else -1
    if match is None or int(match[2]) > 59 or not 0 <= at <= 24 * 60:
        raise PydanticCustomError("time", "must be a time such as 08:30")
    return at


def _zone(value: str) -> str:
    zone(value)
    return value


def zone(name: str) -> tzinfo:
    """The time zone of that name, from the system's or Python's own table."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # no such name, a folder's name, or no table at all
        raise PydanticCustomError(
            "zone",
            "is no time zone that this machine knows, such as Europe/Berlin; where it knows none, "
            "install the package tzdata",
        ) from None


Day = Annotated[str, Field(min_length=1)]
Time = Annotated[str, AfterValidator(_time)]


class HoursConfig(Section):
    """One range on some days; an end that is not after the start lies on the next day."""

    days: Annotated[list[Day], Field(min_length=1), AfterValidator(_days)] = Field(
        default=["mon..fri"],
        description="Days on which the range begins: mon, tue, ..., or mon..fri.",
    )
    begin: Time = Field(
        alias="from", description="When it begins, by the zone's wall clock: 08:00."
    )
    end: Time = Field(alias="to", description="When it ends: 18:00; 24:00 is midnight.")

    def hours(self) -> Hours:
        """The range as the schedule takes it."""
        days = frozenset(day for each in self.days for day in named(each))
        return Hours(days, minutes(self.begin) % (24 * 60), minutes(self.end))


class OfficeHoursConfig(HoursConfig):
    """When people are at work in Kustomer, and what is ours of its budgets then."""

    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        description="Whose wall clock counts, such as Europe/Berlin."
    )
    rate_share: float = Field(
        default=0.3, ge=0.01, le=1, description="Share of the org's request limit at these hours."
    )
    search_per_minute: int | None = Field(
        default=None, ge=1, le=100, description="Searches a minute at these hours; else as always."
    )
    further: list[HoursConfig] = Field(
        default_factory=list, description="Further ranges: after the lunch break, on Saturdays."
    )

    @model_validator(mode="after")
    def _some_time(self) -> "OfficeHoursConfig":
        if any(each.begin == each.end for each in (self, *self.further)):
            raise PydanticCustomError("hours", "must end at another time than they begin")
        return self

    def schedule(self) -> OfficeHours:
        """All ranges as a function of the time."""
        ranges = [each.hours() for each in (self, *self.further)]
        return OfficeHours(ranges, zone(self.timezone))
