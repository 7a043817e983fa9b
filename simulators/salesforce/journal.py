"""Transactions: what is done inside one stays or goes together, its effects too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulators.salesforce.effects import Effect, EffectLog


@dataclass
class Transaction:
    """What was done since its beginning; taken back when it is cancelled."""

    cancelled: bool = False
    undo: list[Callable[[], object]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


class Journal:
    """Open transactions, the innermost last. Without one, effects go straight to the log."""

    def __init__(self, log: EffectLog) -> None:
        self._log = log
        self.open: list[Transaction] = []

    def undoable(self, step: Callable[[], object]) -> None:
        """Note how to take back what was just done."""
        if self.open:
            self.open[-1].undo.append(step)

    def note(self, effect: Effect) -> None:
        """Note an effect; the log learns of it when the outermost transaction ends well."""
        if self.open:
            self.open[-1].effects.append(effect)
        else:
            self._log.write(effect)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All writes inside stay or go together: set `cancelled`, or raise, to take them back."""
        mine = Transaction()
        self.open.append(mine)
        try:
            yield mine
        except BaseException:
            mine.cancelled = True
            raise
        finally:
            self.open.pop()
            self._end(mine)

    def _end(self, mine: Transaction) -> None:
        if mine.cancelled:
            for step in reversed(mine.undo):
                step()
        elif self.open:
            self.open[-1].undo += mine.undo
            self.open[-1].effects += mine.effects
        else:
            for effect in mine.effects:
                self._log.write(effect)
