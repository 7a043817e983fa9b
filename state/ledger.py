"""The ledger: all table groups of one workspace, one writer, and the spool."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path

import anyio.to_thread

from state.addresses import Addresses
from state.batches import Batches
from state.books import Books
from state.cipher import Cipher, SpoolKeyMissing, SpoolKeyTooLate, SpoolKeyWrong
from state.confirmations import Confirmations
from state.conflicts import Conflicts
from state.crosswalk import Crosswalk
from state.database import Database, Tx, open_database, plain_errors
from state.decisions import Decisions
from state.errors import NoWorkspace
from state.facts import Facts
from state.gates import Gates
from state.jobs import Jobs
from state.late import Late
from state.maps import Maps
from state.matches import Matches
from state.memberships import Memberships
from state.profiles import Profiles
from state.rows import Rows
from state.runs import Runs
from state.scope import Scope
from state.slices import Slices
from state.spool import Spool
from state.supplied import Supplied
from state.sweeps import Sweeps
from state.transitions import Transitions
from state.workspace import DATABASE, SPOOL, locked, make_workspace

__all__ = ["Ledger", "Tx"]

KEY_MARK = "spool_key_mark"


class Ledger:
    """What this migration knows. Reads see committed data; writes happen inside `write()`."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        clock: Callable[[], float],
        cipher: Cipher | None = None,
    ) -> None:
        self._database = database
        self.spool = spool
        self.facts = Facts(database)
        self.runs = Runs(database, clock)
        self.slices = Slices(database)
        self.batches = Batches(database, clock)
        self.jobs = Jobs(database, clock, cipher)
        self.crosswalk = Crosswalk(database)
        self.rows = Rows(database, clock, cipher)
        self.books = Books(database)
        self.matches = Matches(database, clock, cipher)
        self.gates = Gates(database)
        self.profiles = Profiles(database, cipher)
        self.addresses = Addresses(database)
        self.supplied = Supplied(database, cipher)
        self.late = Late(database)
        self.maps = Maps(database, clock)
        self.conflicts = Conflicts(database, clock, cipher)
        self.transitions = Transitions(database, clock)
        self.confirmations = Confirmations(database, clock)
        self.decisions = Decisions(database, clock)
        self.memberships = Memberships(database)
        self.sweeps = Sweeps(database)
        self.scope = Scope(database)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], float],
        read_only: bool = False,
        key: bytes | None = None,
    ) -> AsyncIterator["Ledger"]:
        """Open (and at first make) the workspace in `folder`.

        For writing, the workspace is locked for this process, and what a crash left in the spool is
        swept: files that no batch names, and payloads of batches that are done. Reading only, another
        process may go on writing. `clock` gives epoch seconds. With `key` (32 bytes) what records hold
        is encrypted; it must be the key of the workspace's first opening. Raises the errors of
        `state.errors` and `state.cipher`, and `SpoolIsNewer`.
        """
        cipher = Cipher(key) if key else None
        with ExitStack() as stack:
            await anyio.to_thread.run_sync(_prepare, stack, folder, read_only)
            async with open_database(folder / DATABASE, read_only=read_only) as database:
                ledger = cls(database, Spool(folder / SPOOL, cipher), clock, cipher)
                await ledger._agree_on_key(cipher, read_only)
                await ledger.crosswalk.recall_names()
                if not read_only:
                    await ledger._sweep_spool()
                yield ledger

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """Open a write transaction: all of it becomes durable, or nothing."""
        return self._database.write()

    async def compact(self) -> None:
        """Write the database file anew, without what was ever deleted; see `Database.compact`."""
        await self._database.compact()

    async def _agree_on_key(self, cipher: Cipher | None, read_only: bool) -> None:
        """Refuse a key that is missing, wrong or too late; nothing was touched before."""
        mark = await self.facts.get(KEY_MARK)
        if mark is not None and cipher is None:
            raise SpoolKeyMissing("The workspace is encrypted; the config names no spool_key.")
        if mark is not None and cipher is not None and not cipher.is_marked(mark):
            raise SpoolKeyWrong("The workspace was encrypted with another key.")
        if mark is None and cipher is not None:
            if await self.facts.all():  # the first thing that any run writes down
                raise SpoolKeyTooLate("The workspace was begun without spool_key.")
            if not read_only:
                async with self.write() as tx:
                    await self.facts.set(tx, KEY_MARK, cipher.mark())

    async def _sweep_spool(self) -> None:
        known = await self.batches.files()
        finished = await self.batches.finished_files()
        await anyio.to_thread.run_sync(self.spool.sweep, known, finished)


def _prepare(stack: ExitStack, folder: Path, read_only: bool) -> None:
    with plain_errors():
        if not read_only:
            make_workspace(folder)
            stack.enter_context(locked(folder))
        elif not _there(folder / DATABASE):
            raise NoWorkspace("There is no migration state in the workspace yet.")


def _there(path: Path) -> bool:
    """Tell whether the file is there; a folder that may not be looked into is an error, not a no."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
