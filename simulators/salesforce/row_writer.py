"""Writing 200 rows of a job as one transaction (facts, 3.7 and 3.9)."""

from collections.abc import Sequence

from simulators.salesforce.columns import Columns, Values
from simulators.salesforce.faults import FaultBook
from simulators.salesforce.jobs import IngestJob
from simulators.salesforce.locks import ParentLocks
from simulators.salesforce.store import FieldError, Outcome, Store, WriteContext


class RowWriter:
    """Hands chunks to the store; rows that a fault or a lock strikes do not get there."""

    def __init__(self, store: Store, faults: FaultBook, locks: ParentLocks | None) -> None:
        self._store = store
        self._faults = faults
        self._locks = locks

    def chunk(
        self, job: IngestJob, columns: Columns, rows: Sequence[Sequence[str]]
    ) -> list[Outcome]:
        """Write one chunk; the outcomes are in the order of the rows."""
        struck: dict[int, FieldError] = {}
        wanted: list[Values] = []
        for number, row in enumerate(rows):
            values = columns.values(row)
            error = self._struck(job, columns, values)
            if error is None:
                wanted.append(values)
            else:
                struck[number] = error
        context = WriteContext("bulk", job.id)
        outcomes = iter(
            self._store.chunk(
                job.object, wanted, job.operation, context, external_field=job.external_field
            )
        )
        return [
            Outcome(errors=(struck[number],)) if number in struck else next(outcomes)
            for number in range(len(rows))
        ]

    def _struck(self, job: IngestJob, columns: Columns, values: Values) -> FieldError | None:
        error = self._faults.row(job.object)
        if error is None and self._locks is not None:
            error = self._locks.touch(job.id, columns.locked(self._store, values))
        return error
