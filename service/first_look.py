"""Looks for rows without a key before they are sent, where an earlier migration may have made them.

When the state was lost, a row whose target carries our key is refused as a duplicate and so found
again. One without a key would go in twice. Its parent tells: a parent that this ledger has made had
no children before; one that was found in Salesforce may have them (facts, 7.11).
"""

import structlog

from service.assemble import JobRow, JobRows
from service.phases import Phase
from service.settle import NEVER, Settler
from service.sightings import REBUILT
from state.ledger import Ledger
from transforms.compile import Table

_log = structlog.get_logger()


class FirstLook:
    """Takes rows that are there already out of a job in the making; for one target table."""

    def __init__(self, ledger: Ledger, settler: Settler, phase: Phase, table: Table) -> None:
        self._ledger = ledger
        self._settler = settler
        self._phase = phase
        content = phase.content
        self._parent = next(
            (
                number
                for number, parent in enumerate(table.parents)
                if content is not None and content.parent in parent.columns.values()
            ),
            None,
        )
        self._kind = "" if self._parent is None else table.parents[self._parent].kinds[0]

    async def take_out(self, rows: JobRows) -> None:
        """Move rows that Salesforce has already from the job's rows to what it sets aside.

        What lies in the recycle bin does not count: it was taken back on purpose. After a rebuild it
        does, as it does for records with a key: what people deleted is not made again.
        """
        suspects = await self._suspects(rows)
        rebuilt = suspects and await self._ledger.facts.get(REBUILT)
        found = await self._settler.find(rows, suspects, since=0.0 if rebuilt else NEVER)
        if not found.there:
            return
        facts = rows.facts()
        for (key, part), target in sorted(found.there.items()):
            version, digest = facts[key, part]
            rows.aside.found.append((key, part, target, version, digest.hex()))
        rows.leave_out(found.there)
        _log.info("rows-found", phase=self._phase.name, rows=len(found.there))

    async def _suspects(self, rows: JobRows) -> list[JobRow]:
        """The rows of parents that this ledger has not made."""
        if self._parent is None:
            return []
        by_row = {
            (row.key, row.part): rows.readers[row.reader].parents[self._parent][row.index]
            for row in rows.rows
        }
        parents = sorted(set(by_row.values()))
        origins = await self._ledger.crosswalk.origins(self._kind, parents)
        return [row for row in rows.rows if origins.get(by_row[row.key, row.part]) != "loaded"]
