"""One deterministic world for the ledger machine: time, order of tasks, and death at any step.

Everything runs in one thread on a loop whose clock jumps when all tasks wait; a wait that nothing
can end is found as a deadlock. The database is SQLite's own module called in place of `aiosqlite`,
so the ledger's code and SQL are the real ones and only the hop to another thread is gone.
"""

import asyncio
import random
import selectors
import sqlite3
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import aiosqlite
import anyio.to_thread

EPOCH = 1_700_000_000.0


Death = int | tuple[str, int] | None
"""When a process dies: at its n-th step, at its n-th passing of a named point, or not."""


class Crash(BaseException):
    """The process is dead: nothing that it still tries has any effect."""


class Deadlock(AssertionError):
    """All tasks wait, and nothing is left that could wake one."""


@dataclass
class World:
    """Counts the steps of a session, lets it die at one, and hands out the faults of the wire."""

    crash_in: Death = None
    dead: bool = False
    steps: int = 0
    faults: list[str | None] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    died_at: str = ""
    now: float = 0.0  # small, so that adding a pause of nanoseconds still moves it

    def begin(self, crash_in: Death, order: int) -> None:
        """A new process; `order` seeds in which order its tasks get their turn."""
        self.crash_in, self.dead, self.steps, self.died_at = crash_in, False, 0, ""
        self.passed.clear()
        self.chance = random.Random(order)

    def step(self, name: str) -> None:
        """Pass a point at which the process may die."""
        if not self.dead:
            self.steps += 1
            self.passed[name] += 1
            self.dead = self.crash_in in (self.steps, (name, self.passed[name]))
            if self.dead:
                self.died_at = name
        if self.dead:
            raise Crash(name)

    async def turn(self, name: str) -> None:
        """Pass a point, and let other tasks go first as chance will have it."""
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        self.step(name)

    def next_fault(self) -> str | None:
        return self.faults.pop(0) if self.faults else None


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, time jumps to the next timer."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("every task waits for another")
        self._world.now += max(0.0, timeout)
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits for real time."""

    def __init__(self, world: World) -> None:
        self._world = world
        super().__init__(_JumpingSelector(world))

    def time(self) -> float:
        return self._world.now


class LoopClock:
    """The loop's time as the clock that connectors and service are given."""

    def now(self) -> float:
        return EPOCH + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def random(self) -> float:
        return 0.5


class _Executed:
    """What `aiosqlite` gives for a statement: awaited, or used as a context."""

    def __init__(self, run: Callable[[], Awaitable[sqlite3.Cursor]]) -> None:
        self._run = run

    def __await__(self) -> Generator[Any, None, sqlite3.Cursor]:
        return self._run().__await__()

    async def __aenter__(self) -> sqlite3.Cursor:
        return await self._run()

    async def __aexit__(self, *_: object) -> None:
        pass


class _Connection:
    """The part of `aiosqlite.Connection` that the ledger uses, in this thread."""

    def __init__(self, world: World, connection: sqlite3.Connection) -> None:
        self._world = world
        self._connection = connection

    def execute(self, sql: str, values: Any = ()) -> _Executed:
        return _Executed(lambda: self._execute(sql, values))

    def executemany(self, sql: str, rows: Any) -> _Executed:
        async def run() -> sqlite3.Cursor:
            return self._connection.executemany(sql, rows)

        return _Executed(run)

    async def _execute(self, sql: str, values: Any) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE":
            await self._world.turn("before a transaction")
        if sql != "COMMIT":
            return self._connection.execute(sql, values)
        self._world.step("before a commit")
        done = self._connection.execute(sql)
        self._world.step("after a commit")
        return done

    async def execute_fetchall(self, sql: str, values: Any = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    async def executescript(self, sql: str) -> None:
        self._connection.executescript(sql)

    async def rollback(self) -> None:
        self._connection.rollback()

    async def close(self) -> None:
        self._connection.close()

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes


async def _in_this_thread(function: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return function(*args)


@contextmanager
def one_thread(world: World) -> Iterator[None]:
    """Put the world in the place of threads, SQLite's worker and the crash points."""

    async def connect(address: str, **how: Any) -> _Connection:
        return _Connection(world, sqlite3.connect(address, **how))

    with ExitStack() as stack:
        stack.enter_context(patch.object(aiosqlite, "connect", connect))
        stack.enter_context(patch.object(anyio.to_thread, "run_sync", _in_this_thread))
        for name, module in list(sys.modules.items()):
            if name.startswith("service.") and hasattr(module, "reach"):
                stack.enter_context(patch.object(module, "reach", world.step))
        yield
