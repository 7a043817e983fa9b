"""Reads blocks back: rows as dictionaries, by the csv module as an independent witness."""

import csv
import io

from tests.unit.transforms.samples import TAG, TEAM, USER, Row
from transforms.block import Block
from transforms.compile import CompiledMapping, CompiledPhase
from transforms.lookups import Lookups

LOOKUPS = Lookups(tags={TAG: "vip"}, users={USER: "Sam Lee"}, teams={TEAM: "Tier One"})


def cells(payload: bytes) -> list[str]:
    """The cells of one payload."""
    found = list(csv.reader(io.StringIO(payload.decode(), newline=""), strict=True))
    assert len(found) == 1
    return found[0]


def rows_of(phase: CompiledPhase, block: Block, table: str) -> list[dict[str, str]]:
    """Filled cells by column, parents as `@name`."""
    compiled, rows = phase.tables[table], block.tables[table]
    made = []
    for index, payload in enumerate(rows.payloads):
        row = dict(zip(compiled.columns, cells(payload), strict=True))
        for parent, column in zip(compiled.parents, rows.parents, strict=True):
            row[f"@{parent.name}"] = column[index]
        made.append({name: value for name, value in row.items() if value})
    return made


def mapped(default_map: CompiledMapping, phase: str, table: str, record: Row) -> dict[str, str]:
    """The one row that a record becomes."""
    compiled = default_map.phases[phase]
    block = compiled([record], LOOKUPS)
    assert not block.held, block.held
    assert not block.skipped
    (row,) = rows_of(compiled, block, table)
    return row


def held(default_map: CompiledMapping, phase: str, record: object) -> tuple[str, str]:
    """Reason and field of the one record that is held."""
    block = default_map.phases[phase]([record], LOOKUPS)
    assert not any(rows.keys for rows in block.tables.values())
    (found,) = block.held
    return found.reason, found.field
