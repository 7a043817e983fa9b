"""What is ours of Kustomer's two budgets, and until when: by office hours, where there are some."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.office_hours import by_hours
from service.config import KustomerConfig
from service.config_hours import zone

_WEEK_S = 7 * 24 * 3600


@dataclass(frozen=True)
class PaceNow:
    """What is in force. `until`: epoch seconds of the next change; None when none is coming."""

    rate_share: float
    search_per_minute: int
    office_hours: bool
    until: float | None


class Pace:
    """The two budgets' shares as functions of the time (epoch s)."""

    def __init__(self, settings: KustomerConfig) -> None:
        self._settings = settings
        config = settings.office_hours
        self._hours = config.schedule() if config else None
        share, searches = settings.rate_share, settings.search_per_minute
        self.share: Callable[[float], float] = by_hours(
            self._hours, config.rate_share if config else share, share
        )
        self.searches: Callable[[float], int] = by_hours(
            self._hours, (config and config.search_per_minute) or searches, searches
        )
        self._known = (0.0, 0.0, PaceNow(share, searches, False, None))

    def at(self, now: float) -> PaceNow:
        """What is in force at `now`; cheap when asked again and again."""
        since, until, known = self._known
        if self._hours is None or since <= now < until:
            return known
        change = self._hours.changes_at(now)
        inside = self._hours.within(now)
        known = PaceNow(self.share(now), self.searches(now), inside, change)
        self._known = (now, change if change is not None else now + _WEEK_S, known)
        return known

    def words(self, now: float) -> str:
        """What is in force and until when, as a sentence without its full stop."""
        pace = self.at(now)
        told = (
            f"{100 * pace.rate_share:g} % of the org's requests and "
            f"{pace.search_per_minute} searches a minute are ours"
        )
        if not self._settings.office_hours:
            return told
        told += ", as at office hours" if pace.office_hours else ", as outside office hours"
        if pace.until is None:
            return told
        name = self._settings.office_hours.timezone
        local = datetime.fromtimestamp(pace.until, UTC).astimezone(zone(name))
        return f"{told}, until {local:%a %H:%M} ({name})"

    def mean(self, now: float) -> tuple[float, float]:
        """Share and searches a minute on the average of the week from `now` on."""
        if self._hours is None:
            return self.share(now), float(self.searches(now))
        steps = range(int(now), int(now) + _WEEK_S, 300)
        return (
            sum(self.share(at) for at in steps) / len(steps),
            sum(self.searches(at) for at in steps) / len(steps),
        )
