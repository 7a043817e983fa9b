"""The ledger: all table groups of one workspace, one writer, and the spool."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path

import anyio.to_thread

from state.batches import Batches
from state.books import Books
from state.crosswalk import Crosswalk
from state.database import Database, Tx, open_database
from state.errors import NoWorkspace
from state.facts import Facts
from state.gates import Gates
from state.jobs import Jobs
from state.matches import Matches
from state.rows import Rows
from state.runs import Runs
from state.slices import Slices
from state.spool import Spool
from state.workspace import DATABASE, SPOOL, locked, make_workspace

__all__ = ["Ledger", "Tx"]


class Ledger:
    """What this migration knows. Reads see committed data; writes happen inside `write()`."""

    def __init__(self, database: Database, spool: Spool, clock: Callable[[], float]) -> None:
        self._database = database
        self.spool = spool
        self.facts = Facts(database)
        self.runs = Runs(database, clock)
        self.slices = Slices(database)
        self.batches = Batches(database)
        self.jobs = Jobs(database, clock)
        self.crosswalk = Crosswalk(database)
        self.rows = Rows(database, clock)
        self.books = Books(database)
        self.matches = Matches(database)
        self.gates = Gates(database)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, *, clock: Callable[[], float], read_only: bool = False
    ) -> AsyncIterator["Ledger"]:
        """Open (and at first make) the workspace in `folder`.

        For writing, the workspace is locked for this process and batch files that no batch names, left
        by a crash, are removed. Raises the errors of `state.errors`.
        """
        if read_only and not (folder / DATABASE).exists():
            raise NoWorkspace("There is no migration state in the workspace yet.")
        with ExitStack() as stack:
            if not read_only:
                make_workspace(folder)
                stack.enter_context(locked(folder))
            async with open_database(folder / DATABASE, read_only=read_only) as database:
                ledger = cls(database, Spool(folder / SPOOL), clock)
                await ledger.crosswalk.recall_names()
                if not read_only:
                    await ledger._remove_orphans()
                yield ledger

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """Open a write transaction: all of it becomes durable, or nothing."""
        return self._database.write()

    async def _remove_orphans(self) -> None:
        known = await self.batches.files()

        def sweep() -> None:
            for name in self.spool.names():
                if name not in known:
                    self.spool.remove(name)

        await anyio.to_thread.run_sync(sweep)
