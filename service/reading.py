"""One harvest under way: which rows it has told of, what they came to, and what is in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from connectors.salesforce.ids import to_18
from service.aside import LooseRows, loose_payload
from service.assemble import JobRow, JobRows
from service.claims import Claims
from state.rows import RowEntry, RowState

# Salesforce was too busy for the row; the same row may pass later.
BUSY = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})
# Refusals behind which the record may be there all the same (salesforce facts, 3.9).
UNSURE = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})
# Refusals that may mean that the row was made before; it is taken only if it carries our key.
TAKEN = frozenset({"DUPLICATE_VALUE", "DUPLICATES_DETECTED"})
NOT_RUN = frozenset({"not-processed", "outcome-unknown"})
STOPPING = frozenset({"STORAGE_LIMIT_EXCEEDED"})
MAX_ATTEMPTS = 8

End = Literal["complete", "broken", "gone"]
"""How a job ended: wholly; failed or aborted midway; or with its results kept no longer."""
Learned = tuple[str, int, str, int, bytes]
"""Source id, part, target id, version (epoch ms), digest."""


@dataclass
class Harvested:
    """What one job came to, in rows; `busy`: refused because Salesforce was too busy for them.

    `repeated` counts records that another job had brought before.
    """

    successes: int = 0
    found: int = 0
    failed: int = 0
    again: int = 0
    busy: int = 0
    repeated: int = 0
    stopping: bool = False
    entries: list[RowEntry] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        """Whether any row got further, if only by being tried."""
        return bool(self.successes or self.found or self.failed or self.busy)

    def counts(self) -> dict[str, int]:
        """The figures of a log line."""
        return {
            "made": self.successes,
            "found": self.found,
            "failed": self.failed,
            "again": self.again,
        }


@dataclass
class Reading:
    """The results of one job. `doubts`: rows with the reason that stands if they are not there."""

    job: int
    sf_id: str
    phase: str
    table: str
    rows: JobRows
    end: End
    claims: Claims
    facts: Mapping[tuple[str, int], tuple[int, bytes]]
    outcome: Harvested = field(default_factory=Harvested)
    doubts: list[tuple[JobRow, str, str]] = field(default_factory=list)

    def learned(self, row: JobRow, target_id: str) -> Learned:
        """The crosswalk's entry for a row that became a record."""
        version, digest = self.facts[row.key, row.part]
        return row.key, row.part, to_18(target_id), version, digest

    def note(self, row: JobRow, reason: str, fields: str, detail: str = "") -> None:
        """Set a row apart that did not become a record: to be sent again, or failed."""
        entry, outcome = self._entry(row, reason, fields, detail), self.outcome
        outcome.stopping |= reason in STOPPING
        outcome.busy += reason in BUSY
        outcome.again += entry.state == "pending"
        outcome.failed += entry.state == "failed"
        outcome.entries.append(entry)

    def _entry(self, row: JobRow, reason: str, fields: str, detail: str) -> RowEntry:
        reader = self.rows.readers[row.reader]
        # Only Salesforce's own tries at the row count.
        tries = reader.tries[row.index] if isinstance(reader, LooseRows) else 0
        tried = int(reason in BUSY)
        again = reason in NOT_RUN or reason in STOPPING
        again |= reason in BUSY and tries + tried < MAX_ATTEMPTS
        state: RowState = "pending" if again else "failed"
        return RowEntry(
            phase=self.phase,
            source_id=row.key,
            part=row.part,
            state=state,
            reason=reason,
            field=fields,
            detail=detail,
            # Of a change the ledger keeps what the map made: what differs is found anew.
            payload=None if self.rows.of_known else orjson.dumps(loose_payload(reader, row.index)),
            object=self.table,
            tries=tried,
            attempts=1,
            change=self.rows.of_known,
        )
