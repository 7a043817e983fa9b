"""Request budgets by fixed windows, as the org's rate limit works (kustomer facts, section 2)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Window:
    """One budget: `limit` requests in `seconds`. `history` holds what past windows used."""

    limit: int
    seconds: float
    clock: Callable[[], float]
    used: int = 0
    refused: int = 0
    history: deque[int] = field(default_factory=lambda: deque(maxlen=1000))
    _ends: float = 0.0

    def take(self) -> bool:
        """Count a request; False when the window has none left."""
        self._turn()
        if self.used >= self.limit:
            self.refused += 1
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        """Requests left in this window."""
        return max(0, self.limit - self.used)

    @property
    def ends(self) -> float:
        """When this window ends, epoch seconds."""
        return self._ends

    def _turn(self) -> None:
        now = self.clock()
        if now >= self._ends:
            if self._ends:
                self.history.append(self.used)
            self._ends = now + self.seconds
            self.used = 0
