"""How an attribute's real values look: the facts by which its field is chosen.

A profile adds up: that of a sample and that of all records have one form. It keeps a bounded number
of distinct values, none of a sensitive attribute, and costs a fixed amount of memory.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

MOST_VALUES = 200
LONGEST_VALUE = 255
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}\Z")
_PHONE = re.compile(r"\+?[\d\s().-]{7,20}\Z")
_URL = re.compile(r"https?://\S+\Z")
_HTML = re.compile(
    r"<(?:p|br|div|span|a|table|ul|ol|li|b|i|strong|em|h[1-6]|blockquote)\b[^<>]*>", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d+)?\Z")


@dataclass
class Profile:
    """Counts over the values of one attribute.

    `seen` records, of which `filled` had a value; a list counts as one filled record, and its
    elements as values. `values` counts distinct texts until there are too many (`open_ended`).
    `chars` and `bytes` are those of the longest text; `integer_digits` and `decimals` the most that
    a number had. `bad` counts values that are not of the attribute's type.
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
        return None if self.open_ended else len(self.values)

    def share(self, count: int) -> float:
        """A count as a share of all texts."""
        return count / self.texts if self.texts else 0.0

    def _one(self, value: Any, type_: str, keep: bool) -> None:
        if isinstance(value, bool):
            self.booleans += 1
            self.bad += type_ != "boolean"
        elif isinstance(value, int | float):
            self._number(value)
            self.bad += type_ != "number"
        elif isinstance(value, str):
            self._text(value, type_, keep)
        else:
            self.objects += 1
            self.bad += 1

    def _number(self, value: float) -> None:
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
        self.htmls += type_ == "text" and _HTML.search(value) is not None
        if len(value) <= LONGEST_VALUE:
            self.mails += _MAIL.match(value) is not None
            self.urls += _URL.match(value) is not None
            numeric = _NUMBER.match(value) is not None
            self.numeric_texts += numeric
            self.phones += not numeric and _PHONE.match(value) is not None
        if type_ == "datetime":
            self._moment(value)
        self.bad += type_ in ("number", "boolean")
        if keep:
            self._count(value)

    def _moment(self, value: str) -> None:
        if _is_moment(value):
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


def _is_moment(value: str) -> bool:
    """A moment or a day in the range of a date field (salesforce facts, 7.9)."""
    try:
        return 1700 <= datetime.fromisoformat(value).year <= 4000
    except ValueError:
        return False
