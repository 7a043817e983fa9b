"""What a refusal of Kustomer means, and what the operator can do about it."""

from __future__ import annotations

import re
from typing import Final

from connectors.address import route_of
from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    ExpiredKey,
    NotFound,
    PastTheEnd,
    RoleMissing,
    WrongRegion,
)
from connectors.kustomer.envelope import read_error
from connectors.reply import Reply

_EXPIRED: Final = re.compile(r"(?i)expired\s+(?:\w+\s+)?token|(?:token|key|jwt)\b.{0,30}\bexpired")
_PODS: Final = re.compile(
    r"(?i)associated with pod\s+(\w{1,20})\b.*?\bhandled by\s+(?:pod\s+)?(\w{1,20})", re.DOTALL
)
_REGION: Final = re.compile(r"(?i)associated with pod|wrong (?:pod|region)|region mismatch")
_ROLE: Final = re.compile(r"\borg\.(?:permission|user|admin)(?:\.[A-Za-z0-9_\-]{1,60}){1,4}")
_SINGULAR: Final = {
    "companies": "company",
    "conversations": "conversation",
    "customers": "customer",
    "klasses": "klass",
    "messages": "message",
    "metadata": "metadata",
    "notes": "note",
    "orgs": "org",
    "tags": "tag",
    "teams": "team",
    "users": "user",
}
# Pages behind these bounds may be cut off by the remote (Kustomer facts, section 4).
_CAP_PAGES: Final = 100
_CAP_ROWS: Final = 10_000


def token_trouble(reply: Reply) -> AuthRefused | None:
    """What the text says about the key itself: expired, or of another region. None if nothing."""
    text = read_error(reply).text
    if _EXPIRED.search(text):
        return ExpiredKey("The Kustomer key has expired.", status=reply.status)
    pods = _PODS.search(text)
    if pods:
        return WrongRegion(
            f"The Kustomer key belongs to pod {pods.group(1)}, but the address is served by "
            f"{pods.group(2)}.",
            status=reply.status,
        )
    if _REGION.search(text):
        return WrongRegion(
            "The Kustomer key belongs to another region than the address.", status=reply.status
        )
    return None


def key_refused(reply: Reply) -> AuthRefused:
    """The key itself is not accepted; says more when the remote does."""
    return token_trouble(reply) or AuthRefused(
        f"Kustomer does not accept the key (status {reply.status}).",
        status=reply.status,
        remote_code=read_error(reply).code,
    )


def role_missing(reply: Reply, path: str) -> RoleMissing:
    """The key is good, but not for this endpoint."""
    named = _ROLE.search(read_error(reply).text)
    role = named.group(0) if named else likely_role(path)
    route = route_of(path)
    return RoleMissing(
        f"The Kustomer key lacks a role for {route}" + (f" (likely {role})." if role else "."),
        endpoint=route,
        role=role,
        status=reply.status,
        remote_code=read_error(reply).code,
    )


def likely_role(path: str) -> str | None:
    """The role an endpoint needs, by its path (Kustomer facts, section 1); None if unknown."""
    parts = path.split("?", 1)[0].strip("/").split("/")
    if parts[-1] == "search":
        return "org.permission.search.create"
    if len(parts) < 2 or parts[1] not in _SINGULAR:
        return None
    noun = _SINGULAR[parts[1]]
    if noun == "klass" and len(parts) > 3:
        noun = "kobject"
    if len(parts) > 3 and parts[3] in _SINGULAR:
        noun = _SINGULAR[parts[3]]
    return f"org.permission.{noun}.read"


def refused(reply: Reply, method: str, path: str) -> ConnectorError:
    """The error for an answer that is neither 2xx, nor 401 or 403."""
    route = route_of(path)
    told = read_error(reply)
    if reply.status < 400:
        return BadReply(
            f"Kustomer redirects {method} {route} (status {reply.status}).", status=reply.status
        )
    if reply.status == 404:
        return NotFound(f"Kustomer has nothing at {route}.", status=404, remote_code=told.code)
    return BadRequest(
        f"Kustomer refuses {method} {route} with status {reply.status} ({told.safe}).",
        status=reply.status,
        remote_code=told.code,
    )


def past_the_end(error: ConnectorError, page: int, page_size: int) -> PastTheEnd | None:
    """`PastTheEnd` when the page lies behind a depth that Kustomer may cut off, else None.

    A refusal before that depth is never taken for the end: rows would be lost without a word.
    """
    deep = page > _CAP_PAGES or (page - 1) * page_size >= _CAP_ROWS
    if not deep or not isinstance(error, BadRequest | NotFound):
        return None
    return PastTheEnd(
        f"Page {page} lies behind Kustomer's cap (status {error.status}).",
        status=error.status,
        remote_code=error.remote_code,
    )
