"""Numbers as people write them: with a comma, with marks between thousands, with blanks."""

import re

from transforms.errors import Hold

# The largest magnitude of a field of 18 digits before the point.
LARGEST = 10**18
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?\Z")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}\Z|[+-]?[0-9]+,[0-9]{4,}\Z")
_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+\Z|[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}\Z")
_COMMAS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+\Z|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}\Z")
_TWO_WAYS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}\Z")
_SPACES = re.compile(r"[\s\u00a0\u202f']")
_WITH_POINT = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?\Z")
_WITH_COMMA = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]+)?\Z")


def read_number(text: str, decimal: str = "") -> str:
    """Return the number that a text is, with a point and without other marks.

    `decimal` says which mark is before the fraction, `.` or `,`; without it what reads two ways, such
    as `1,234`, raises `Hold` (ambiguous-number). What is no number raises not-a-number.
    """
    made = _SPACES.sub("", text)
    if decimal:
        return _by_rule(made, decimal)
    if _PLAIN.match(made):
        return made
    if _COMMA.match(made):
        return made.replace(",", ".")
    if _POINTS.match(made):
        return made.replace(".", "").replace(",", ".")
    if _COMMAS.match(made):
        return made.replace(",", "")
    raise Hold("ambiguous-number" if _TWO_WAYS.match(made) else "not-a-number")


def _by_rule(made: str, decimal: str) -> str:
    if decimal == "." and _WITH_POINT.match(made):
        return made.replace(",", "")
    if decimal == "," and _WITH_COMMA.match(made):
        return made.replace(".", "").replace(",", ".")
    raise Hold("not-a-number")
