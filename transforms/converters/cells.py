"""The making of single CSV cells (salesforce facts, 3.5): clean text, quotes doubled."""

import math
import re

from transforms.errors import Hold

# What XML 1.0 forbids, and lone surrogates, which are no text at all.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ELLIPSIS = "…"


def clean(value: str) -> str:
    """Return text as Salesforce takes it: line feeds only, nothing that XML forbids.

    Raises `Hold` (bad-text) for text with lone surrogates.
    """
    if value.isprintable():
        return value
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    # Bodies are mostly printable but for line ends, tabs and hard spaces: C settles those.
    rest = value.replace("\n", "")
    if rest.isprintable() or rest.replace("\xa0", "").replace("\t", "").isprintable():
        return value
    if _SUSPECT.search(value) is None:
        return value
    if _SURROGATE.search(value):
        raise Hold("bad-text")
    return _ILLEGAL.sub("", value)


def quoted(value: str) -> str:
    """Double the quotes inside a cell; the quotes around it are added when cells are joined."""
    return value.replace('"', '""') if '"' in value else value


def fitted(value: str, limit: int) -> str:
    """Return the finished cell of clean text; raises `Hold` (too-long) over `limit` characters.

    A limit of 0 is none.
    """
    if limit and len(value) > limit:
        raise Hold("too-long")
    return value.replace('"', '""') if '"' in value else value


def as_text(value: object) -> str:
    """Return a scalar as text, numbers without loss; "" for None.

    Raises `Hold` (wrong-type) for a list, an object or a number that is none.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    raise Hold("wrong-type")
