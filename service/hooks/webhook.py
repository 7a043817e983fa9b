"""A hook that is a webhook: one POST, tried again within its time; redirects are not followed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from connectors.clock import Clock
from connectors.errors import ConnectorError
from connectors.http import HttpClient, RetryPolicy
from service.hooks.outcome import Told

_TRIES = RetryPolicy(attempts=4, base_s=0.5, cap_s=10)
_CONNECT_S = 10.0


class Webhook:
    """One address; `headers` hold secrets and go nowhere else."""

    def __init__(self, http: HttpClient, path: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._path = path
        self._headers = {"Content-Type": "application/json", **headers}

    async def post(self, document: bytes) -> Told:
        """Send the document. A 2xx takes it, other answers are failures; their bodies are not kept."""
        try:
            async with self._http.stream(
                "POST", self._path, content=document, headers=self._headers
            ) as reply:
                status = reply.status
        except ConnectorError as error:
            return Told(f"the webhook failed ({error.code})")
        if 300 <= status < 400:
            return Told(f"the webhook answered with a redirect ({status}), which is not followed")
        return Told() if status < 300 else Told(f"the webhook answered {status}")


@asynccontextmanager
async def open_webhook(
    address: str, headers: Mapping[str, str], *, timeout_s: float, clock: Clock
) -> AsyncIterator[Webhook]:
    """Get ready to send to an address; no connection is made yet."""
    parts = urlsplit(address)
    http = HttpClient(
        f"{parts.scheme}://{parts.netloc}",
        name="hook",
        clock=clock,
        policy=_TRIES,
        connections=2,
        connect_s=min(_CONNECT_S, timeout_s),
        read_s=timeout_s,
    )
    async with http:
        path = parts.path or "/"
        yield Webhook(http, f"{path}?{parts.query}" if parts.query else path, headers)
