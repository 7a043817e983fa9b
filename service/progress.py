"""What the run knows about itself, for progress lines, `--json` and metrics.

The counters mirror the books of the ledger (which are the truth) and are cheap to read at any time.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_RATE_SPAN_S = 60.0


@dataclass
class BudgetView:
    """One request budget as seen now: requests used of those allowed in this window."""

    name: str
    used: int
    allowed: int
    waiting: int
    paused_because: str | None


@dataclass
class PhaseSnapshot:
    """One phase as seen now. `eta_s` is None while it cannot be told honestly."""

    name: str
    state: str
    source_total: int | None
    extracted: int
    loaded: int
    matched: int
    skipped: int
    held: int
    failed: int
    duplicates: int
    changed: int
    rate_per_s: float
    eta_s: float | None


@dataclass
class RunSnapshot:
    """The whole run as seen now; sizes in bytes, times in epoch seconds.

    `pace`: what is ours of Kustomer's budgets and until when; None without office hours.
    """

    phases: list[PhaseSnapshot]
    requests: list[BudgetView]
    queue_bytes: int
    queue_limit: int
    spool_bytes: int
    waiting_for: str | None
    pace: str | None
    started_at: float
    now: float


@dataclass
class PhaseProgress:
    """The live counters of one phase.

    `before`: sightings of earlier passes, whose records are counted in all but `extracted`.
    """

    name: str
    state: str = "waiting"
    source_total: int | None = None
    extracted: int = 0
    loaded: int = 0
    matched: int = 0
    skipped: int = 0
    held: int = 0
    failed: int = 0
    duplicates: int = 0
    changed: int = 0
    before: int = 0
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    def settled(self) -> int:
        """Records whose way has ended, one way or the other."""
        ended = self.loaded + self.matched + self.skipped + self.held + self.failed
        return ended + self.duplicates - self.before

    def snapshot(self, now: float) -> PhaseSnapshot:
        """Freeze the counters, with the rate over the last minute and an honest estimate."""
        moved = self.extracted + self.settled()
        self._marks.append((now, moved))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_SPAN_S:
            self._marks.popleft()
        then, before = self._marks[0]
        rate = (moved - before) / (now - then) / 2 if now > then else 0.0
        return PhaseSnapshot(
            self.name,
            self.state,
            self.source_total,
            self.extracted,
            self.loaded,
            self.matched,
            self.skipped,
            self.held,
            self.failed,
            self.duplicates,
            self.changed,
            rate,
            self._eta(rate),
        )

    def _eta(self, rate: float) -> float | None:
        """Seconds left at the recent rate; None without a total or a rate."""
        if self.state == "done":
            return 0.0
        if self.source_total is None or rate <= 0:
            return None
        left = max(0, self.source_total - self.extracted) + max(
            0, max(self.source_total, self.extracted) - self.settled()
        )
        return left / 2 / rate


@dataclass
class RunProgress:
    """All phases of a run, and what it waits for."""

    phases: dict[str, PhaseProgress]
    started_at: float
    budgets: Callable[[], list[BudgetView]] = list
    queue_bytes: Callable[[], int] = lambda: 0
    queue_limit: int = 0
    spool_bytes: int = 0
    waits: Callable[[], list[str | None]] = list
    pace: Callable[[float], str | None] = lambda _: None

    def snapshot(self, now: float) -> RunSnapshot:
        """Return the whole run as seen at `now` (epoch s)."""
        waits = [why for why in self.waits() if why]
        return RunSnapshot(
            [phase.snapshot(now) for phase in self.phases.values()],
            self.budgets(),
            self.queue_bytes(),
            self.queue_limit,
            self.spool_bytes,
            "; ".join(waits) or None,
            self.pace(now),
            self.started_at,
            now,
        )
