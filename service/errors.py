"""Every error in one form: a stable code, a plain sentence, the next step, and the exit code.

The rooms raise errors of their own; `explain` reads their class attributes and decides the exit code
of the outside contract. No traceback and no record's content reaches a user.
"""

from dataclasses import dataclass
from typing import ClassVar

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


@dataclass(frozen=True)
class Problem:
    """An error as a user sees it."""

    code: str
    sentence: str
    next_step: str
    exit_code: int


_BY_CODE = {
    "state-damaged": DAMAGED,
    "mapping-invalid": USAGE,
    "mapping-does-not-fit": REFUSED,
    "disk-full": INTERRUPTED,
}
_STATE_CODES = frozenset(
    {
        "state-too-new",
        "workspace-locked",
        "workspace-unusable",
        "no-workspace",
    }
)


def explain(error: BaseException) -> Problem:
    """Say an error plainly; of a group, the most serious one speaks."""
    if isinstance(error, BaseExceptionGroup):
        problems = [explain(each) for each in error.exceptions]
        return min(problems, key=_rank)
    code = getattr(error, "code", None)
    if not isinstance(code, str):
        return Problem(
            "unexpected",
            f"Something unexpected happened ({type(error).__name__}).",
            "Run the command again; nothing is lost. Send the crash file to support.",
            UNEXPECTED,
        )
    sentence = str(getattr(error, "message", error))
    next_step = str(getattr(error, "next_step", ""))
    return Problem(code, sentence, next_step, _exit_code(error, code))


def _exit_code(error: BaseException, code: str) -> int:
    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    if code in _BY_CODE:
        return _BY_CODE[code]
    return REFUSED if code in _STATE_CODES else REMOTE


def _rank(problem: Problem) -> int:
    """Refusals and damage first, then what a remote said; an unexpected error hides nothing."""
    order = [DAMAGED, USAGE, REFUSED, UNBALANCED, UNEXPECTED, REMOTE, INTERRUPTED]
    return order.index(problem.exit_code) if problem.exit_code in order else len(order)
