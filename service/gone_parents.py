"""Which parents that a row names were deleted in Kustomer: it need not wait for those.

A parent that is neither in Salesforce nor set apart was left out as deleted, or was not in its list.
Kustomer is asked for each of them once: one that it still has is waited for.
"""

from collections.abc import Iterable, Mapping

from service.phases import Phase
from service.reread import Rereader
from state.ledger import Ledger


class GoneParents:
    """Tells deleted parents from late ones, and remembers for one run what it was told."""

    def __init__(self, ledger: Ledger, source: Rereader, phases: Iterable[Phase]) -> None:
        self._ledger = ledger
        self._source = source
        self._phases: Mapping[str, Phase] = {phase.kind: phase for phase in phases}
        self._told: dict[str, bool] = {}

    async def among(self, kind: str, missing: Iterable[str]) -> set[str]:
        """Return those of the missing ids that were deleted. Raises the connectors' errors."""
        ids = sorted(missing)
        phase = self._phases.get(kind)
        if phase is None or not ids:
            return set()
        apart = await self._ledger.rows.apart(ids)
        unknown = [each for each in ids if each not in apart and each not in self._told]
        if unknown:
            found = await self._source.read(phase, unknown)
            for each in unknown:
                attributes = found.get(each, {}).get("attributes") or {}
                self._told[each] = each not in found or attributes.get("deleted") is True
        return {each for each in ids if each not in apart and self._told.get(each, False)}
