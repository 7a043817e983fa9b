"""The window of what changed in a stream since its mark."""

from service.config import Config
from service.phases import Phase
from service.planner import Plan, Planner

_MS = 1000


async def changes_since(
    config: Config, planner: Planner, phase: Phase, mark_ms: int, *, now_ms: int
) -> tuple[Plan, int]:
    """Plan what changed from the mark, less an overlap, to now, less the index's lag (epoch ms).

    Returns the slices, none when nothing did, and the mark that holds once they are read. Raises as
    `Planner.changed`.
    """
    high = now_ms - config.delta.lag_seconds * _MS
    low = mark_ms - config.delta.overlap_seconds * _MS
    return await planner.changed(phase, low, max(low + 1, high)), high
