"""What a budget tells about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BudgetSnapshot:
    """A budget at one moment. `allowed` is per window, and less than `limit * share` while others
    need more than their part; `reset_in_s` is seconds; `remaining` is what the remote last said."""

    limit: int
    allowed: int
    used_in_window: int
    remaining: int | None
    reset_in_s: float
    waiting: int
    paused_because: str | None
