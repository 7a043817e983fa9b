"""Everything that can go wrong on the wire, one class per thing the caller would do differently.

A message is one plain sentence. It never holds a secret, a mail address, a name or a message's
body: remote texts pass through `connectors.redact.safe_text` before they come here.

`recovery` says what helps:
`retry`  the same call may succeed later, and repeating it is harmless;
`hold`   only this record or this endpoint is affected, the rest can go on;
`stop`   nobody knows what happened, so nothing may be sent again before someone has looked;
`refuse` the remote said no, and will say no again until an operator changes something.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Recovery = Literal["retry", "hold", "stop", "refuse"]


class ConnectorError(Exception):
    """The root of the tree. `status` and `remote_code` are what the remote said, when it did."""

    code: ClassVar[str] = "connector-error"
    recovery: ClassVar[Recovery] = "stop"
    next_step: ClassVar[str] = "Look at the log around this time and report what you find."

    def __init__(
        self, message: str, *, status: int | None = None, remote_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.remote_code = remote_code


class Unreachable(ConnectorError):
    """No usable answer came, and either nothing was sent or repeating it is harmless."""

    code: ClassVar[str] = "unreachable"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = (
        "Check the address, the network and the proxy, then run the command again."
    )


class RemoteUnavailable(ConnectorError):
    """The remote answered with a server error.

    After a call with effects (`Retry.NEVER`) this does not say whether the effect took place.
    """

    code: ClassVar[str] = "remote-unavailable"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = (
        "Wait until the remote's status page is green, then run the command again."
    )


class OutcomeUnknown(ConnectorError):
    """A call with effects was sent and no readable answer came back. Never repeat it blindly."""

    code: ClassVar[str] = "outcome-unknown"
    recovery: ClassVar[Recovery] = "stop"
    next_step: ClassVar[str] = (
        "Run the command again: it first looks at the remote to learn what happened."
    )


class BadReply(ConnectorError):
    """The body is not what the remote promises: not JSON, cut short, or an HTML page of a proxy."""

    code: ClassVar[str] = "bad-reply"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = (
        "Check that the address is the API's own and that no proxy answers in its place."
    )


class ReplyTooLarge(BadReply):
    """The body is larger than this client will hold in memory. Ask for a smaller page."""

    code: ClassVar[str] = "reply-too-large"
    recovery: ClassVar[Recovery] = "stop"
    next_step = "Ask for smaller pages, or check that the address is the API's own."


class NotAPage(BadReply):
    """An answer with status 200 that is not a page of records, or says itself it is incomplete."""

    code: ClassVar[str] = "not-a-page"
    next_step: ClassVar[str] = (
        "Run the command again; if it stays, ask for smaller pages or report the endpoint."
    )


class SearchTimedOut(NotAPage):
    """A search gave up on the remote's side, again and again, so its rows are not all there."""

    code: ClassVar[str] = "search-timed-out"
    next_step: ClassVar[str] = "Run the command again when Kustomer is less busy."


class PastTheEnd(ConnectorError):
    """The page asked for lies behind the remote's cap on pages (Kustomer facts, section 4)."""

    code: ClassVar[str] = "past-the-end"
    recovery: ClassVar[Recovery] = "hold"
    next_step = "Nothing to do: the reader narrows its window and asks again."


class AuthRefused(ConnectorError):
    """The key or token itself is not accepted."""

    code: ClassVar[str] = "auth-refused"
    recovery: ClassVar[Recovery] = "refuse"
    next_step: ClassVar[str] = (
        "Check the key in the config's secret reference, and make a new one if needed."
    )


class WrongRegion(AuthRefused):
    """The key belongs to another region (pod) than the address (Kustomer facts, section 1)."""

    code: ClassVar[str] = "wrong-region"
    next_step: ClassVar[str] = (
        "Set base_url to your own org's address, https://ORG.api.kustomerapp.com."
    )


class ExpiredKey(AuthRefused):
    """The key was good once and has expired."""

    code: ClassVar[str] = "expired-key"
    next_step: ClassVar[str] = (
        "Make a new key with the same roles and put it behind the same secret reference."
    )


class RoleMissing(ConnectorError):
    """The key is good, but may not use this endpoint."""

    code: ClassVar[str] = "role-missing"
    recovery: ClassVar[Recovery] = "refuse"
    next_step: ClassVar[str] = (
        "Make a key that has the named role; roles of an existing key cannot be changed."
    )

    def __init__(
        self,
        message: str,
        *,
        endpoint: str = "",
        role: str | None = None,
        status: int | None = None,
        remote_code: str | None = None,
    ) -> None:
        super().__init__(message, status=status, remote_code=remote_code)
        self.endpoint = endpoint
        self.role = role


class NotFound(ConnectorError):
    """The thing is not there, or not visible to this key."""

    code: ClassVar[str] = "not-found"
    recovery: ClassVar[Recovery] = "hold"
    next_step: ClassVar[str] = (
        "Check whether the record was deleted or merged, and what the key may see."
    )


class RateLimited(ConnectorError):
    """The remote kept saying `too many requests` through every attempt."""

    code: ClassVar[str] = "rate-limited"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = (
        "Lower rate_share, or wait until the other users of the org need less."
    )


class RequestLimitExceeded(ConnectorError):
    """Salesforce's limit on API requests in 24 hours, or on long requests at once, is used up."""

    code: ClassVar[str] = "request-limit-exceeded"
    recovery: ClassVar[Recovery] = "retry"
    next_step: ClassVar[str] = (
        "Wait until the org's request limit frees up, then run the command again."
    )


class BadRequest(ConnectorError):
    """The remote understood the call and refused it as wrong. Repeating it will not help."""

    code: ClassVar[str] = "bad-request"
    recovery: ClassVar[Recovery] = "stop"
    next_step: ClassVar[str] = (
        "Read the remote's code in the message; report it if the map is not the cause."
    )


class ForeignOrigin(ConnectorError):
    """A link led to another host than the one the credentials belong to, so it was not followed."""

    code: ClassVar[str] = "foreign-origin"
    recovery: ClassVar[Recovery] = "refuse"
    next_step: ClassVar[str] = (
        "Check the configured address; credentials are never sent to another host."
    )


class InsecureAddress(ConnectorError):
    """Plain http to a host that is not this machine. Credentials would travel readable."""

    code: ClassVar[str] = "insecure-address"
    recovery: ClassVar[Recovery] = "refuse"
    next_step = "Use an https:// address."
