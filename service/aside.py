"""Rows that a job does not send, kept with its intent until the job's end makes them true.

They are applied in the transaction that ends the job. A job given up before its close takes them
with it, so that putting its batches together again counts nothing twice.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import orjson

from service.phases import Phase
from service.repeats import Repeats
from service.transition import Followed, follow
from state.conflicts import RULE, Conflict, Decision, PreImage
from state.ledger import Ledger, Tx
from state.rows import RowEntry, RowState

if TYPE_CHECKING:
    from service.job_rows import RowReader

CHANGED = "changed"


@dataclass(frozen=True)
class AsideRow:
    """A row set aside, with all that is needed to send it later. `detail`: whom it waits for.

    `change`: it changes a record that is there.
    """

    key: str
    part: int
    reason: str
    field: str
    payload: dict[str, Any]
    detail: str = ""
    change: bool = False

    @staticmethod
    def of(
        reader: "RowReader",
        index: int,
        reason: str,
        field_name: str,
        detail: str = "",
        *,
        change: bool = False,
    ) -> "AsideRow":
        """Take row `index` of `reader` aside for `reason`."""
        return AsideRow(
            reader.keys[index],
            reader.parts[index],
            reason,
            field_name,
            loose_payload(reader, index),
            detail,
            change,
        )


@dataclass
class Aside:
    """Duplicates counted, rows held, rows matched with what is there, and twins that wait.

    `found`: rows that an earlier migration has made already, as (source id, part, target id,
    version in epoch ms, digest in hex). `match_keys`: the (match key, target id, source id) of those
    that have one, so that their twins find them.
    `changed`: rows that came out differently than the records that they are. `fixed`: what cannot be
    changed of rows that the job changes or leaves as they are. `same`: rows of which Salesforce has all,
    in the form of `found`. `conflicts`: (source id, part, field, target id, our value, theirs, who wrote
    it, decision). `touched`: ids of records that others have written to. `filled`: (target id, field) of
    records that are not ours, whose field was empty. `taken`: (target id, source id) of existing records
    that stand for one record of the source alone. `emptied`: rows by `Object.Field: reason` that go out
    without a parent that was deleted. `followed`: records that became one of this object without our
    doing. `settled`: (source id, part, field) of conflicts whose decision was acted on. `late`: (user's
    source id, source id, part) of rows that go out without a user who is open.
    """

    duplicates: int = 0
    held: list[AsideRow] = field(default_factory=list)
    waiting: list[AsideRow] = field(default_factory=list)
    matched: list[tuple[str, str]] = field(default_factory=list)
    found: list[tuple[str, int, str, int, str]] = field(default_factory=list)
    match_keys: list[tuple[str, str, str]] = field(default_factory=list)
    changed: list[AsideRow] = field(default_factory=list)
    fixed: list[AsideRow] = field(default_factory=list)
    same: list[tuple[str, int, str, int, str]] = field(default_factory=list)
    conflicts: list[tuple[str, int, str, str, str, str, str, str]] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    filled: list[tuple[str, str]] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    emptied: dict[str, int] = field(default_factory=dict)
    followed: list[Followed] = field(default_factory=list)
    settled: list[tuple[str, int, str]] = field(default_factory=list)
    late: list[tuple[str, str, int]] = field(default_factory=list)

    def keys(self) -> set[tuple[str, int]]:
        """(source id, part) of every row set aside."""
        rows = {(row.key, row.part) for row in (*self.held, *self.waiting, *self.changed)}
        rows |= {(each[0], 0) for each in (*self.matched, *self.followed)}
        return rows | {(key, part) for key, part, *_ in (*self.found, *self.same)}

    def claimed(self) -> set[str]:
        """Ids of the records that rows set aside stand for."""
        return {target for _, _, target, _, _ in self.found}

    def dump(self) -> bytes:
        """Serialise for the job's intent."""
        return orjson.dumps(self)

    @staticmethod
    def load(data: bytes | None) -> "Aside":
        """Read back what `dump` wrote; nothing for None."""
        if not data:
            return Aside()
        raw = orjson.loads(data)
        return Aside(
            raw["duplicates"],
            [AsideRow(**row) for row in raw["held"]],
            [AsideRow(**row) for row in raw["waiting"]],
            [(key, target) for key, target in raw["matched"]],
            [tuple(each) for each in raw.get("found", [])],
            [tuple(each) for each in raw.get("match_keys", [])],
            [AsideRow(**row) for row in raw.get("changed", [])],
            [AsideRow(**row) for row in raw.get("fixed", [])],
            [tuple(each) for each in raw.get("same", [])],
            [tuple(each) for each in raw.get("conflicts", [])],
            raw.get("touched", []),
            [tuple(each) for each in raw.get("filled", [])],
            [tuple(each) for each in raw.get("taken", [])],
            raw.get("emptied", {}),
            [tuple(each) for each in raw.get("followed", [])],
            [tuple(each) for each in raw.get("settled", [])],
            [tuple(each) for each in raw.get("late", [])],
        )

    async def apply(
        self,
        tx: Tx,
        ledger: Ledger,
        phase: Phase,
        table: str,
        job: int,
        refused: Container[tuple[str, int]] = (),
    ) -> tuple[int, int, int, int]:
        """Make it durable; return (duplicates, newly matched, held, newly found) records.

        `refused`: (source id, part) of rows that the job sent and Salesforce did not take.
        """
        repeats = Repeats(ledger, phase)
        await self._note_changes(tx, ledger, phase, table, job, refused)
        entries = [self._entry(phase, table, row, "held") for row in self.held if not row.change]
        entries += [self._entry(phase, table, row, "waiting") for row in self.waiting]
        repeated = await repeats.put(tx, entries, job)
        if self.late:
            await ledger.late.note(tx, phase.name, self.late)
        matched = 0
        if self.matched:
            known = [(key, 0, target, 0, b"") for key, target in self.matched]
            matched = await ledger.crosswalk.learn(
                tx, phase.kind, table, known, origin="matched", job=job
            )
        found = await self._learn_found(tx, ledger, phase, table, job)
        repeated += len(self.matched) + sum(each[1] == 0 for each in self.found) - matched - found
        learned = [(key, 0) for key, _ in self.matched] + [each[:2] for each in self.found]
        duplicates = self.duplicates + repeated + await repeats.forget(tx, learned)
        await ledger.books.add(tx, phase.name, duplicates=duplicates, matched=matched, loaded=found)
        for line, count in self.emptied.items():
            await ledger.books.add_reason(tx, phase.name, "emptied", line, count)
        held = sum(row.part == 0 and not row.change for row in self.held)
        return duplicates, matched, held, found

    async def _note_changes(
        self,
        tx: Tx,
        ledger: Ledger,
        phase: Phase,
        table: str,
        job: int,
        refused: Container[tuple[str, int]],
    ) -> None:
        """Let changed rows be sent, hold those that cannot be, and note which version is there."""
        held = [row for row in self.held if row.change]
        held += [row for row in self.fixed if (row.key, row.part) not in refused]
        changed = await self._newest_changes(ledger, phase, table)
        entries = [self._entry(phase, table, row, "pending") for row in changed]
        entries += [self._entry(phase, table, row, "held") for row in held]
        if entries:
            await ledger.rows.put(tx, entries)
        if self.followed:
            await follow(tx, ledger, phase, table, self.followed, job)
        same = [(*each[:4], bytes.fromhex(each[4])) for each in self.same]
        if same:
            await ledger.crosswalk.revise(tx, phase.kind, same)
        if self.conflicts:
            await ledger.conflicts.open(
                tx, [_conflict(phase, table, each) for each in self.conflicts]
            )
        settled = [each for each in self.settled if each[:2] not in refused]
        if settled:
            await ledger.conflicts.settle(tx, phase.name, settled)
        if self.touched:
            await ledger.conflicts.touch(tx, table, self.touched)
        if self.filled:
            images = [PreImage(table, target, name, "") for target, name in self.filled]
            await ledger.conflicts.keep(tx, job, images)

    async def _newest_changes(self, ledger: Ledger, phase: Phase, table: str) -> Sequence[AsideRow]:
        """Changed rows, without those of which a newer one is on its way to another object."""
        if len(phase.objects) == 1 or not self.changed:
            return self.changed
        keys = sorted({row.key for row in self.changed})
        others = await ledger.rows.other_changes(phase.name, table, keys)
        newer = {
            place: int(orjson.loads(payload)["version"])
            for place, payload in others.items()
            if payload
        }
        return [
            row
            for row in self.changed
            if row.payload["version"] >= newer.get((row.key, row.part), row.payload["version"])
        ]

    async def _learn_found(self, tx: Tx, ledger: Ledger, phase: Phase, table: str, job: int) -> int:
        if self.match_keys:
            await ledger.matches.learn(tx, table, self.match_keys)
        if self.taken:
            await ledger.matches.take(tx, table, self.taken)
        entries = [(*each[:4], bytes.fromhex(each[4])) for each in self.found]
        firsts = [entry for entry in entries if entry[1] == 0]
        others = [entry for entry in entries if entry[1] != 0]
        if others:
            await ledger.crosswalk.learn(tx, phase.kind, table, others, origin="found", job=job)
        if not firsts:
            return 0
        return await ledger.crosswalk.learn(tx, phase.kind, table, firsts, origin="found", job=job)

    @staticmethod
    def _entry(phase: Phase, table: str, row: AsideRow, state: RowState) -> RowEntry:
        return RowEntry(
            phase=phase.name,
            source_id=row.key,
            part=row.part,
            state=state,
            reason=row.reason,
            field=row.field,
            detail=row.detail,
            payload=orjson.dumps(row.payload),
            object=table,
            change=row.change,
        )


