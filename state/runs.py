"""The command log: each run with its start, end and exit code."""

from collections.abc import Callable
from dataclasses import dataclass

from state.database import Database, Tx
from state.queries import load


@dataclass(frozen=True)
class Run:
    """One run; times in epoch seconds, None while it runs (or when it was killed)."""

    id: int
    command: str
    pid: int
    started_at: float
    ended_at: float | None
    exit_code: int | None
    summary: str | None


class Runs:
    """The history of a workspace."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("runs")

    async def start(self, tx: Tx, command: str, pid: int) -> int:
        """Note that a run begins; returns its number."""
        return await tx.run(self._sql["start"], (command, pid, self._clock()))

    async def finish(self, tx: Tx, run: int, exit_code: int, summary: str = "") -> None:
        """Note how a run ended."""
        await tx.run(self._sql["finish"], (self._clock(), exit_code, summary, run))

    async def history(self) -> list[Run]:
        """Return all runs, oldest first."""
        return [Run(*row) for row in await self._database.fetch(self._sql["history"])]
