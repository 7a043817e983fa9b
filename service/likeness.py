"""Telling which row became which record, where only their content can tell.

Salesforce may alter a text on its way in (line ends, blanks at its ends) and cuts moments to whole
seconds. So rows and records are paired in rounds, the exact ones first; each is used once, which
makes the count right also among twins that are equal in all.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Likeness:
    """A row or a record, reduced to what tells it from others.

    `place` stands for parent, author and the words of the text; `text` for the text as it is.
    `second` is its moment in epoch seconds, None where it was not sent.
    """

    place: bytes
    text: bytes
    second: int | None


def likeness(parent: str, author: str, text: str, moment: str) -> Likeness:
    """Reduce one row or record; ids are compared on 15 characters (salesforce facts, 7.10)."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    words = " ".join(unicodedata.normalize("NFC", _visible(plain)).split())
    place = "\x00".join((parent[:15], author[:15], words))
    return Likeness(_digest(place), _digest(plain), second_of(moment))


def second_of(moment: str) -> int | None:
    """Epoch seconds of an ISO moment, fractions cut; None for what is none."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() // 1)


def pair(wanted: Sequence[Likeness], there: Sequence[Likeness]) -> dict[int, int]:
    """Pair rows with records, by their places in the two lists; each record is used once.

    Of several that fit equally, earlier ones go first on both sides.
    """
    pairs: dict[int, int] = {}
    left = set(range(len(there)))
    for mine, theirs in _ROUNDS:
        free: dict[Hashable, list[int]] = defaultdict(list)
        for number in sorted(left, reverse=True):
            free[theirs(there[number])].append(number)
        for number, each in enumerate(wanted):
            if number not in pairs and (key := mine(each)) is not None and free.get(key):
                pairs[number] = free[key].pop()
                left.discard(pairs[number])
    return pairs


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _visible(text: str) -> str:
    return "".join(char if char in "\n\t" or char >= " " else " " for char in text)


Key = Callable[[Likeness], Hashable | None]


def _near(by: int) -> tuple[Key, Key]:
    """The round for moments that were rounded by `by` seconds on their way in."""
    return (
        lambda each: None if each.second is None else (each.place, each.second + by),
        lambda each: (each.place, each.second),
    )


_ROUNDS: tuple[tuple[Key, Key], ...] = (
    (
        lambda each: None if each.second is None else (each.place, each.text, each.second),
        lambda each: (each.place, each.text, each.second),
    ),
    _near(0),
    _near(1),
    (
        lambda each: None if each.second is not None else (each.place, each.text),
        lambda each: (each.place, each.text),
    ),
    (lambda each: None if each.second is not None else each.place, lambda each: each.place),
)
