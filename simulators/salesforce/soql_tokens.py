"""The words of a query, and its literals (facts, 5.4)."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from simulators.salesforce.values import utc_text

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|<>|=|<|>|\(|\)|,)|(?P<word>[^\s,()=<>!']+))",
    re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_PLAIN: dict[str, "Given"] = {}
QUERY_CHARS = 100_000
TEXT_CHARS = 4_000
Kind = Literal["text", "number", "boolean", "datetime", "date", "null"]


class SoqlError(Exception):
    """A query that is refused: error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Given:
    """A literal: its kind and its value, a moment as records store it. `raw` keeps escapes."""

    kind: Kind
    value: str | float | bool | None
    raw: str = ""


_PLAIN |= {
    "null": Given("null", None),
    "true": Given("boolean", True),
    "false": Given("boolean", False),
}


class Tokens:
    """The words of a query, one after the other."""

    def __init__(self, soql: str) -> None:
        if len(soql) > QUERY_CHARS:
            message = f"SOQL statements cannot be longer than {QUERY_CHARS} characters."
            raise SoqlError("MALFORMED_QUERY", message)
        self._items: list[str] = []
        self._at = 0
        position = 0
        text = soql.strip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise SoqlError("MALFORMED_QUERY", f"unexpected token at column {position}")
            self._items.append(found.group().strip())
            position = found.end()

    def peek(self) -> str:
        """The next word, or nothing at the end."""
        return self._items[self._at] if self._at < len(self._items) else ""

    def next(self) -> str:
        """Take the next word; raises `SoqlError` at the end."""
        token = self.peek()
        if not token:
            raise SoqlError("MALFORMED_QUERY", "unexpected token: '<EOF>'")
        self._at += 1
        return token

    def name(self) -> str:
        """Take the next word, which is to be the name of something."""
        token = self.next()
        if not (token[0].isalpha() or token[0] == "_"):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'")
        return token

    def take(self, *words: str) -> bool:
        """Take these words if they are next, in any case."""
        ahead = [each.upper() for each in self._items[self._at : self._at + len(words)]]
        if ahead != list(words):
            return False
        self._at += len(words)
        return True

    def need(self, *words: str) -> None:
        """Take these words; raises `SoqlError` when others are next."""
        if not self.take(*words):
            found = self.peek() or "<EOF>"
            raise SoqlError("MALFORMED_QUERY", f"expecting {' '.join(words)}, found '{found}'")

    def count(self) -> int:
        """Take a number of rows."""
        token = self.next()
        if not (token.isascii() and token.isdigit() and len(token) < 10):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'")
        return int(token)

    def literal(self) -> Given:
        """Take a literal."""
        token = self.next()
        if token.startswith("'"):
            return _text(token)
        plain = _PLAIN.get(token.lower())
        if plain is not None:
            return plain
        if _NUMBER.fullmatch(token):
            return Given("number", float(token))
        try:
            if "T" in token.upper():
                return Given("datetime", utc_text(token))
            return Given("date", date.fromisoformat(token).isoformat())
        except ValueError:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'") from None


def _text(token: str) -> Given:
    raw = token[1:-1]
    value = re.sub(
        r"\\(.)",
        lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]),
        raw,
        flags=re.DOTALL,
    )
    if len(value) > TEXT_CHARS:
        raise SoqlError("MALFORMED_QUERY", f"A text of more than {TEXT_CHARS} characters")
    return Given("text", value, raw)
