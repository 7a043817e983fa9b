"""The one error of hooks that ends a run."""

from service.errors import REFUSED, DeskferryError


class HookFailed(DeskferryError):
    """A hook with `failing: stop` failed; everything done so far is kept, and the next run goes on."""

    code = "hook-failed"
    exit_code = REFUSED

    def __init__(self, number: int, point: str, why: str) -> None:
        super().__init__(
            f"Hook {number} failed at {point}: {why}. Everything done so far is kept.",
            next_step="See to what the hook says no to (deskferry hooks test tries it alone) and run the "
            "command again: it goes on from here, and the hook is told again.",
        )
