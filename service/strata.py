"""Picks a sample that has some of everything: channel, status, age, with and without attachments.

Which records are picked follows from their ids and a seed alone, not from the order in which they
are read: the same seed picks the same of the same records.
"""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from service.move_plan import DAY_MS, mapping_of, moment_ms

AGES: tuple[tuple[str, int], ...] = (("month", 30), ("half-year", 182), ("two-years", 730))
OLDER = "older"
WITH, WITHOUT = "with attachments", "without attachments"
Stratum = tuple[str, str, str, str]
"""Channel, status, age and attachments."""


def stratum_of(record: Mapping[str, Any], now_ms: int, attached: Collection[str]) -> Stratum:
    """The stratum of a conversation; `attached` are ids of those known to have attachments."""
    attributes = mapping_of(record.get("attributes"))
    channels = attributes.get("channels")
    channel = channels[0] if isinstance(channels, list) and channels else "none"
    created = moment_ms(attributes.get("createdAt"))
    days = (now_ms - created) / DAY_MS if created is not None else float("inf")
    age = next((name for name, most in AGES if days < most), OLDER)
    files = WITH if record.get("id") in attached else WITHOUT
    return str(channel), str(attributes.get("status")), age, files


def shares(counts: Mapping[Stratum, int], wanted: int) -> dict[Stratum, int]:
    """How many of each stratum make up `wanted` records, in proportion to their numbers.

    At least one of each, as far as `wanted` goes; of more strata than that first those which make up at
    least one of every channel, status, age and so on, then the largest.
    """
    order = _covering(counts)
    found = {each: int(place < wanted) for place, each in enumerate(order)}
    left = min(wanted, sum(counts.values())) - sum(found.values())
    while left > 0:
        room = {each: counts[each] - found[each] for each in order if counts[each] > found[each]}
        total = sum(room.values())
        exact = {each: left * room[each] / total for each in room}
        given = {each: min(room[each], int(exact[each])) for each in room}
        if not any(given.values()):  # what is left is less than one for each
            rest = sorted(room, key=lambda each: (-exact[each], each))[:left]
            given = dict.fromkeys(rest, 1)
        for each, more in given.items():
            found[each] += more
        left -= sum(given.values())
    return found


def _covering(counts: Mapping[Stratum, int]) -> list[Stratum]:
    """All strata, each next one with the most values that those before do not have."""
    left = sorted(counts, key=lambda each: (-counts[each], each))
    order: list[Stratum] = []
    seen: set[tuple[int, str]] = set()
    while left:
        news = [len(set(enumerate(each)) - seen) for each in left]
        if not max(news):
            return order + left
        order.append(left.pop(news.index(max(news))))
        seen |= set(enumerate(order[-1]))
    return order


@dataclass
class _Met:
    count: int = 0
    earlier: list[tuple[int, str, str]] = field(default_factory=list)
    least: list[tuple[int, str, str]] = field(default_factory=list)


class Picker:
    """Takes records one by one, and picks at the end; keeps at most `wanted` of each stratum."""

    def __init__(self, wanted: int, seed: int, earlier: Collection[str] = ()) -> None:
        """`earlier`: ids that are picked whatever else is."""
        self._wanted = wanted
        self._seed = seed
        self._earlier = frozenset(earlier)
        self._strata: dict[Stratum, _Met] = {}

    def add(self, stratum: Stratum, record_id: str, owner: str) -> None:
        """Take a record; `owner` comes along with it. One that pages show twice is picked once."""
        rank = self._rank(record_id)
        met = self._strata.setdefault(stratum, _Met())
        met.count += 1
        if record_id in self._earlier:
            met.earlier.append((rank, record_id, owner))
            return
        entry = (-rank, record_id, owner)  # the heap's first is the greatest rank
        if len(met.least) < self._wanted:
            heapq.heappush(met.least, entry)
        else:
            heapq.heappushpop(met.least, entry)

    def pick(self) -> dict[Stratum, Sequence[tuple[str, str]]]:
        """Return the (id, owner) picked of each stratum that there is."""
        quota = shares({each: met.count for each, met in self._strata.items()}, self._wanted)
        return {each: _of(met, quota[each]) for each, met in sorted(self._strata.items())}

    def counts(self) -> dict[Stratum, int]:
        """How many records each stratum has."""
        return {each: met.count for each, met in self._strata.items()}

    def _rank(self, record_id: str) -> int:
        key = f"{self._seed}:{record_id}".encode()
        return int.from_bytes(blake2b(key, digest_size=8).digest())


def _of(met: _Met, quota: int) -> list[tuple[str, str]]:
    earlier = sorted(set(met.earlier))
    fresh = sorted(set(met.least), reverse=True)[: max(0, quota - len(earlier))]
    return [(record_id, owner) for _, record_id, owner in earlier + fresh]
