"""A hook that is a command: run without a shell, in a process group of its own, ended with it.

What it prints is counted, never kept: it could hold anything. No process of the group outlives the
command's end, its timeout, a stop of the run, or a second signal; only a kill of ours (SIGKILL) cannot
be noticed.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from subprocess import STDOUT

import anyio
import anyio.abc
import structlog

from service.hooks.outcome import Told

POINT_VARIABLE = "DESKFERRY_HOOK_POINT"
_KEPT = ("PATH", "HOME")
_REAP_S = 2.0

_log = structlog.get_logger()
_groups: set[int] = set()  # process groups that live now


def end_all() -> None:
    """End every command at once; for a process that is about to leave without a clean-up."""
    for group in tuple(_groups):
        _kill(group)


async def run_command(command: Sequence[str], point: str, document: bytes) -> Told:
    """Run the command with the document on its stdin, to its end. Cancellation kills its group.

    It sees PATH, HOME and DESKFERRY_HOOK_POINT, and nothing else of our environment.
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        with anyio.CancelScope(shield=True):  # it begins or not; no half of it is left behind
            process = await anyio.open_process(
                command,
                stderr=STDOUT,  # only the length of both is of interest
                env={**environment, POINT_VARIABLE: point},
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        return Told(f"the command cannot be started ({type(error).__name__})")
    _groups.add(process.pid)
    try:
        code, printed = await _to_its_end(process, document)
    finally:
        await _end(process)
    _log.debug("hook-command-ended", point=point, exit_code=code, printed_bytes=printed)
    return Told() if code == 0 else Told(f"the command ended with {code}")


async def _to_its_end(process: anyio.abc.Process, document: bytes) -> tuple[int, int]:
    printed = 0

    async def feed() -> None:
        assert process.stdin is not None
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await process.stdin.send(document)
        with suppress(OSError):
            await process.stdin.aclose()

    async def count() -> None:
        nonlocal printed
        assert process.stdout is not None
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            while True:
                printed += len(await process.stdout.receive())

    async with anyio.create_task_group() as group:
        group.start_soon(feed)
        group.start_soon(count)
        code = await process.wait()
        group.cancel_scope.cancel()
    return code, printed


async def _end(process: anyio.abc.Process) -> None:
    """Kill what is left of the group, also when the command itself has ended well."""
    _kill(process.pid)
    _groups.discard(process.pid)
    with anyio.CancelScope(shield=True), anyio.move_on_after(_REAP_S):
        await process.wait()
        await process.aclose()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
