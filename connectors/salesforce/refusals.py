"""Salesforce's refusals in our own words (salesforce facts, 2.4)."""

from __future__ import annotations

from typing import Any

from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    NotFound,
    RequestLimitExceeded,
    RoleMissing,
)
from connectors.http import Reply


def refusal(reply: Reply, what: str) -> ConnectorError:
    """Return the error for an answer with status 400 or more; `what` names the call plainly."""
    code = remote_code(reply)
    status = reply.status
    text = f"Salesforce refused {what} ({code or status})."
    if code == "REQUEST_LIMIT_EXCEEDED":
        return RequestLimitExceeded(
            "Salesforce's request limit is used up.", status=status, remote_code=code
        )
    if status == 401:
        return AuthRefused(text, status=status, remote_code=code)
    if status == 403:
        return RoleMissing(text, endpoint=what, status=status, remote_code=code)
    if status == 404:
        return NotFound(text, status=status, remote_code=code)
    return BadRequest(text, status=status, remote_code=code)


def remote_code(reply: Reply) -> str | None:
    """The `errorCode` (or `error`) of a refusal, when the body is one; never free text."""
    try:
        said: Any = reply.json()
    except BadReply:
        return None
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return None
    code = said.get("errorCode") or said.get("statusCode") or said.get("error")
    if isinstance(code, str) and code.replace("_", "").isalnum():
        return code
    return None
