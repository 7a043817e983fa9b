"""Chaos: a share of all calls goes wrong, each in a way that is drawn by a seed.

What can go wrong is declared by each stand-in as a table of `ChaosKind`. The draw follows the order
in which calls arrive: one caller at a time sees the same faults again, several see as many.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Fits = Callable[[str, str], bool]


class ChaosInvalid(ValueError):
    """A rate or seed that cannot be used; the text says why."""


def anywhere(method: str, path: str) -> bool:
    """Any call can be struck."""
    return True


@dataclass(frozen=True)
class ChaosKind:
    """One way to go wrong: its name, the fault as the side-door takes it, and the calls it fits."""

    name: str
    spec: Mapping[str, Any]
    fits: Fits = anywhere


@dataclass
class Chaos:
    """`rate` (0 to 1) of all calls is struck. `hits` counts by kind."""

    kinds: Sequence[ChaosKind]
    rate: float
    seed: int = 1
    hits: Counter[str] = field(default_factory=Counter)
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise ChaosInvalid("The rate of chaos lies between 0 and 1.")
        self._random = Random(self.seed)  # noqa: S311

    @classmethod
    def read(cls, kinds: Sequence[ChaosKind], given: Mapping[str, Any]) -> "Chaos":
        """Make it from a request, `{"rate", "seed"}`; raises `ChaosInvalid`."""
        unknown = sorted(set(given) - {"rate", "seed"})
        if unknown:
            raise ChaosInvalid(f"Chaos has no {', '.join(unknown)}.")
        rate, seed = given.get("rate", 0.05), given.get("seed", 1)
        if not isinstance(rate, int | float) or not isinstance(seed, int):
            raise ChaosInvalid("The rate of chaos is a number, its seed a whole one.")
        return cls(kinds, float(rate), seed)

    def draw(self, method: str, path: str) -> ChaosKind | None:
        """What happens to a call; None for most. It is counted."""
        if self._random.random() >= self.rate:
            return None
        fitting = [kind for kind in self.kinds if kind.fits(method, path)]
        chosen = self._random.choice(fitting)
        self.hits[chosen.name] += 1
        return chosen

    def chance(self, share: float) -> bool:
        """Draw for a row: true for `share` of the rate."""
        return self._random.random() < self.rate * share
