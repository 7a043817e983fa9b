"""Compares both sides: counts of every phase, and a seeded sample of records field by field.

A record is read in Kustomer again, made into rows by the map in force, and each field that the map fills
is compared with what Salesforce holds now. Nothing is written.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.retrieve import retrieve
from service.assemble import Assembler
from service.changes import TOUCH_FIELDS, ChangeLines, is_touched, sent_cells
from service.cutover.record import PhaseCheck, Verification
from service.difference import MADE_MARK
from service.phases import Phase
from service.planner import Planner
from service.reread import Rereader
from service.rows_made import rows_of
from service.runners import runners
from state.crosswalk import REMOVED, Standing
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import CompiledMapping, Table
from transforms.lookups import Lookups
from transforms.same_value import same_value

SHOWN_IDS = 20
Place = tuple[str, int]


@dataclass(frozen=True)
class Sides:
    """Where records are read: both orgs, the ledger between them, and the map in force."""

    ledger: Ledger
    salesforce: SalesforceClient
    source: Rereader
    planner: Planner
    mapping: CompiledMapping
    lookups: Lookups


class Verifier:
    """Compares phase by phase. `sample`: records to pick of each; `seed`: the same picks the same."""

    def __init__(self, sides: Sides, *, sample: int, seed: int) -> None:
        self._sides = sides
        self._sample = sample
        self._seed = seed

    async def run(self, phases: Sequence[Phase], *, at: float) -> Verification:
        """Compare all phases; raises the connectors' errors."""
        checks = [await self._phase(phase) for phase in phases]
        return Verification(seed=self._seed, phases=checks, ended_at=at)

    async def _phase(self, phase: Phase) -> PhaseCheck:
        ledger = self._sides.ledger
        gate = await ledger.gates.get(phase.name)
        counts = phase.operation == "insert" and phase.of is None
        total = await self._sides.planner.source_total(phase) if counts else None
        ours = [await ledger.crosswalk.count(phase.kind, name, "loaded") for name in phase.objects]
        check = PhaseCheck(
            phase=phase.name,
            source_count=total,
            ledger_count=sum(ours),
            target_count=gate.target_count if gate else None,
        )
        if counts:
            await self._fields(phase, check)
        return check

    async def _fields(self, phase: Phase, check: PhaseCheck) -> None:
        picks = random.Random(f"{self._seed}:{phase.name}")  # noqa: S311 - a sample, not a secret
        points = [picks.random() for _ in range(self._sample)]
        picked = await self._sides.ledger.crosswalk.spread(phase.kind, points)
        read = await self._sides.source.read(phase, picked)
        check.sampled = len(picked)
        check.gone = len(picked) - len(read)
        compiled = self._sides.mapping.phases[phase.name]
        made = rows_of(phase.name, compiled(list(read.values()), self._sides.lookups))
        differing: dict[str, dict[str, bool]] = {}
        missing: set[str] = set()
        for name in sorted({row.object for row in made}):
            rows = [row for row in made if row.object == name]
            found, lost = await self._compare(phase, compiled.tables[name], rows)
            missing |= lost
            for key, fields in found.items():
                differing.setdefault(key, {}).update(fields)
        _tell(check, differing, missing, len({row.source_id for row in made}))

    async def _compare(
        self, phase: Phase, table: Table, rows: Sequence[RowEntry]
    ) -> tuple[dict[str, dict[str, bool]], set[str]]:
        """Fields that differ, by record, each with whether somebody else wrote; and lost records."""
        sides = self._sides
        assembler = Assembler(sides.ledger, phase, table)
        reader = ChangeLines(rows, len(table.parents))
        cells, _ = await assembler.parents.of([reader])
        standing = await sides.ledger.crosswalk.standing(phase.kind, sorted(set(reader.keys)))
        here = {p: s for p, s in standing.items() if s.object == table.object}
        there = await self._there(table, here)
        ours = await runners(sides.ledger, sides.salesforce)
        differing: dict[str, dict[str, bool]] = {}
        missing: set[str] = set()
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            entry = here.get(place)
            if entry is None or entry.origin == REMOVED:
                continue
            record = there.get(entry.target_id)
            if record is None:
                missing.add(place[0])
                continue
            values = sent_cells(reader, index, cells, assembler.columns)
            fields = _differing(table, entry, values, record)
            if fields:
                edited = is_touched(record, ours)
                differing.setdefault(place[0], {}).update(dict.fromkeys(fields, edited))
        return differing, missing

    async def _there(
        self, table: Table, standing: Mapping[Place, Standing]
    ) -> dict[str, dict[str, Any]]:
        ids = sorted({each.target_id for each in standing.values()})
        fields = [*table.shapes, *TOUCH_FIELDS]
        return await retrieve(self._sides.salesforce, table.object, ids, fields)


def _differing(
    table: Table, there: Standing, cells: Mapping[str, str], record: Mapping[str, Any]
) -> list[str]:
    """The fields that hold something else than the map makes of the record.

    Of a record that was there before the migration only those count that we had to fill.
    """
    volatile = {table.columns[number] for number in table.volatile}
    supplied = {name for parent in table.parents for name in parent.given}
    found = []
    for name, shape in table.shapes.items():
        cell = cells.get(name, "")
        if name in volatile or (there.origin == "matched" and (name == MADE_MARK or not cell)):
            continue
        if not cell and not shape.nillable and shape.type != "boolean":
            continue  # Salesforce fills it by itself
        value = record.get(name)
        filled = value not in (None, "")
        if filled and (there.origin == "matched" or name in supplied):
            continue  # what was there before stays, and what a parent gave at that time
        if not same_value(shape.type, cell, value):
            found.append(name)
    return found


def _tell(
    check: PhaseCheck, differing: Mapping[str, Mapping[str, bool]], missing: set[str], made: int
) -> None:
    check.missing = len(missing)
    for key, fields in differing.items():
        if key in missing:
            continue
        if any(fields.values()):
            check.edited += 1
            continue
        check.different += 1
        for name in fields:
            check.fields[name] = check.fields.get(name, 0) + 1
    check.equal = made - check.missing - check.edited - check.different
    named = [key for key, fields in differing.items() if not any(fields.values())]
    check.ids = sorted({*missing, *named})[:SHOWN_IDS]
