"""Replies in Salesforce's forms (facts, 2.4)."""

from typing import Any

import orjson
from starlette.responses import Response


def reply(value: Any, status: int = 200) -> Response:
    """A JSON reply."""
    return Response(orjson.dumps(value), status, media_type="application/json;charset=UTF-8")


def refuse(status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> Response:
    """An error: an array of one entry."""
    entry: dict[str, Any] = {"message": message, "errorCode": code}
    if fields:
        entry["fields"] = list(fields)
    return reply([entry], status)


NOT_FOUND = ("NOT_FOUND", "The requested resource does not exist")
