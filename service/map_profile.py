"""`map profile`: how the values of all records looked that were read so far; neither org is asked."""

from connectors.clock import Clock
from service.config import Config
from service.ledger import open_ledger
from service.mapped import known_phases
from service.value_facts import Basis, ValueFacts, ViewFacts, counted_values, facts_of


class KindFacts(ViewFacts):
    """One kind of record. `basis`: `all` extracted records, or `part` of them; `records` how many."""

    phase: str
    kind: str
    basis: Basis
    records: int
    values: list[ValueFacts]


class ProfileFacts(ViewFacts):
    """All kinds of which records were read."""

    kinds: list[KindFacts]


async def read_profile(config: Config, clock: Clock) -> ProfileFacts:
    """Read what was counted, mapped or not; raises `NoWorkspace`, `StateTooOld`, `MappingInvalid`."""
    phases = known_phases(config)
    async with open_ledger(config, clock.now, read_only=True) as ledger:
        counted = await counted_values(ledger, phases)
    return ProfileFacts(
        kinds=[
            KindFacts(
                phase=phase.name,
                kind=phase.kind,
                basis=known.basis,
                records=known.records,
                values=[facts_of(path, known) for path in sorted(known.profiles)],
            )
            for phase in phases
            if (known := counted.get(phase.name)) is not None
        ]
    )
