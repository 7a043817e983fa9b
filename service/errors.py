"""Every error in one form: a stable code, a plain sentence, the next step, and the exit code.

The rooms raise errors of their own; `explain` reads their class attributes and decides the exit code
of the outside contract. No traceback and no record's content reaches a user.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Literal

from connectors.errors import ConnectorError
from state.errors import StateError
from state.plain import NO_ROOM, disk_full
from transforms.errors import MappingError

Recovery = Literal["retry", "hold", "stop", "refuse"]

DONE = 0
UNEXPECTED = 1
USAGE = 2
REFUSED = 3
UNBALANCED = 4
ATTENTION = 5
REMOTE = 6
INTERRUPTED = 7
DAMAGED = 8


class DeskferryError(Exception):
    """The root of the service's own errors. Subclasses set `code` and, where needed, `exit_code`."""

    code: ClassVar[str] = "stopped"
    exit_code: ClassVar[int] = REMOTE
    recovery: ClassVar[Recovery] = "stop"

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class ConfigInvalid(DeskferryError):
    """The config file cannot be used; the message lists every fault with its line."""

    code = "config-invalid"
    exit_code = USAGE


class SecretMissing(DeskferryError):
    """A secret's reference leads nowhere."""

    code = "secret-missing"
    exit_code = USAGE


class UsageInvalid(DeskferryError):
    """The command was called with a value that it cannot use."""

    code = "usage-invalid"
    exit_code = USAGE


class Interrupted(DeskferryError):
    """The run was asked to stop; everything is durable."""

    code = "interrupted"
    exit_code = INTERRUPTED


@dataclass(frozen=True)
class Problem:
    """An error as a user sees it. `recovery` says what helps: retry, hold, stop or refuse."""

    code: str
    sentence: str
    next_step: str
    exit_code: int
    recovery: Recovery = "stop"


UNEXPECTED_STEP = "Run the command again; nothing is lost. Send the crash file to support."
INTERRUPTED_STEP = "Run the command again to go on from here."
ROOTS = (ConnectorError, StateError, MappingError, DeskferryError)

_BY_CODE = {
    "insecure-address": USAGE,
    "illegal-step": UNEXPECTED,
    "state-too-new": REFUSED,
    "workspace-locked": REFUSED,
    "workspace-unusable": REFUSED,
    "no-workspace": REFUSED,
    "workspace-cannot-lock": REFUSED,
    "state-too-old": REFUSED,
    "disk-full": INTERRUPTED,
    "spool-key-invalid": USAGE,
    "spool-key-missing": REFUSED,
    "spool-key-wrong": REFUSED,
    "spool-key-too-late": REFUSED,
    "mapping-does-not-fit": REFUSED,
    "tags-do-not-fit": REFUSED,
}
_BY_ROOT: dict[type[Exception], int] = {
    ConnectorError: REMOTE,
    StateError: DAMAGED,
    MappingError: USAGE,
}


def explain(error: BaseException) -> Problem:
    """Say an error plainly; of a group, the most serious one speaks.

    Only errors of our own speak for themselves: a foreign error's text may hold anything.
    """
    if isinstance(error, BaseExceptionGroup):
        return min((explain(each) for each in error.exceptions), key=_rank)
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        sentence = "Stopped as asked. Everything done so far is kept."
        return Problem("interrupted", sentence, INTERRUPTED_STEP, INTERRUPTED, "retry")
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        error = disk_full()  # wherever it was: a report, a log, our own output into a file
    if not isinstance(error, ROOTS):
        sentence = f"Something unexpected happened ({type(error).__name__})."
        return Problem("unexpected", sentence, UNEXPECTED_STEP, UNEXPECTED)
    kind = type(error)
    return Problem(
        error.code, error.message, error.next_step, exit_code_of(kind), recovery_of(kind)
    )


def exit_code_of(kind: type[BaseException]) -> int:
    """Return the exit code that an error class leads to when it ends a command."""
    if issubclass(kind, DeskferryError):
        return kind.exit_code
    code = getattr(kind, "code", "")
    if code in _BY_CODE:
        return _BY_CODE[code]
    return next((own for root, own in _BY_ROOT.items() if issubclass(kind, root)), UNEXPECTED)


def recovery_of(kind: type[BaseException]) -> Recovery:
    """Return what helps against an error class; our own classes say it by their exit code."""
    if issubclass(kind, DeskferryError):
        by_code: dict[int, Recovery] = {USAGE: "refuse", REFUSED: "refuse", INTERRUPTED: "retry"}
        return by_code.get(kind.exit_code, kind.recovery)
    said: Recovery = getattr(kind, "recovery", "stop")
    return said


def _rank(problem: Problem) -> int:
    """Refusals and damage first, then what a remote said; an unexpected error hides nothing."""
    order = [DAMAGED, USAGE, REFUSED, UNBALANCED, UNEXPECTED, REMOTE, INTERRUPTED]
    return order.index(problem.exit_code) if problem.exit_code in order else len(order)
