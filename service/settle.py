"""Asks Salesforce which rows of unknown outcome it has made: by our key, or by their content.

Nothing is guessed and nothing is written. Where no key can be carried, records are paired with rows
by parent, second, author and text; those that the crosswalk knows already stand for other rows and
do not count. So of n twins sent, of which m are there, n - m are to be sent again (facts, 7.11).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.soql import in_lists
from service.assemble import JobRow, JobRows
from service.content import sent_cells, sent_columns
from service.likeness import Likeness, likeness, pair, second_of
from service.phases import ContentKey, Phase
from service.unique_rows import UniqueRows
from state.ledger import Ledger

EXTERNAL_ID = "Kustomer_Id__c"
# Records in the recycle bin count if they were binned after the job began, less this (clocks differ).
CLOCK_SLACK_S = 900.0
NEVER = math.inf
Place = tuple[str, int]


@dataclass
class Found:
    """What Salesforce has: ids by (source id, part), and keys that lie in the recycle bin only."""

    there: dict[Place, str] = field(default_factory=dict)
    binned: set[Place] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    like: Likeness


class Settler:
    """Settles rows of one phase and target table; holds nothing between calls."""

    def __init__(self, ledger: Ledger, client: SalesforceClient, phase: Phase, table: str) -> None:
        self._ledger = ledger
        self._client = client
        self._phase = phase
        self._table = table
        self._unique = UniqueRows(client, table)

    async def find(
        self,
        rows: JobRows,
        doubted: Sequence[JobRow],
        *,
        since: float,
        claimed: Collection[str] = (),
    ) -> Found:
        """Look for the `doubted` ones of a job's rows.

        `since`: epoch seconds at which the first of them can have been made; a keyless record that
        was binned before is not one of them (`NEVER`: the bin does not count). `claimed`: records
        that stand for other rows though the crosswalk does not say so yet. Keys are compared
        exactly, and a record in the bin never stands for a keyed row: its children would be refused.
        What is unique without our key stands for all rows that are equal to it.
        """
        if not doubted or self._phase.operation == "update" or rows.changes:
            return Found()  # a change that is made twice is made once: it is sent again
        if self._phase.content is None:
            return await self._by_key(doubted)
        if self._phase.content.unique:
            return Found(await self._unique.find(self._phase.content, rows, doubted))
        return await self._by_content(self._phase.content, rows, doubted, since, claimed)

    async def _by_key(self, doubted: Sequence[JobRow]) -> Found:
        found = Found()
        wanted = {row.key: (row.key, row.part) for row in doubted}
        for keys in in_lists(wanted):
            soql = (
                f"SELECT Id, {EXTERNAL_ID}, IsDeleted FROM {self._table} "  # noqa: S608
                f"WHERE {EXTERNAL_ID} IN ({keys})"
            )
            async for page in self._client.query(soql, all_rows=True):
                for record in page:
                    place = wanted.get(str(record.get(EXTERNAL_ID)))
                    if place is not None and record.get("IsDeleted") is True:
                        found.binned.add(place)
                    elif place is not None:
                        found.there[place] = to_18(str(record["Id"]))
        found.binned -= found.there.keys()
        return found

    async def _by_content(
        self,
        content: ContentKey,
        rows: JobRows,
        doubted: Sequence[JobRow],
        since: float,
        claimed: Collection[str],
    ) -> Found:
        runner = (await self._client.org()).user_id
        columns = sent_columns(rows)
        wanted: list[Likeness] = []
        parents: set[str] = set()
        for row in doubted:
            cells = dict(zip(columns, sent_cells(rows, row), strict=True))
            wanted.append(_of_row(content, cells, runner))
            parents.add(cells[content.parent])
        there = await self._candidates(content, sorted(parents), wanted, since)
        kind, ids = self._phase.kind, [each.id for each in there]
        taken = await self._ledger.crosswalk.taken(kind, ids) | set(claimed)
        free = [each for each in there if each.id not in taken]
        pairs = pair(wanted, [each.like for each in free])
        return Found(
            {
                (doubted[mine].key, doubted[mine].part): free[its].id
                for mine, its in sorted(pairs.items())
            }
        )

    async def _candidates(
        self,
        content: ContentKey,
        parents: Sequence[str],
        wanted: Sequence[Likeness],
        since: float,
    ) -> list[_Record]:
        """Records that could be one of the rows: the living first, then by age."""
        places = {each.place for each in wanted}
        names = [name for name in _order(content) if name]
        found: list[tuple[bool, str, _Record]] = []
        for ids in in_lists(parents):
            soql = (
                f"SELECT Id, {', '.join(names)}, IsDeleted, SystemModstamp "  # noqa: S608
                f"FROM {self._table} WHERE {content.parent} IN ({ids})"
            )
            async for page in self._client.query(soql, all_rows=True):
                for record in page:
                    like = likeness(*(str(record.get(name) or "") for name in _order(content)))
                    binned = record.get("IsDeleted") is True
                    if like.place in places and (not binned or _touched_since(record, since)):
                        target = to_18(str(record["Id"]))
                        found.append((binned, target, _Record(target, like)))
        found.sort(key=lambda each: each[:2])
        return [each for *_, each in found]


def _order(content: ContentKey) -> tuple[str, str, str, str]:
    return content.parent, content.author, content.text, content.moment


def _of_row(content: ContentKey, cells: dict[str, str], runner: str) -> Likeness:
    """What was sent; a row without an author is made by the running user."""
    return likeness(
        cells[content.parent],
        (cells.get(content.author) or runner) if content.author else "",
        cells.get(content.text, ""),
        cells.get(content.moment, ""),
    )


def _touched_since(record: dict[str, Any], since: float) -> bool:
    second = second_of(str(record.get("SystemModstamp") or ""))
    return second is not None and second >= since - CLOCK_SLACK_S
