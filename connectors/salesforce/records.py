"""Writing few records over REST: what goes out, and one outcome for each row (facts, 5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import BadReply

MOST_ROWS: Final = 200


@dataclass(frozen=True)
class RowOutcome:
    """What became of one record. `id` is empty when none was made or named.

    `code`, `message` and `fields` tell the first error; the message may quote a person's data.
    `created` is True for a new record, False for one that was there, None where nothing is said.
    """

    id: str
    success: bool
    created: bool | None = None
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()


def read_outcomes(said: Any, sent: int) -> list[RowOutcome]:
    """Read a collection's answer: one outcome for each record, in the order they were sent.

    Raises `BadReply` when it has another number of results, as then none can be told apart.
    """
    if not isinstance(said, list) or len(said) != sent:
        raise BadReply("A collection's answer has not one result for each record.")
    return [_outcome(each) for each in said]


def checked_size(records: Sequence[Mapping[str, Any]]) -> None:
    """Raise `ValueError` for more records than one collection call takes."""
    if len(records) > MOST_ROWS:
        raise ValueError(f"a collection takes at most {MOST_ROWS} records")


def _outcome(said: Any) -> RowOutcome:
    if not isinstance(said, dict) or not isinstance(said.get("success"), bool):
        raise BadReply("A collection's answer holds something that is no result.")
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    fields = first.get("fields") or []
    created = said.get("created")
    return RowOutcome(
        id=str(said.get("id") or ""),
        success=said["success"],
        created=created if isinstance(created, bool) else None,
        code=str(first.get("statusCode") or first.get("errorCode") or ""),
        message=str(first.get("message") or ""),
        fields=tuple(str(field) for field in fields),
    )
