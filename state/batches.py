"""Sealed batches: where rows in flight are, by hundreds and thousands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from state.database import Database, Tx
from state.errors import IllegalStep
from state.queries import load


@dataclass(frozen=True)
class Batch:
    """Rows of one phase, one target object and one lane in one spool file (`size_bytes`).

    `sealed_at` in epoch seconds; None for a batch of an earlier version.
    """

    id: int
    phase: str
    kind: str
    object: str
    lane: int
    rows: int
    size_bytes: int
    file: str
    crc: int
    state: str
    job: int | None
    sealed_at: float | None = None


class Batches:
    """All batches: `sealed` waits, `taken` is in a job, `done` has its results in the ledger."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("batches")

    async def seal(
        self,
        tx: Tx,
        *,
        phase: str,
        kind: str,
        object: str,
        lane: int,
        rows: int,
        size_bytes: int,
        file: str,
        crc: int,
    ) -> int:
        """Add a batch whose file is already durable; returns its number."""
        values = (phase, kind, object, lane, rows, size_bytes, file, crc, self._clock())
        return await tx.run(self._sql["seal"], values)

    async def ready(self, phase: str, object: str) -> list[Batch]:
        """Return the batches that wait for a job, oldest first."""
        rows = await self._database.fetch(self._sql["ready"], (phase, object))
        return [Batch(*row) for row in rows]

    async def take(self, tx: Tx, batches: Sequence[int], job: int) -> None:
        """Give batches to a job; raises `IllegalStep` when one of them is not waiting.

        A batch in two jobs would be sent twice.
        """
        taken = await tx.run_many(self._sql["take"], [(job, batch) for batch in batches])
        if taken != len(batches):
            raise IllegalStep(f"Job {job} was to take {len(batches)} batches; {taken} waited.")
        await tx.run_many(self._sql["carry"], [(batch, job) for batch in batches])

    async def release(self, tx: Tx, job: int) -> None:
        """Take the batches of a job that never ran back."""
        await tx.run(self._sql["release"], (job,))

    async def done(self, tx: Tx, job: int) -> None:
        """Note that the results of the job's batches are in the ledger."""
        await tx.run(self._sql["done"], (job,))

    async def of_job(self, job: int) -> list[Batch]:
        """Return the batches that a job carries or carried."""
        return [Batch(*row) for row in await self._database.fetch(self._sql["of_job"], (job,))]

    async def carried_by(self, job: int) -> list[Batch]:
        """Return the batches that a job carried, also when it was abandoned and they went on."""
        return [Batch(*row) for row in await self._database.fetch(self._sql["carried_by"], (job,))]

    async def jobs_of(self, batch: int) -> list[int]:
        """Return every job that ever carried a batch, oldest first."""
        return [job for (job,) in await self._database.fetch(self._sql["jobs_of"], (batch,))]

    async def on_their_way(self) -> list[Batch]:
        """Return the batches that are not done, oldest first."""
        return [Batch(*row) for row in await self._database.fetch(self._sql["on_their_way"])]

    async def files(self) -> set[str]:
        """Return the names of all batch files that the ledger knows."""
        return {name for (name,) in await self._database.fetch(self._sql["files"])}

    async def finished_files(self) -> dict[str, int]:
        """Return the files whose payloads are no longer needed, with the bytes they were sealed with."""
        return dict(await self._database.fetch(self._sql["finished_files"]))

    async def open_bytes(self, phases: Sequence[str] | None = None) -> int:
        """Return the bytes of batch files whose results are not in yet, of these phases or of all."""
        wanted = None if phases is None else orjson.dumps(phases).decode()
        return int((await self._database.fetch(self._sql["open_bytes"], (wanted,)))[0][0])

    async def totals(self, phase: str) -> dict[str, tuple[int, int, int]]:
        """Return (batches, rows, bytes) of a phase by state."""
        rows = await self._database.fetch(self._sql["totals"], (phase,))
        return {state: (count, total, size) for state, count, total, size in rows}
