"""Notes that records are deleted for sure, so that what is in Salesforce follows by the rule.

Whoever found it out (a sweep, the audit log), it goes the way of tombstones: a row for `Removals`, in the
phases that the stream feeds, whose gates are open then. What was followed already is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from service.phases import Phase
from service.removals import removal
from service.sightings import GONE_DIGEST
from state.crosswalk import REMOVED, Standing
from state.ledger import Ledger, Tx


async def unfollowed(ledger: Ledger, phase: Phase, ids: Iterable[str]) -> list[str]:
    """Return those ids that are loaded in `phase` and whose deletion was not followed yet."""
    there = await ledger.crosswalk.standing(phase.kind, sorted(set(ids)))
    return sorted({key for (key, _), found in there.items() if _open(found)})


async def note_gone(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], stream: str, gone: Mapping[str, int]
) -> int:
    """Let deleted records of a stream be followed; `gone`: when each was, epoch ms, as far as known.

    Returns how many records of the stream's own phase are concerned.
    """
    concerned = 0
    for phase in phases:
        if stream not in (phase.name, phase.of) or not gone:
            continue
        there = await ledger.crosswalk.standing(phase.kind, sorted(gone))
        entries = [
            removal(phase, place, found, at_ms=gone[place[0]])
            for place, found in there.items()
            if _open(found)
        ]
        if not entries:
            continue
        await ledger.rows.put(tx, entries)
        await ledger.gates.reopen(tx, phase.name)
        if phase.name == stream:
            concerned = len({entry.source_id for entry in entries})
    return concerned


def _open(found: Standing) -> bool:
    return found.digest != GONE_DIGEST and found.origin != REMOVED
