"""What parents give their children, of those of which the ledger holds nothing (any more).

What a record gives is learned as its page is sealed. After a purge, or where rows are sent again by a map
that is newer than the parents', it is read from Kustomer again, record by record, for new children alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from service.phases import Phase
from service.reread import Rereader
from transforms.compile import CompiledMapping
from transforms.lookups import Lookups


class SuppliedValues:
    """Asks Kustomer what parents give; nothing of it is kept."""

    def __init__(
        self,
        source: Rereader,
        phases: Iterable[Phase],
        mapping: CompiledMapping,
        lookups: Lookups,
    ) -> None:
        self._source = source
        self._phases = {phase.kind: phase for phase in phases}
        self._mapping = mapping
        self._lookups = lookups

    async def of(self, kind: str, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Return what the records give; one that is gone is absent. Raises the connectors' errors."""
        phase = self._phases.get(kind)
        if phase is None or phase.name not in self._mapping.phases:
            return {}
        read = await self._source.read(phase, ids)
        block = self._mapping.phases[phase.name](list(read.values()), self._lookups)
        return dict(block.supplied)
