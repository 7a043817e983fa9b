"""Churn: an org that changes by itself while it is read, by a seed and at a rate."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from simulators.kustomer.churn_made import Maker
from simulators.kustomer.churn_writes import WEIGHTS, Writes
from simulators.kustomer.desk import Desk

Sleep = Callable[[float], Awaitable[None]]
_REDRAWS = 200
# So many writes are made in one go at most: a late turn is made up for without a stop of the loop.
_AT_ONCE = 25
_TICK_S = 0.02


class ChurnInvalid(ValueError):
    """A rate, seed or limit that cannot be used; the text says why."""


class Churn:
    """Makes writes by a seed; the same seed makes the same writes in the same order.

    When they are made is told by the clock, which ones are not: a burst of 100 makes what a hundred
    writes at any rate would have made. The rate is in writes a second. With rate 0 it rests where
    it is, and goes on from there.
    """

    def __init__(self, desk: Desk, sleep: Sleep = anyio.sleep) -> None:
        self._desk = desk
        self._sleep = sleep
        self._woken: anyio.Event | None = None
        self.rate = 0.0
        self.made: Counter[str] = Counter()
        self._ends_at = math.inf
        self._left = math.inf
        self._weights = dict(WEIGHTS)
        self._maker = Maker(desk, desk.settings.churn_seed)
        self._begin(desk.settings.churn_seed)
        self._began = 0.0
        self._since = 0

    def _begin(self, seed: int) -> None:
        self._maker = Maker(self._desk, seed, self._maker.serial)
        self._writes = Writes(self._desk, self._maker)
        self.seed = seed

    def apply(self, given: dict[str, Any]) -> None:
        """Change what is given; raises `ChurnInvalid` and changes nothing for what cannot be.

        `rate`; `seed` (begins that seed's writes anew); `for_s` seconds from now, or `writes` from
        now, after which it rests; `weights` by kind of write, the others then being 0 (they stay
        so until others are given; None for the usual ones).
        """
        _check(given)
        if "weights" in given:
            weights = WEIGHTS if given["weights"] is None else given["weights"]
            self._weights = {each: weights.get(each, 0) for each in WEIGHTS}
        if "seed" in given:
            self._begin(given["seed"])
        if "rate" in given:
            self.rate = float(given["rate"])
        if {"rate", "for_s", "writes"} & given.keys():
            self._began, self._since = self._desk.clock(), 0
            lasts = given.get("for_s")
            self._ends_at = math.inf if lasts is None else self._began + lasts
            writes = given.get("writes")
            self._left = math.inf if writes is None else writes
        if self._woken is not None:
            self._woken.set()

    def begin(self) -> None:
        """Start as the settings say: nothing happens with a rate of 0."""
        settings = self._desk.settings
        if settings.churn_rate:
            given = {
                "rate": settings.churn_rate,
                "for_s": settings.churn_for_s,
                "writes": settings.churn_writes,
            }
            self.apply(given)

    def stop(self) -> None:
        """Rest, and begin at the seed's first write again when it is started."""
        self.rate = 0.0
        self._begin(self.seed)
        self._weights = dict(WEIGHTS)

    def burst(self, count: int) -> int:
        """Make so many writes at once; returns how many there were. Fewer only in an empty org."""
        return sum(self._one() for _ in range(count))

    def facts(self) -> dict[str, Any]:
        """What it does and has done; `seq` is the last line of the log of the truth."""
        return {
            "rate": self.rate,
            "seed": self.seed,
            "writes": sum(self.made.values()),
            "by_kind": dict(sorted(self.made.items())),
            "seq": self._desk.truth.count,
        }

    async def run(self) -> None:
        """Make writes as they fall due, until it is cancelled."""
        while True:
            if not self.rate:
                self._woken = anyio.Event()
                await self._woken.wait()
                continue
            self.due()
            await self._sleep(max(_TICK_S, min(1.0, 1 / self.rate)) if self.rate else 0)

    def due(self) -> None:
        """Make what has fallen due since the last call; rest when the limit is reached."""
        now = self._desk.clock()
        if now >= self._ends_at or self._left <= 0:
            self.rate = 0.0
            return
        owed = int((now - self._began) * self.rate) - self._since
        made = self.burst(int(max(0, min(owed, self._left, _AT_ONCE))))
        # What a stalled machine could not make in time is let go: the rate is no debt.
        self._since += max(made, owed - _AT_ONCE * 4)
        self._left -= made

    def _one(self) -> bool:
        """Draw kinds until one fits the org."""
        kinds, weights = list(self._weights), list(self._weights.values())
        for _ in range(_REDRAWS):
            name = self._maker.random.choices(kinds, weights)[0]
            if self._writes.make(name):
                self.made[name] += 1
                return True
        return False


def _check(given: dict[str, Any]) -> None:
    unknown = sorted(given.keys() - {"rate", "seed", "for_s", "writes", "weights"})
    if unknown:
        raise ChurnInvalid(f"Churn has no {', '.join(unknown)}.")
    for name in ("rate", "for_s"):
        value = given.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 <= value <= 1e6):
            raise ChurnInvalid(f"{name} is a number from 0 to a million.")
    for name in ("seed", "writes"):
        value = given.get(name, 0)
        if value is not None and (type(value) is not int or (name == "writes" and value < 0)):
            raise ChurnInvalid(f"{name} is a whole number.")
    weights = WEIGHTS if given.get("weights") is None else given["weights"]
    known = isinstance(weights, dict) and weights.keys() <= WEIGHTS.keys()
    if not known or not all(type(each) is int and each >= 0 for each in weights.values()):
        raise ChurnInvalid("Weights are whole numbers by kind of write.")
    if not any(weights.values()):
        raise ChurnInvalid("One of the weights at least is more than 0.")