def _conflict(
    phase: Phase, table: str, found: tuple[str, int, str, str, str, str, str, str]
) -> Conflict:
    key, part, name, target, ours, theirs, theirs_by, decision = found
    return Conflict(
        phase.name,
        key,
        part,
        name,
        table,
        target,
        ours,
        theirs,
        theirs_by,
        decision=cast("Decision", decision),
        decided_by=RULE if decision else "",
    )


def loose_payload(reader: "RowReader", index: int) -> dict[str, Any]:
    """All that is needed to send row `index` again without its batch file."""
    return {
        "cells": bytes(reader.payload(index)).decode(),
        "parents": [column[index] for column in reader.parents],
        "version": reader.versions[index],
        "digest": reader.digests[index],
    }


class LooseRows:
    """Rows out of the ledger, in the shape of a batch. All of them have been made."""

    def __init__(self, rows: Sequence[RowEntry], parent_fields: int) -> None:
        payloads = [orjson.loads(row.payload or b"") for row in rows]
        self.keys = [row.source_id for row in rows]
        self.parts = [row.part for row in rows]
        self.tries = [row.tries for row in rows]
        self.versions = [payload["version"] for payload in payloads]
        self.digests = [payload["digest"] for payload in payloads]
        self.parents = [
            [payload["parents"][number] for payload in payloads]
            for number in range(parent_fields + 1)
        ]
        self._cells = [payload["cells"].encode() for payload in payloads]

    def payload(self, index: int) -> bytes:
        """The CSV cells of row `index`."""
        cells: bytes = self._cells[index]
        return cells
