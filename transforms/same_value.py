"""Whether a cell says what a field holds: cells as they are sent, values as Salesforce's REST gives them.

Salesforce keeps some values in a form of its own (salesforce facts, 5.5 and 7): texts without blanks at
their ends, moments in UTC with milliseconds, numbers without trailing zeros, 18 characters of an id.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_NUMBERS = frozenset({"double", "int", "currency", "percent", "long"})
ID_CHARS = 15


def same_value(kind: str, cell: str, value: Any) -> bool:
    """Tell whether `cell` would leave a field of the describe type `kind`, which holds `value`, as it is.

    An empty cell stands for no value.
    """
    if kind == "boolean":
        return (cell.lower() == "true") is (value is True)
    if value is None or value == "":
        return not _text(cell)
    if not cell:
        return False
    if kind in _NUMBERS:
        return _number(cell) == _number(str(value))
    if kind == "datetime":
        return _moment(cell) == _moment(str(value))
    if kind in ("reference", "id"):
        return cell[:ID_CHARS] == str(value)[:ID_CHARS]
    if kind == "multipicklist":
        return set(cell.split(";")) == set(str(value).split(";"))
    if kind == "email":
        return cell.strip().lower() == str(value).lower()
    return _text(cell) == _text(str(value))


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text.strip()).normalize()
    except InvalidOperation:
        return text


def _moment(text: str) -> datetime | str:
    """Whole seconds: Salesforce keeps no more (salesforce facts, 7.9)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)
