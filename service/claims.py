"""Joins a job's results with the rows that were sent: each row is told of once.

What the results tell twice, or of rows that were never sent, is passed over; what they do not tell
of is left, and its outcome is asked for.
"""

from collections import defaultdict
from collections.abc import Mapping

from connectors.salesforce.ids import to_18
from service.assemble import JobRow, JobRows
from service.changes import ChangeLines
from service.content import content_key, sent_cells, sent_columns
from service.phases import Phase
from service.settle import EXTERNAL_ID


def _targets(rows: JobRows) -> dict[str, tuple[str, int]]:
    """(source id, part) of the rows of a changing job, by the ids of the records that they change."""
    return {
        to_18(reader.targets[row.index]): (row.key, row.part)
        for row in rows.rows
        if isinstance(reader := rows.readers[row.reader], ChangeLines)
    }


class Claims:
    """The rows of one job. `brought`: what an earlier reading put into the crosswalk already."""

    def __init__(self, phase: Phase, rows: JobRows, brought: Mapping[tuple[str, int], str]) -> None:
        self._keyed = phase.keyed
        self._rows = rows
        self._ids = set(brought.values())
        self._open = {
            (row.key, row.part): row for row in rows.rows if (row.key, row.part) not in brought
        }
        self._by_id = _targets(rows) if rows.changes else None
        self._columns: list[str] = []
        self._twins: dict[bytes, list[JobRow]] | None = None

    def made(self, target_id: str, cells: Mapping[str, str]) -> JobRow | None:
        """Return the row that became `target_id`; None when that is known, or fits no row."""
        if target_id in self._ids:
            return None
        row = self.told(cells)
        if row is not None:
            self._ids.add(target_id)
        return row

    def told(self, cells: Mapping[str, str]) -> JobRow | None:
        """Return the row whose cells a result echoes; None when none is left that fits."""
        if self._by_id is not None:
            place = self._by_id.get(to_18(cells.get("Id", "")))
            return self._open.pop(place, None) if place else None
        if self._keyed:
            return self._open.pop((cells.get(EXTERNAL_ID, ""), 0), None)
        twins = self._by_content(cells)
        while twins:
            row = twins.pop()
            if self._open.pop((row.key, row.part), None) is not None:
                return row
        return None

    def left(self) -> list[JobRow]:
        """Return the rows that no result has told of, and take them as told."""
        rows = list(self._open.values())
        self._open.clear()
        return rows

    def _by_content(self, cells: Mapping[str, str]) -> list[JobRow]:
        if self._twins is None:
            self._twins = defaultdict(list)
            self._columns = sent_columns(self._rows)
            for row in self._rows.rows:
                values = sent_cells(self._rows, row)
                self._twins[content_key(self._columns, values)].append(row)
        key = content_key(self._columns, [cells.get(name, "") for name in self._columns])
        return self._twins.get(key, [])
