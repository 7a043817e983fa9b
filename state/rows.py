"""Exceptions: the rows that did not go the straight way, each with its reason and its payload."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load

RowState = Literal["held", "failed", "pending", "waiting"]


@dataclass(frozen=True)
class RowEntry:
    """A row set apart, with a stable `reason` code. `detail` holds no value of the record.

    `payload`: all that is needed to send or to map it again. `job` carries it, if one does. Times
    are epoch seconds and set by the ledger.
    """

    phase: str
    source_id: str
    part: int
    state: RowState
    reason: str
    field: str
    detail: str
    payload: bytes | None
    job: int | None = None
    first_seen: float = 0.0
    updated_at: float = 0.0


class Rows:
    """`held`: not sent. `failed`: refused. `pending`: to be sent again. `waiting`: for a twin."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("rows")

    async def put(self, tx: Tx, entries: Sequence[RowEntry]) -> int:
        """Store or renew entries; returns how many records (first parts) were not there before.

        A renewed entry keeps the moment it was first seen, and its payload when it brings none. It
        belongs to no job.
        """
        now = self._clock()
        values = [
            (
                entry.phase,
                encode_id(entry.source_id),
                entry.part,
                entry.state,
                entry.reason,
                entry.field,
                entry.detail,
                entry.payload,
                now,
            )
            for entry in entries
        ]
        firsts = [each for each in values if each[2] == 0]
        new = await tx.run_many(self._sql["put_new"], firsts) if firsts else 0
        if values:
            await tx.run_many(self._sql["put"], values)
        return new

    async def counts(self, phase: str) -> dict[tuple[str, str], int]:
        """Count records by (state, reason), also those of which only a later part is concerned."""
        rows = await self._database.fetch(self._sql["counts"], (phase,))
        return {(state, reason): count for state, reason, count in rows}

    async def listed(
        self,
        *,
        phase: str | None = None,
        state: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[RowEntry]:
        """Return rows by phase, state and reason, in the order of their ids."""
        values = (phase, state, reason, limit, offset)
        return await self._entries("list", values)

    async def find(self, source_id: str) -> list[RowEntry]:
        """Return what is known of one record, in any phase."""
        return await self._entries("find", (encode_id(source_id),))

    async def pending(
        self, phase: str, *, after: tuple[str, int] | None = None, limit: int = -1
    ) -> list[RowEntry]:
        """Return the rows to be sent again that no job carries, in the order of (id, part).

        At most `limit` of them (all for -1), those that come behind `after`.
        """
        key, part = (encode_id(after[0]), after[1]) if after else (b"", -1)
        return await self._entries("pending", (phase, key, part, limit))

    async def of_job(self, job: int) -> list[RowEntry]:
        """Return the loose rows that a job carries."""
        return await self._entries("of_job", (job,))

    async def assign_job(
        self, tx: Tx, phase: str, keys: Sequence[tuple[str, int]], job: int
    ) -> None:
        """Give loose rows to a job."""
        values = [(job, phase, encode_id(source_id), part) for source_id, part in keys]
        await tx.run_many(self._sql["assign_job"], values)

    async def release_job(self, tx: Tx, job: int) -> None:
        """Take the loose rows of a job that never ran back."""
        await tx.run(self._sql["release_job"], (job,))

    async def clear_of_job(self, tx: Tx, phase: str, job: int) -> None:
        """Forget the loose rows of a job whose results are known."""
        await tx.run(self._sql["clear_of_job"], (phase, job))

    async def requeue(self, tx: Tx, phase: str, state: RowState) -> None:
        """Let all rows in `state` be sent again."""
        await tx.run(self._sql["requeue"], (phase, state))

    async def _entries(self, name: str, values: Sequence[object]) -> list[RowEntry]:
        found = await self._database.fetch(self._sql[name], values)
        return [
            RowEntry(
                phase,
                decode_id(key),
                part,
                state,
                reason,
                field,
                detail,
                payload,
                job,
                first_seen,
                updated_at,
            )
            for (
                phase,
                key,
                part,
                state,
                reason,
                field,
                detail,
                job,
                payload,
                first_seen,
                updated_at,
            ) in found
        ]
