"""Puts Leads that are to become Contacts together into one job that makes the Contacts.

A Lead that somebody converted in Salesforce meanwhile is followed to its Contact, and none is made. A
Contact that is made carries our key, so that one that was made before is found again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.retrieve import retrieve
from service.aside import CHANGED, Aside
from service.assemble import Assembler
from service.changes import GONE, ChangeLines
from service.job_rows import JobRows
from service.phases import Phase
from service.reasons import PARENT_MISSING
from service.transition import BECOMES, across
from service.twins import AMBIGUOUS
from state.crosswalk import Standing
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import Table

_FACTS = ("IsConverted", "ConvertedContactId")


class TransitionAssembler:
    """Builds the jobs of one target table that records of another object move to."""

    def __init__(
        self,
        ledger: Ledger,
        client: SalesforceClient,
        phase: Phase,
        table: Table,
        assembler: Assembler,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._phase = phase
        self._table = table
        self._assembler = assembler

    async def among(self, rows: Sequence[RowEntry]) -> list[RowEntry]:
        """Those of `rows`, which change records, that let one become a record of this object.

        Of several with one match key the first goes alone: the others match what it made.
        """
        if len(self._phase.objects) == 1:
            return []
        reader = ChangeLines(rows, len(self._table.parents))
        standing = await self._standing(reader)
        chosen: list[RowEntry] = []
        claimed: set[str] = set()
        for index, row in enumerate(rows):
            there = standing.get((row.source_id, row.part))
            if there is None or across(there.object, self._table.object) != BECOMES:
                continue
            match_key = reader.parents[-1][index]
            if match_key not in claimed:
                chosen.append(row)
                claimed |= {match_key} - {""}
        return chosen

    async def assemble(self, rows: Sequence[RowEntry]) -> JobRows:
        """Decide for every row: follow its Lead, or make the Contact, or why neither is done.

        Nothing is written: what was decided becomes durable with the job's intent.
        """
        reader = ChangeLines(rows, len(self._table.parents))
        standing = await self._standing(reader)
        leads, contacts = await self._there(standing)
        cells, missing = await self._assembler.parents.of([reader])
        known = await self._assembler.twins.look([reader], alone=True)
        aside = Aside()
        going: list[int] = []
        for index, place in enumerate(zip(reader.keys, reader.parts, strict=True)):
            there = standing[place]
            lead = leads.get(there.target_id)
            target = known.only(place[0], reader.parents[-1][index])
            if lead is not None and lead.get("IsConverted"):
                target = to_18(str(lead.get("ConvertedContactId") or ""))
            lacks = self._assembler.parents.lacks(reader, index, missing)
            if target is None:
                aside.held.append(reader.aside(index, AMBIGUOUS))
            elif lead is None or (lead.get("IsConverted") and target not in contacts):
                aside.held.append(reader.aside(index, GONE))
            elif target:
                aside.followed.append((place[0], *_was(there), target))
                # What the record lacks is filled; nothing of it is overwritten.
                aside.changed.append(reader.aside(index, CHANGED))
            elif lacks:
                aside.held.append(reader.aside(index, PARENT_MISSING, *lacks))
            else:
                reader.lines[index] = reader.made(index)
                going.append(index)
        lock = self._assembler.lock_position
        locks = reader.keys if lock is None else reader.parents[lock]
        places = [(0, index) for index in sorted(going, key=lambda each: locks[each])]
        return JobRows(self._assembler.header(), [reader], cells, places, aside, moves=True)

    async def reassemble(self, rows: Sequence[RowEntry], aside: Aside) -> JobRows:
        """Put the rows of a job that was sent together again, to read its results."""
        reader = ChangeLines(rows, len(self._table.parents))
        apart = aside.keys()
        places = enumerate(zip(reader.keys, reader.parts, strict=True))
        going = [(0, index) for index, place in places if place not in apart]
        return JobRows(b"", [reader], [], going, aside, moves=True)

    async def _standing(self, reader: ChangeLines) -> dict[tuple[str, int], Standing]:
        keys = sorted(set(reader.keys))
        return await self._ledger.crosswalk.standing(self._phase.kind, keys)

    async def _there(
        self, standing: Mapping[Any, Standing]
    ) -> tuple[dict[str, dict[str, Any]], set[str]]:
        """The Leads as they are now, and those Contacts that they became and that are there."""
        by_object: dict[str, set[str]] = {}
        for each in standing.values():
            by_object.setdefault(each.object, set()).add(each.target_id)
        leads: dict[str, dict[str, Any]] = {}
        for name, ids in by_object.items():
            if across(name, self._table.object) == BECOMES:
                leads |= await retrieve(self._client, name, sorted(ids), _FACTS)
        named = (each.get("ConvertedContactId") for each in leads.values())
        converted = sorted({to_18(str(each)) for each in named if each})
        contacts = await retrieve(self._client, self._table.object, converted, ["Id"])
        return leads, set(contacts)


def _was(there: Standing) -> tuple[str, str, str]:
    return there.object, there.target_id, there.origin
