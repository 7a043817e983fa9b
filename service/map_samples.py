"""What `map show` reads of real records: some to show, and the figures of their values."""

from dataclasses import dataclass, field
from typing import Any

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from service.config import Config
from service.ledger import open_ledger
from service.phases import Phase
from service.sampling import PAGES, sample_pages
from service.value_facts import (
    KindValues,
    counted_values,
    named,
    outside_tokens,
    sampled_values,
)
from state.errors import NoWorkspace, StateTooOld
from transforms.lookups import Lookups
from transforms.map_lines import FieldLine
from transforms.mapping import Mapping
from transforms.record import Record, first_of
from transforms.schema.source import SourceSchema
from transforms.schema.tally import CUSTOM
from transforms.shape import FieldShape

_SHOWN_RECORDS = 25


@dataclass(frozen=True)
class Samples:
    """Records by phase, the names of its sensitive attributes, and the figures of its values.

    `outside`: by object and field, values that the target has no place for, as far as their names are
    known.
    """

    lookups: Lookups
    schema: SourceSchema
    values: dict[str, KindValues]
    outside: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sensitive: dict[str, frozenset[str]] = field(default_factory=dict)

    def name_outside(
        self,
        place: tuple[str, str],
        known: KindValues,
        line: FieldLine,
        shape: FieldShape | None,
        phase: str,
        kind: str,
    ) -> None:
        """Keep what values outside the target are called, where Kustomer or a record read tells."""
        for path in line.source:
            profile = known.profiles.get(path)
            tokens = outside_tokens(profile, known.token, line, shape) if profile else None
            if tokens:
                candidates = [*self._listed(kind, path), *self._texts(phase, path)]
                self.outside.setdefault(place, []).extend(named(tokens, known.token, candidates))

    def _listed(self, kind: str, path: str) -> tuple[str, ...]:
        attributes = self.schema.kinds[kind].attributes if kind in self.schema.kinds else {}
        known = attributes.get(path.removeprefix(CUSTOM))
        return known.values if known else ()

    def _texts(self, phase: str, path: str) -> list[str]:
        get = first_of([path])
        found: list[Any] = []
        for row in self.records.get(phase, []):
            record = record_of(row, self.lookups)
            value = get(record) if record else None
            found += value if isinstance(value, list) else [value]
        return [each for each in found if isinstance(each, str) and each]


async def whole_values(
    config: Config, clock: Clock, phases: tuple[Phase, ...]
) -> dict[str, KindValues]:
    """The figures of all records, of phases that are read to their end; nothing without a state."""
    try:
        async with open_ledger(config, clock.now, read_only=True) as ledger:
            found = await counted_values(ledger, phases)
    except (NoWorkspace, StateTooOld):
        return {}
    return {name: each for name, each in found.items() if each.basis == "all"}


async def read_samples(
    samples: Samples, kustomer: KustomerClient, mapping: Mapping, phases: tuple[Phase, ...]
) -> None:
    """Read a page of each kind, and up to eight of those whose figures only a sample can tell."""
    for phase in phases:
        if phase.of or phase.operation == "match":
            continue
        pages = 1 if phase.name in samples.values else PAGES
        rows = [
            row
            async for page in sample_pages(kustomer, phase.stream.path, pages=pages)
            for row in page.rows
        ]
        if rows and phase.name not in samples.values:
            samples.values[phase.name] = sampled_values(mapping, phase.name, rows)
        kind = samples.schema.kinds.get(phase.kind)
        samples.records[phase.name] = rows[:_SHOWN_RECORDS]
        samples.sensitive[phase.name] = frozenset(
            name for name, each in (kind.attributes if kind else {}).items() if each.sensitive
        )


def record_of(row: dict[str, Any], lookups: Lookups) -> Record | None:
    """The record as converters see it; None for what is none."""
    attributes = row.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(row.get("id"), str):
        return None
    return Record(row, attributes, lookups)
