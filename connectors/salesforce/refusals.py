"""Salesforce's refusals in our own words (salesforce facts, 2.4)."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    NotFound,
    Recovery,
    RequestLimitExceeded,
    RoleMissing,
)
from connectors.http import Reply
from connectors.redact import safe_text

# Only texts about names of objects, fields and jobs. Others may quote what a person wrote.
_TELLING: Final = frozenset(
    {
        "API_ERROR",
        "BULK_API_ERROR",
        "INVALIDJOB",
        "INVALIDJOBSTATE",
        "INVALID_FIELD",
        "INVALID_TYPE",
    }
)
# A SOQL error begins with an excerpt of the query, which holds its values.
_EXCERPT: Final = re.compile(r"^.*ERROR at Row:\d+:Column:\d+", re.DOTALL)


class SessionEnded(ConnectorError):
    """The session was over when a call that cannot be sent twice arrived; nothing was taken.

    A new session is there already.
    """

    code: ClassVar[str] = "session-ended"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = "Run the command again; a new session is used then."


class PermissionMissing(RoleMissing):
    """The session is good, but its user may not do this. `endpoint` names the call plainly."""

    code: ClassVar[str] = "permission-missing"
    next_step: ClassVar[str] = (
        "Grant the integration user the permission that the message points to, then run again."
    )


def refusal(reply: Reply, what: str) -> ConnectorError:
    """The error for an answer with status 400 or more; `what` names the call plainly."""
    code, said = remote_code(reply), _safe_message(reply)
    status = reply.status
    text = f"Salesforce refused {what} ({code or status}){': ' + said if said else ''}."
    if code == "REQUEST_LIMIT_EXCEEDED":
        return RequestLimitExceeded(
            "Salesforce's request limit is used up.", status=status, remote_code=code
        )
    if status == 401:
        return AuthRefused(text, status=status, remote_code=code)
    if status == 403:
        return PermissionMissing(text, endpoint=what, status=status, remote_code=code)
    if status == 404:
        return NotFound(text, status=status, remote_code=code)
    return BadRequest(text, status=status, remote_code=code)


def over_limit(reply: Reply) -> bool:
    """True for the refusal that names the org's request limit (salesforce facts, 2.4)."""
    return reply.status == 403 and remote_code(reply) == "REQUEST_LIMIT_EXCEEDED"


def remote_code(reply: Reply) -> str | None:
    """The `errorCode` (or `error`) of a refusal, when the body is one; never free text."""
    said = _error(reply)
    code = said.get("errorCode") or said.get("statusCode") or said.get("error")
    if isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum():
        return code[:64]
    return None


def _safe_message(reply: Reply) -> str:
    said = _error(reply)
    if said.get("errorCode") not in _TELLING or not isinstance(said.get("message"), str):
        return ""
    return safe_text(_EXCERPT.sub("", said["message"])).rstrip(".")


def _error(reply: Reply) -> dict[str, Any]:
    """The first error of the body; empty for a body that is none, such as a proxy's page."""
    try:
        said: Any = reply.json()
    except BadReply:
        return {}
    if isinstance(said, list) and said:
        said = said[0]
    return said if isinstance(said, dict) else {}
