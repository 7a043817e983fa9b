"""What one attempt's result means: an answer, a failure to try again, or a doubt."""

from __future__ import annotations

from typing import Final

import httpx

from connectors.call import Call
from connectors.errors import (
    BadReply,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RemoteUnavailable,
    Unreachable,
)
from connectors.reply import Reply, StreamReply
from connectors.retry import Retry, is_server_trouble, worth_retrying

_NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def network_failure(call: Call, error: Exception) -> ConnectorError:
    """What a broken connection, a time-out or an undecodable body means for this call."""
    kind = type(error).__name__
    if isinstance(error, httpx.DecodingError) and call.safe:
        return BadReply(f"A reply's body could not be decoded ({kind}).")
    if call.retry is Retry.SAFE or isinstance(error, _NOTHING_SENT):
        return Unreachable(f"No whole answer came from {call.url.host} ({kind}).")
    return OutcomeUnknown(f"A call was sent to {call.url.host} and no answer came back ({kind}).")


def status_failure(call: Call, answer: Reply | StreamReply) -> ConnectorError | None:
    """What the retry rules make of an answer: None when it is one for the caller."""
    status = answer.status
    if status == 429:
        return RateLimited("The remote says there are too many requests.", status=status)
    if is_server_trouble(status):
        return RemoteUnavailable(f"The remote answered with status {status}.", status=status)
    if call.accept is None or status >= 300 or isinstance(answer, StreamReply):
        return None
    if call.accept(answer):
        return None
    if call.retry is Retry.SAFE:
        return BadReply(_not_promised(answer), status=status)
    return OutcomeUnknown("A call was sent and its answer is unreadable.", status=status)


def _not_promised(answer: Reply) -> str:
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "text/html":
        return "An HTML page came where the API's own answer was due."
    return "A reply is not what this endpoint promises."


def may_retry(call: Call, failure: ConnectorError) -> bool:
    """True when sending the call once more is harmless and may help."""
    if not call.repeatable or failure.recovery != "retry":
        return False
    if call.retry is Retry.SAFE:
        return failure.status is None or failure.status < 300 or worth_retrying(failure.status)
    return isinstance(failure, Unreachable)
