"""Record ids: a three-character prefix, a counter, and the case checksum (facts, 7.10)."""

from collections import defaultdict

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def with_checksum(short: str) -> str:
    """The 18-character form of a 15-character id."""
    suffix = ""
    for start in (0, 5, 10):
        mask = 0
        for position, char in enumerate(short[start : start + 5]):
            mask |= char.isupper() << position
        suffix += _CHECK[mask]
    return short + suffix


class IdMaker:
    """Gives out ids in ascending order for each prefix."""

    def __init__(self) -> None:
        self._next: dict[str, int] = defaultdict(lambda: 1)

    def new(self, prefix: str) -> str:
        """Return the next id of a prefix, 18 characters."""
        number = self._next[prefix]
        self._next[prefix] += 1
        tail = ""
        while number:
            number, digit = divmod(number, 62)
            tail = _DIGITS[digit] + tail
        return with_checksum(f"{prefix}5f{tail.rjust(15 - len(prefix) - 2, '0')}")
