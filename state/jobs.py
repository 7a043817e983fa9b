"""The job ledger, write-ahead: each step is durable before the next outside effect.

intent -> created -> uploaded -> closed -> finished -> harvested; or abandoned before it ran.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from state.cipher import Cipher
from state.database import Database, Tx
from state.errors import IllegalStep
from state.queries import load

_PLACE = "job.aside"
_BEFORE = {
    "created": {"intent"},
    "intent": {"intent", "created"},
    "uploaded": {"created"},
    "closed": {"uploaded"},
    "finished": {"closed", "finished"},
    "harvested": {"finished", "intent"},
    "abandoned": {"intent", "created", "uploaded", "closed"},
}


@dataclass(frozen=True)
class Job:
    """One job. Times in epoch seconds, None while it has not ended.

    `aside` is what it did not send. It becomes true with the harvest; once the job has ended it is
    forgotten.
    """

    id: int
    phase: str
    object: str
    operation: str
    lane: int
    state: str
    sf_id: str | None
    rows_sent: int
    aside: bytes | None
    processed: int | None
    failed: int | None
    error: str | None
    started_at: float
    ended_at: float | None


class Jobs:
    """Every job this workspace ever meant to run."""

    def __init__(
        self, database: Database, clock: Callable[[], float], cipher: Cipher | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._sql = load("jobs")

    async def intend(
        self,
        tx: Tx,
        *,
        phase: str,
        object: str,
        operation: str,
        lane: int,
        rows_sent: int,
        aside: bytes,
    ) -> int:
        """Write down a job before anything of it happens outside; returns its number."""
        if self._cipher is not None:
            aside = self._cipher.seal_blob(aside, _PLACE)
        values = (phase, object, operation, lane, rows_sent, aside, self._clock())
        return await tx.run(self._sql["intend"], values)

    async def created(self, tx: Tx, job: int, sf_id: str) -> None:
        """Salesforce gave the job an id."""
        await self._check(tx, job, "created")
        await tx.run(self._sql["created"], (sf_id, job))

    async def recreate(self, tx: Tx, job: int) -> None:
        """The job was aborted before its close; it will be created anew."""
        await self._check(tx, job, "intent")
        await tx.run(self._sql["recreate"], (job,))

    async def uploaded(self, tx: Tx, job: int) -> None:
        """The whole content is with Salesforce."""
        await self._step(tx, job, "uploaded")

    async def closed(self, tx: Tx, job: int) -> None:
        """The job may run now; from here its outcome is asked, never guessed."""
        await self._step(tx, job, "closed")

    async def finished(
        self, tx: Tx, job: int, *, processed: int | None, failed: int | None, error: str | None
    ) -> None:
        """Salesforce is done with the job."""
        await self._check(tx, job, "finished")
        await tx.run(self._sql["finished"], (processed, failed, error, job))

    async def harvested(self, tx: Tx, job: int) -> None:
        """All results are in the ledger."""
        await self._check(tx, job, "harvested")
        await tx.run(self._sql["ended"], ("harvested", None, self._clock(), job))

    async def abandon(self, tx: Tx, job: int, why: str) -> None:
        """The job never ran and never will; its batches wait again."""
        await self._check(tx, job, "abandoned")
        await tx.run(self._sql["ended"], ("abandoned", why, self._clock(), job))

    async def unsettled(self) -> list[Job]:
        """Return the jobs that are neither harvested nor abandoned."""
        found = [Job(*row) for row in await self._database.fetch(self._sql["unsettled"])]
        if self._cipher is None:
            return found
        return [
            replace(job, aside=self._cipher.open_blob(job.aside, _PLACE)) if job.aside else job
            for job in found
        ]

    async def of_phase(self, phase: str) -> list[Job]:
        """Return the jobs of a phase, oldest first (without what they set aside)."""
        rows = await self._database.fetch(self._sql["of_phase"], (phase,))
        return [Job(*row) for row in rows]

    async def get(self, job: int) -> Job | None:
        """Return one job (without what it set aside)."""
        rows = await self._database.fetch(self._sql["get"], (job,))
        return Job(*rows[0]) if rows else None

    async def sf_ids(self) -> set[str]:
        """Return the Salesforce ids of all jobs we know."""
        return {name for (name,) in await self._database.fetch(self._sql["sf_ids"])}

    async def count(self) -> int:
        """Return how many jobs were made in Salesforce."""
        return int((await self._database.fetch(self._sql["count"]))[0][0])

    async def _step(self, tx: Tx, job: int, state: str) -> None:
        await self._check(tx, job, state)
        await tx.run(self._sql["step"], (state, job))

    async def _check(self, tx: Tx, job: int, state: str) -> None:
        rows = await tx.fetch(self._sql["state"], (job,))
        now = rows[0][0] if rows else "unknown"
        if now not in _BEFORE[state]:
            raise IllegalStep(f"Job {job} is {now}; it cannot become {state}.")
