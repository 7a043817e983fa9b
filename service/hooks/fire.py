"""Tells the hooks of a run at named points: beside the work, or, for `failing: stop`, before it goes on.

A hook that goes on when it fails costs the run nothing: each has an outbox of its own, worked off in the
task group that `open_hooks` holds open. Nothing of it survives a crash. A `stop` hook is waited for; what
must be told again after a crash or a failure is for the caller to note (see `service/hooks/gates.py`).
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import TypeVar

import anyio
import structlog

from connectors.clock import Clock
from service.config_hooks import HookConfig
from service.errors import DONE, INTERRUPTED, explain
from service.hooks.document import HookDocument, checked, moment
from service.hooks.errors import HookFailed
from service.hooks.outcome import Told
from service.hooks.points import POINTS, Figure, PointName
from service.hooks.teller import Teller, open_teller
from service.logging import run_name
from service.stopping import until_stopped

# After a stop, what is left to tell has this long, twice (at the end of the run and of the process): it
# must leave room within the 10 seconds of the outside contract.
LAST_S = 2.5

ResultT = TypeVar("ResultT")
_log = structlog.get_logger()


class Hooks:
    """The hooks of one run. Without any configured every call is free."""

    def __init__(
        self,
        tellers: Sequence[Teller],
        *,
        clock: Clock,
        command: str,
        stop: anyio.Event | None = None,
        run: str = "",
    ) -> None:
        self._tellers = tellers
        self._clock = clock
        self._command = command
        self._stop = stop
        self._run = run
        self._numbers = count(1)
        self._broken = anyio.Event()
        self._failure: HookFailed | None = None
        self.ended_with = DONE

    def wants(self, *points: PointName) -> bool:
        """Tell whether any hook is told of one of `points`: else its figures need not be read."""
        return any(not set(points).isdisjoint(each.config.on) for each in self._tellers)

    def stops(self, *points: PointName) -> bool:
        """Tell whether a hook of one of `points` ends the run when it fails."""
        return any(
            each.config.failing == "stop" and not set(points).isdisjoint(each.config.on)
            for each in self._tellers
        )

    async def fire(self, point: PointName, figures: Mapping[str, Figure] | None = None) -> None:
        """Tell all hooks of `point`; returns at once but for `stop` hooks, which are waited for.

        Raises `HookFailed` when one of those fails, `Interrupted` when a stop is asked for meanwhile,
        and ValueError for a figure that the point does not declare.
        """
        for teller, document in self._put(point, figures or {}):
            await self._wait_for(teller, document)

    def note(self, point: PointName, figures: Mapping[str, Figure]) -> None:
        """Tell all hooks of `point` beside the work, from where nothing can wait.

        A `stop` hook that fails ends what `guard` holds.
        """
        for teller, document in self._put(point, figures):
            teller.later(document)

    def _put(
        self, point: PointName, figures: Mapping[str, Figure]
    ) -> list[tuple[Teller, HookDocument]]:
        """Give the document to the outboxes; returns the hooks that are to be waited for."""
        shown = checked(point, figures)
        if not self.wants(point):
            return []
        document = HookDocument(
            id=f"{self._run}-{next(self._numbers)}",
            point=point,
            at=moment(self._clock.now()),
            run=self._run,
            command=self._command,
            figures=shown,
            merged=0,
            test=False,
        )
        waited = []
        for teller in self._tellers:
            if point not in teller.config.on:
                continue
            if teller.config.failing == "stop":
                waited.append((teller, document))
            else:
                teller.later(document)
        return waited

    async def _wait_for(self, teller: Teller, document: HookDocument) -> None:
        async def work() -> Told:
            return await teller.tell(document)

        stop = self._stop
        if stop is None:
            told = await work()
        else:
            told = await until_stopped(
                stop,
                work,
                kept="Everything done so far is kept.",
                next_step="Run the command again to go on from here.",
            )
        if not told.ok:
            raise HookFailed(teller.number, document.point, told.failure)

    def failed(self, teller: Teller, document: HookDocument, told: Told) -> None:
        """A hook failed that was told beside the work."""
        if teller.config.failing == "stop" and self._failure is None:
            self._failure = HookFailed(teller.number, document.point, told.failure)
            self._broken.set()

    async def guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, unless a `stop` hook that was told by `note` fails: raises `HookFailed` then."""
        if not any(POINTS[point].passing and self.stops(point) for point in POINTS):
            await work()
            return

        async def watch() -> None:
            await self._broken.wait()
            assert self._failure is not None
            raise self._failure

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await work()
            group.cancel_scope.cancel()

    async def end(self, code: int, problem: str, seconds: float) -> None:
        """Tell that the run has ended; `stop` hooks are heard, in the time that a stop leaves.

        Raises `HookFailed` where the run itself ended well.
        """
        figures: dict[str, Figure] = {"exit_code": code, "code": problem}
        figures["seconds"] = round(seconds, 3)
        waited = self._put("run-ended", figures)

        async def tell() -> None:
            for teller, document in waited:
                told = await teller.tell(document)
                if not told.ok and not problem:
                    raise HookFailed(teller.number, document.point, told.failure)

        if waited:
            await self._in_time(tell)

    async def settle(self) -> None:
        """Let the outboxes be worked off: at most the longest timeout, and briefly after a stop."""

        async def idle() -> None:
            with anyio.move_on_after(max(each.config.timeout_seconds for each in self._tellers)):
                for each in self._tellers:
                    await each.idle()

        await self._in_time(idle)
        for each in self._tellers:
            if each.behind:
                _log.warning("hook-not-told", hook=each.number, left=each.behind)

    async def _in_time(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do last work also when we are cancelled; once a stop is asked for, it has `LAST_S`."""
        failure: HookFailed | None = None
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:

                async def hurry() -> None:
                    if self._stop is not None:
                        await self._stop.wait()
                        await self._clock.sleep(LAST_S)
                        group.cancel_scope.cancel()

                group.start_soon(hurry)
                try:
                    await work()
                except HookFailed as error:
                    failure = error
                group.cancel_scope.cancel()
        if failure is not None:
            raise failure


@asynccontextmanager
async def open_hooks(
    hooks: Sequence[HookConfig], clock: Clock, command: str, *, stop: anyio.Event | None = None
) -> AsyncIterator[Hooks]:
    """The hooks of the config, ready to be told; what is left to tell is told when the block is left.

    Raises `SecretMissing` and `ConfigInvalid` before anything is told. Where hooks are configured, what
    the block raises comes out in a group, which `explain` reads.
    """
    run = run_name(clock.now(), os.getpid())
    async with AsyncExitStack() as stack:
        tellers = [
            await stack.enter_async_context(open_teller(number, each, clock))
            for number, each in enumerate(hooks, 1)
        ]
        made = Hooks(tellers, clock=clock, command=command, stop=stop, run=run)
        if not tellers:
            yield made
            return
        async with anyio.create_task_group() as group:
            for each in tellers:
                group.start_soon(each.work, made.failed)
            try:
                yield made
            finally:
                await made.settle()
                group.cancel_scope.cancel()


@asynccontextmanager
async def hooks_of_run(
    hooks: Sequence[HookConfig], clock: Clock, command: str, *, stop: anyio.Event
) -> AsyncIterator[Hooks]:
    """As `open_hooks`, for a run: told that it begins and, however that comes, that it has ended.

    Set `ended_with` to the exit code of a run that raises nothing.
    """
    async with open_hooks(hooks, clock, command, stop=stop) as made:
        began = clock.monotonic()
        try:
            await made.fire("run-started")
            yield made
        except BaseException as error:  # a stop and a cancellation are ends, too; raised on
            cancelled = isinstance(error, anyio.get_cancelled_exc_class())
            problem = explain(error)
            code = INTERRUPTED if cancelled else problem.exit_code
            await made.end(code, problem.code, clock.monotonic() - began)
            raise
        await made.end(made.ended_with, "", clock.monotonic() - began)
