"""Makes a remote's text fit for a message: no addresses, tokens, or values that a person wrote."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 300
_SCAN_CHARS: Final = 2_000

_RULES: Final = (
    (re.compile(r"[^\s<>,;]*@[^\s<>,;]+"), "[address]"),
    (re.compile(r"(?i)\b(?:bearer|basic|oauth)\s+[\w\-.~+/!=]{6,}"), "[token]"),
    (re.compile(r"\b00D\w{12,15}![\w.]+"), "[token]"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}"), "[token]"),
    (re.compile(r"\b[A-Za-z0-9_\-]{40,}"), "[token]"),
    (re.compile(r"(?<![\w])\+?\d[\d\s().\-]{7,}\d\b"), "[number]"),
)
# A quoted custom name says what to mend and is no one's data; every other quoted value may be.
_NAME: Final = re.compile(r"^[A-Za-z]\w*__[a-z]+$")
_QUOTED: Final = re.compile(r"(?<!\w)(['\"`“‘])(.*?)['\"`”’](?!\w)", re.DOTALL)


def _quoted(match: re.Match[str]) -> str:
    inner = match.group(2)
    return f"'{inner}'" if _NAME.match(inner) else "'…'"


def safe_text(text: object) -> str:
    """One line of at most 300 characters that may be shown and logged.

    Mail addresses, tokens, long numbers and quoted values are replaced; quoted names of custom
    fields stay, because they say what to mend. Anything that is not text becomes an empty string.
    """
    if not isinstance(text, str):
        return ""
    short = _QUOTED.sub(_quoted, text[:_SCAN_CHARS])
    for pattern, stand_in in _RULES:
        short = pattern.sub(stand_in, short)
    line = " ".join(short.split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"


def safe_code(code: object) -> str | None:
    """A remote's error code if it looks like one (short, a single word), else None."""
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    if isinstance(code, str) and re.fullmatch(r"[A-Za-z][\w.\-]{0,63}", code):
        return code
    return None
