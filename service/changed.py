"""The window of what changed in a stream since its mark."""

from service.config import DeltaConfig
from service.phases import Phase
from service.planner import Plan, Planner

_MS = 1000


async def changes_since(
    rules: DeltaConfig,
    planner: Planner,
    phase: Phase,
    mark_ms: int,
    *,
    now_ms: int,
    since_ms: int | None = None,
) -> tuple[Plan, int]:
    """Plan what changed from the mark, less an overlap, to now, less the index's lag (epoch ms).

    `since_ms` lets it begin earlier. Returns the slices, none when nothing did, and the mark that holds
    once they are read. Raises as `Planner.changed`.
    """
    high = now_ms - rules.lag_seconds * _MS
    low = mark_ms - rules.overlap_seconds * _MS
    low = low if since_ms is None else min(low, since_ms)
    return await planner.changed(phase, low, max(low + 1, high)), high
