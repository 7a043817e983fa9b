"""Compares both sides: counts of every phase, and a seeded sample of records field by field.

A record is read in Kustomer again, made into rows by the map in force, and each field that the map fills
is compared with what Salesforce holds now. Nothing is written.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.retrieve import retrieve
from service.assemble import Assembler
from service.changes import FIXED, TOUCH_FIELDS, ChangeLines, is_touched, sent_cells
from service.cutover.record import PhaseCheck, Verification
from service.difference import AUDIT, MADE_MARK
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
Outcome = Literal["equal", "fixed", "edited", "different", "missing"]
OUTCOMES: Final[Sequence[Outcome]] = ("equal", "fixed", "edited", "different", "missing")


@dataclass(frozen=True)
class _Found:
    """How one record compares, and the fields that differ."""

    outcome: Outcome
    fields: Sequence[str] = ()


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
        found: dict[str, _Found] = {}
        for name in sorted({row.object for row in made}):
            rows = [row for row in made if row.object == name]
            await self._compare(phase, compiled.tables[name], rows, found)
        _tell(check, found)

    async def _compare(
        self, phase: Phase, table: Table, rows: Sequence[RowEntry], found: dict[str, _Found]
    ) -> None:
        """Add to `found` how each record of the rows compares; of several parts the worst counts."""
        sides = self._sides
        assembler = Assembler(sides.ledger, phase, table)
        reader = ChangeLines(rows, len(table.parents))
        cells, _ = await assembler.parents.of([reader])
        keys = sorted(set(reader.keys))
        standing = await sides.ledger.crosswalk.standing(phase.kind, keys)
        here = {p: s for p, s in standing.items() if s.object == table.object}
        told = await sides.ledger.rows.held_changes(phase.name, keys, FIXED)
        there = await self._there(table, here)
        ours = await runners(sides.ledger, sides.salesforce)
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            entry = here.get(place)
            if entry is None or entry.origin == REMOVED:
                continue
            record = there.get(entry.target_id)
            fields: list[str] = []
            outcome: Outcome = "missing"
            if record is not None:
                values = sent_cells(reader, index, cells, assembler.columns)
                fields = _differing(table, entry, values, record)
                moved = not table.followed and bytes.fromhex(reader.digests[index]) != entry.digest
                outcome = _outcome(
                    fields, edited=is_touched(record, ours), fixed=moved or place in told
                )
            found[place[0]] = max(
                found.get(place[0], _Found("equal")), _Found(outcome, fields), key=_weight
            )

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


def _outcome(fields: Sequence[str], *, edited: bool, fixed: bool) -> Outcome:
    """How a record compares that differs in `fields`."""
    if not fields:
        return "equal"
    if edited:
        return "edited"
    # What was set at creation does not follow a source that was merged with an older one.
    return "fixed" if fixed or AUDIT.issuperset(fields) else "different"


def _weight(found: _Found) -> int:
    return OUTCOMES.index(found.outcome)


def _tell(check: PhaseCheck, found: Mapping[str, _Found]) -> None:
    counts = Counter(each.outcome for each in found.values())
    check.equal, check.edited, check.fixed = counts["equal"], counts["edited"], counts["fixed"]
    check.different, check.missing = counts["different"], counts["missing"]
    off = {key: each for key, each in found.items() if each.outcome in ("different", "missing")}
    check.fields = dict(Counter(name for each in off.values() for name in each.fields))
    check.ids = sorted(off)[:SHOWN_IDS]
