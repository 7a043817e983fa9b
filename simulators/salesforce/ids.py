"""Record ids: a three-character prefix, a counter, and the case checksum (facts, 7.10)."""

from collections import defaultdict
from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ROOM = 62**4


def with_checksum(short: str) -> str:
    """The 18-character form of a 15-character id."""
    return f"{short}{_sign(short[:5])}{_sign(short[5:10])}{_sign(short[10:15])}"


def whole(given: str) -> str:
    """An id as records carry it: 18 characters, whichever of the two forms is given."""
    return with_checksum(given) if len(given) == 15 else given


def _sign(block: str) -> str:
    mask = 0
    for position, char in enumerate(block):
        mask |= char.isupper() << position
    return _CHECK[mask]


@lru_cache(maxsize=4096)
def _digits(number: int, width: int) -> str:
    tail = ""
    while number:
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    return tail.rjust(width, "0")


@lru_cache(maxsize=64)
def _head(prefix: str, block: int) -> tuple[str, str]:
    """The first eleven characters of an id, and the checksum of the first ten."""
    head = f"{prefix}5f{_digits(block, 15 - len(prefix) - 2 - 4)}"
    return head, _sign(head[:5]) + _sign(head[5:10])


class IdMaker:
    """Gives out ids in ascending order for each prefix."""

    def __init__(self) -> None:
        self._next: dict[str, int] = defaultdict(lambda: 1)

    def new(self, prefix: str) -> str:
        """Return the next id of a prefix, 18 characters."""
        number = self._next[prefix]
        self._next[prefix] = number + 1
        block, rest = divmod(number, _ROOM)
        head, signs = _head(prefix, block)
        high, low = divmod(rest, 62)
        short = f"{head}{_digits(high, 3)}{_DIGITS[low]}"
        return f"{short}{signs}{_sign(short[10:])}"
