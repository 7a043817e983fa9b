"""How an attribute's real values look: the facts by which its field is chosen.

A profile adds up: that of a sample and that of all records have one form. It keeps a bounded number
of distinct values, none of a sensitive attribute, and costs a fixed amount of memory.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

MOST_VALUES = 200
MOST_TOKENS = 500
LONGEST_VALUE = 255
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}\Z")
_PHONE = re.compile(r"\+?[\d\s().-]{7,20}\Z")
_URL = re.compile(r"https?://\S+\Z")
_HTML = re.compile(
    r"<(?:p|br|div|span|a|table|ul|ol|li|b|i|strong|em|h[1-6]|blockquote)\b[^<>]*>", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d+)?\Z")
_SUMS = (
    *("filled", "lists", "texts", "numbers", "booleans", "objects", "mails", "phones", "urls"),
    *("numeric_texts", "moments", "midnights", "multiline", "htmls"),
)
_MOSTS = ("longest_list", "chars", "bytes", "integer_digits", "decimals")


@dataclass
class Profile:
    """Counts over the values of one attribute.

    `seen` records, of which `filled` had a value; a list counts as one filled record, and its
    elements as values. `values` counts distinct texts until there are too many (`open_ended`).
    `chars` and `bytes` are those of the longest text; `integer_digits` and `decimals` the most that
    a number had. `bad` counts values that are not of the attribute's type. `unnamed` are distinct
    texts that are known to be there and not what they are: of all records only tokens are kept.
    """

    seen: int = 0
    filled: int = 0
    lists: int = 0
    longest_list: int = 0
    texts: int = 0
    numbers: int = 0
    booleans: int = 0
    objects: int = 0
    bad: int = 0
    chars: int = 0
    bytes: int = 0
    integer_digits: int = 0
    decimals: int = 0
    mails: int = 0
    phones: int = 0
    urls: int = 0
    numeric_texts: int = 0
    moments: int = 0
    midnights: int = 0
    multiline: int = 0
    htmls: int = 0
    open_ended: bool = False
    unnamed: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def add(self, value: Any, *, type: str, keep: bool = True) -> None:
        """Take one record's value in; `type` is the attribute's, `keep` False for sensitive ones."""
        self.seen += 1
        if value is None or value == "" or value == []:
            return
        self.filled += 1
        if isinstance(value, list):
            self.lists += 1
            self.longest_list = max(self.longest_list, len(value))
            for each in value:
                self._one(each, type, keep)
        else:
            self._one(value, type, keep)

    def absent(self, records: int = 1) -> None:
        """Count records that do not have the attribute at all."""
        self.seen += records

    @property
    def elements(self) -> int:
        """How many single values were seen."""
        return self.texts + self.numbers + self.booleans + self.objects

    @property
    def distinct(self) -> int | None:
        """How many distinct texts there are; None when there are too many to tell."""
        return None if self.open_ended else len(self.values) + self.unnamed

    def share(self, count: int) -> float:
        """A count as a share of all texts."""
        return count / self.texts if self.texts else 0.0

    def bad_as(self, type: str) -> int:
        """How many values are not of a type, where moments were counted among all texts."""
        good = {"boolean": self.booleans, "number": self.numbers, "datetime": self.moments}
        return self.elements - good.get(type, self.texts)

    def merge(self, other: "Profile") -> None:
        """Add another part of the same attribute's values; of which part they are makes no difference.

        Both keep up to `MOST_TOKENS` distinct values; where together they have more, none is kept.
        """
        self.seen += other.seen
        self.bad += other.bad
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _MOSTS:
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.values.update(other.values)
        if self.open_ended or other.open_ended or len(self.values) > MOST_TOKENS:
            self.open_ended = True
            self.values.clear()

    def counts(self) -> dict[str, int]:
        """What adds up and is not zero, by name; without `seen`, `bad` and the distinct values."""
        every = {name: getattr(self, name) for name in (*_SUMS, *_MOSTS)}
        return {name: count for name, count in every.items() if count}

    @classmethod
    def of_counts(
        cls, counts: Mapping[str, int], values: Mapping[str, int], *, open_ended: bool
    ) -> "Profile":
        """The profile that `counts` and its values were taken of; unknown names are left out."""
        known = {name: counts[name] for name in (*_SUMS, *_MOSTS) if name in counts}
        return cls(**known, open_ended=open_ended, values=Counter(values))

    def _one(self, value: Any, type_: str, keep: bool) -> None:
        if isinstance(value, bool):
            self.booleans += 1
            self.bad += type_ != "boolean"
        elif isinstance(value, int | float):
            self.number(value)
            self.bad += type_ != "number"
        elif isinstance(value, str):
            self._text(value, type_, keep)
        else:
            self.objects += 1
            self.bad += 1

    def number(self, value: float) -> None:
        """Count one number; whether its record is filled is not counted."""
        self.numbers += 1
        # As it was written: a binary fraction has digits that nobody meant.
        whole, _, rest = f"{Decimal(repr(abs(value))):f}".partition(".")
        rest = rest.rstrip("0")
        self.integer_digits = max(self.integer_digits, len(whole))
        self.decimals = max(self.decimals, len(rest))

    def _text(self, value: str, type_: str, keep: bool) -> None:
        self.texts += 1
        self.chars = max(self.chars, len(value))
        self.bytes = max(self.bytes, len(value.encode("utf-8", "surrogatepass")))
        self.multiline += "\n" in value
        for name in forms_of(value):
            setattr(self, name, getattr(self, name) + 1)
        if type_ == "datetime":
            self._moment(value)
        self.bad += type_ in ("number", "boolean")
        if keep:
            self._count(value)

    def _moment(self, value: str) -> None:
        if is_moment(value):
            self.moments += 1
            self.midnights += "T00:00:00" in value
        else:
            self.bad += 1

    def _count(self, value: str) -> None:
        if self.open_ended:
            return
        if len(value) > LONGEST_VALUE or (
            value not in self.values and len(self.values) >= MOST_VALUES
        ):
            self.open_ended = True
            self.values.clear()
        else:
            self.values[value] += 1


def forms_of(value: str) -> tuple[str, ...]:
    """The counts that a text belongs to by its form; beyond `LONGEST_VALUE` characters only HTML."""
    found = ["htmls"] if "<" in value and _HTML.search(value) else []
    if len(value) > LONGEST_VALUE:
        return tuple(found)
    if "@" in value and _MAIL.match(value):
        found.append("mails")
    if value[:1].isalpha():  # neither a number nor one to call
        if value.startswith("http") and _URL.match(value):
            found.append("urls")
    elif _NUMBER.match(value):
        found.append("numeric_texts")
    elif _PHONE.match(value):
        found.append("phones")
    return tuple(found)


def is_moment(value: str) -> bool:
    """A moment or a day in the range of a date field (salesforce facts, 7.9)."""
    if not value[:4].isdigit():  # each of the forms begins with a year
        return False
    try:
        return 1700 <= datetime.fromisoformat(value).year <= 4000
    except ValueError:
        return False
