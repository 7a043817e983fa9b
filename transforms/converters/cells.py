"""The making of single CSV cells (salesforce facts, 3.5): clean text, quotes doubled."""

import re

from transforms.errors import Hold

# Control characters that XML 1.0 forbids, lone surrogates, and the two non-characters: Salesforce refuses them.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
ELLIPSIS = "…"


def clean(value: str) -> str:
    """Return text as Salesforce takes it: line feeds only, nothing that XML forbids.

    Raises `Hold` for text that is no Unicode text.
    """
    if value.isprintable():
        return value
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if _SURROGATE.search(value):
        raise Hold("bad-text")
    return _ILLEGAL.sub("", value)


def quoted(value: str) -> str:
    """Double the quotes inside a cell; the quotes around it are added when cells are joined."""
    return value.replace('"', '""') if '"' in value else value


def as_text(value: object) -> str:
    """Return a scalar as text; "" for None. Raises `Hold` for a list or an object."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    raise Hold("wrong-type")
