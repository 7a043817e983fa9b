"""What becomes in Salesforce of records that were deleted, or messages that were redacted, in Kustomer.

By the rule `delta.deletes` a record is kept, marked with the time, or deleted. A record that others have
written to is never deleted, nor one that was there before the migration, nor one that would take along
what still lives in Kustomer. An e-mail cannot be changed, so a redacted one is deleted and made anew: its
old text must not stay readable. So is one of a merged conversation, by the rule `delta.merged_messages`.
All of it is done by id, and doing it twice is doing it once; what was done is noted afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from connectors.salesforce.client import RowOutcome, SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.records import MOST_ROWS
from connectors.salesforce.retrieve import retrieve
from connectors.salesforce.soql import in_lists
from service.changes import CONFLICT, GONE, MOVED, REDACTED, TOUCH_FIELDS, is_touched
from service.crash_points import reach
from service.phases import Phase
from service.progress import PhaseProgress
from service.runners import runners
from service.settle import EXTERNAL_ID
from service.sightings import GONE_DIGEST
from state.crosswalk import Standing
from state.ledger import Ledger, Tx
from state.rows import RowEntry
from transforms.compile import Table

DeleteRule = Literal["keep", "mark", "delete"]
DELETED = "deleted"
BEARING = "bears-others"
# Kustomer deletes what a conversation holds along with it, as Salesforce does with a Case. Leads and
# Contacts take nothing of ours along.
_ALONE = frozenset({"Case", "Contact", "Lead", "EmailMessage"})
MARK_FIELD = "Kustomer_Deleted_At__c"
_ANEW = (REDACTED, MOVED)  # deleted, and made anew
_ALREADY = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
Place = tuple[str, int]


@dataclass(frozen=True)
class Child:
    """A table whose records may go with those they belong to: its kind, object, and parent column."""

    kind: str
    object: str
    column: str


def removal(phase: Phase, place: Place, there: Standing, *, at_ms: int | None = None) -> RowEntry:
    """The row that lets what became of a deleted record follow it.

    `at_ms`: when it was deleted, or else noticed; its last version's time where nobody says.
    """
    source_id, part = place
    payload = {"version": at_ms or there.version_ms}
    return RowEntry(
        phase.name,
        source_id,
        part,
        "pending",
        DELETED,
        "",
        "",
        orjson.dumps(payload),
        object=there.object,
        change=True,
    )


def is_removal(row: RowEntry) -> bool:
    """Tell whether a row to be sent is one for this actor, also after it was held for another reason."""
    if not row.change:
        return False
    bare = row.payload is not None and b'"cells"' not in row.payload
    return bare or row.reason in (DELETED, *_ANEW)


class Removals:
    """Settles removals of one target table of one phase."""

    def __init__(
        self,
        ledger: Ledger,
        client: SalesforceClient,
        phase: Phase,
        table: Table,
        progress: PhaseProgress,
        rule: DeleteRule,
        children: Sequence[Child] = (),
        fed: Sequence[Phase] = (),
    ) -> None:
        """`children` may go with what is deleted; what phases `fed` by this one made is made anew."""
        self._fed = fed
        self._ledger = ledger
        self._client = client
        self._phase = phase
        self._table = table
        self._progress = progress
        self._rule: DeleteRule = rule
        self._children = children
        if rule == "mark" and MARK_FIELD not in table.shapes:
            self._rule = "keep"  # there is nothing to mark it with

    async def settle(self, rows: Sequence[RowEntry]) -> None:
        """Do what the rule says for each row, then note it; after a crash it is done again."""
        ids = sorted({row.source_id for row in rows})
        standing = await self._ledger.crosswalk.standing(self._phase.kind, ids)
        known = {(row.source_id, row.part): row for row in rows}
        touched = await self._touched(standing)
        bearing = await self._bearing(standing)
        gone: list[RowEntry] = []
        anew: list[RowEntry] = []
        held: list[RowEntry] = []
        for place, row in known.items():
            there = standing.get(place)
            if there is None:
                held.append(_held(row, GONE))
            elif row.reason in _ANEW:
                anew.append(row)
            elif there.target_id in touched and self._rule == "delete":
                held.append(_held(row, CONFLICT))
            elif there.target_id in bearing:
                held.append(_held(row, BEARING))
            else:
                gone.append(row)
        refused = await self._send(gone, anew, standing)
        reach("removal-sent")
        targets = [standing[_place(row)].target_id for row in gone]
        with_them = await self._went_along(targets) if self._rule == "delete" else {}
        held += [_held(known[place], code) for place, code in refused.items()]
        async with self._ledger.write() as tx:
            await self._note_gone(tx, [r for r in gone if _place(r) not in refused], standing)
            await self._note_anew(tx, [r for r in anew if _place(r) not in refused])
            for kind, keys in with_them.items():
                await self._ledger.crosswalk.remove(tx, kind, [(key, 0) for key in keys])
            await self._ledger.rows.put(tx, held)
            reach("removal-uncommitted")

    async def _touched(self, standing: Mapping[Place, Standing]) -> set[str]:
        if self._rule != "delete":
            return set()
        ids = sorted({each.target_id for each in standing.values()})
        there = await retrieve(self._client, self._table.object, ids, TOUCH_FIELDS)
        ours = await runners(self._ledger, self._client)
        last = {target for target, each in there.items() if is_touched(each, ours)}
        return last | await self._ledger.conflicts.touched(self._table.object, ids)

    async def _bearing(self, standing: Mapping[Place, Standing]) -> set[str]:
        """The records that Salesforce would delete others of ours along with, that were not deleted."""
        if self._rule != "delete" or self._table.object in _ALONE:
            return set()
        found: set[str] = set()
        for child in self._children:
            for ids in in_lists(sorted({each.target_id for each in standing.values()})):
                soql = (
                    f"SELECT {child.column} FROM {child.object} "  # noqa: S608
                    f"WHERE {child.column} IN ({ids})"
                )
                async for page in self._client.query(soql):
                    found.update(to_18(str(record[child.column])) for record in page)
        return found

    async def _send(
        self,
        gone: Sequence[RowEntry],
        anew: Sequence[RowEntry],
        standing: Mapping[Place, Standing],
    ) -> dict[Place, str]:
        """Tell Salesforce; returns the codes of refusals."""
        ours = [row for row in gone if standing[_place(row)].origin != "matched"]
        deleted = [*anew, *(ours if self._rule == "delete" else ())]
        refused = await self._call("DELETE", deleted, standing)
        if self._rule == "mark":
            refused |= await self._call("PATCH", gone, standing)
        return refused

    async def _went_along(self, targets: Sequence[str]) -> dict[str, list[str]]:
        """The records that Salesforce deleted with those they belonged to: source ids by kind."""
        found: dict[str, list[str]] = {}
        for child in self._children:
            for ids in in_lists(targets):
                soql = (
                    f"SELECT {EXTERNAL_ID}, IsDeleted FROM {child.object} "  # noqa: S608
                    f"WHERE {child.column} IN ({ids})"
                )
                async for page in self._client.query(soql, all_rows=True):
                    found.setdefault(child.kind, []).extend(
                        str(record[EXTERNAL_ID])
                        for record in page
                        if record.get("IsDeleted") is True and record.get(EXTERNAL_ID)
                    )
        return found

    async def _call(
        self,
        method: Literal["PATCH", "DELETE"],
        rows: Sequence[RowEntry],
        standing: Mapping[Place, Standing],
    ) -> dict[Place, str]:
        refused: dict[Place, str] = {}
        for start in range(0, len(rows), MOST_ROWS):
            some = rows[start : start + MOST_ROWS]
            records = [self._record(method, row, standing[_place(row)]) for row in some]
            outcomes = await self._client.collections(method, records)
            for row, outcome in zip(some, outcomes, strict=True):
                if not _done(outcome):
                    refused[_place(row)] = outcome.code or "refused"
        return refused

    def _record(self, method: str, row: RowEntry, there: Standing) -> dict[str, Any]:
        record: dict[str, Any] = {
            "attributes": {"type": self._table.object},
            "Id": there.target_id,
        }
        if method == "PATCH":
            version = orjson.loads(row.payload or b"{}").get("version") or 0
            moment = datetime.fromtimestamp(version / 1000, UTC).replace(microsecond=0)
            record[MARK_FIELD] = moment.isoformat().replace("+00:00", "Z")
        return record

    async def _note_gone(
        self, tx: Tx, rows: Sequence[RowEntry], standing: Mapping[Place, Standing]
    ) -> None:
        crosswalk, kind = self._ledger.crosswalk, self._phase.kind
        places = [_place(row) for row in rows]
        entries = [
            (*at, standing[at].target_id, standing[at].version_ms, GONE_DIGEST) for at in places
        ]
        await crosswalk.revise(tx, kind, entries)
        if self._rule == "delete":
            removed = [at for at in places if standing[at].origin != "matched"]
            await crosswalk.remove(tx, kind, removed)
        await self._ledger.rows.drop(tx, self._phase.name, places)
        firsts = sum(part == 0 for _, part in places)
        await self._ledger.books.add_reason(tx, self._phase.name, DELETED, self._rule, firsts)

    async def _note_anew(self, tx: Tx, rows: Sequence[RowEntry]) -> None:
        """Let replaced rows be sent as new ones."""
        places = [_place(row) for row in rows]
        await self._ledger.crosswalk.forget(tx, self._phase.kind, places)
        again = [replace(row, change=False, state="pending", attempts=0, tries=0) for row in rows]
        await self._ledger.rows.put(tx, again)
        firsts = sum(part == 0 for _, part in places)
        await self._ledger.books.add(tx, self._phase.name, loaded=-firsts)
        self._progress.loaded -= firsts
        for phase in self._fed if places else ():
            await self._feed_anew(tx, phase, sorted({key for key, _ in places}))

    async def _feed_anew(self, tx: Tx, phase: Phase, keys: Sequence[str]) -> None:
        """Let what hangs on replaced records be made again: it went with them."""
        places = list(await self._ledger.crosswalk.standing(phase.kind, keys))
        if not places:
            return
        await self._ledger.crosswalk.forget(tx, phase.kind, places)
        firsts = [(key, 0) for key in sorted({key for key, _ in places})]
        await self._ledger.rows.drop(tx, phase.name, firsts)
        await self._ledger.rows.put(tx, [_unmade(phase, key) for key, _ in firsts])
        loaded = sum(part == 0 for _, part in places)
        await self._ledger.books.add(tx, phase.name, loaded=-loaded)
        await self._ledger.gates.reopen(tx, phase.name)


def _unmade(phase: Phase, source_id: str) -> RowEntry:
    return RowEntry(phase.name, source_id, 0, "pending", MOVED, "", "", None)


def _place(row: RowEntry) -> Place:
    return row.source_id, row.part


def _held(row: RowEntry, reason: str) -> RowEntry:
    return replace(row, state="held", reason=reason, attempts=0, tries=0)


def _done(outcome: RowOutcome) -> bool:
    return outcome.success or outcome.code in _ALREADY
