"""A Salesforce client over scripted answers, on a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from connectors.http import HttpClient, Patience, RetryPolicy
from connectors.salesforce.auth import ClientCredentials
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.daily import DailyLimit
from tests.unit.connectors.virtual_clock import VirtualClock

LOGIN = "https://login.example"
INSTANCE = "https://acme.my.example"
BASE = "/services/data/v62.0"
ORG = "001D000000IqhSLIAZ"
USER = "005000000000001AAA"
JOB = "750000000000001AAA"

Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


class Broken(httpx.AsyncByteStream):
    """A body that gives its pieces and then breaks."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        raise httpx.ReadError("peer closed connection")


class Rig(httpx.AsyncBaseTransport):
    """Answers sign-ins itself (tokens `token-1`, `token-2`, ...) and all else by its handler."""

    def __init__(self, handler: Handler) -> None:
        self.clock = VirtualClock()
        self.handler = handler
        self.sign_ins: list[dict[str, str]] = []
        self.seen: list[httpx.Request] = []
        self.refuse_sign_in: httpx.Response | None = None
        self.user = USER
        self.instance = INSTANCE
        self.patience: Patience | None = None
        self.daily: DailyLimit | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if request.url.path == "/services/oauth2/token":
            assert request.url.host == "login.example"
            assert "authorization" not in request.headers
            self.sign_ins.append(dict(httpx.QueryParams(body.decode())))
            return self.refuse_sign_in or self.signed_in()
        self.seen.append(request)
        answer = self.handler(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def signed_in(self) -> httpx.Response:
        return httpx.Response(
            200,
            json={
                "access_token": f"token-{len(self.sign_ins)}",
                "instance_url": self.instance,
                "id": f"{LOGIN}/id/{ORG}/{self.user}",
                "token_type": "Bearer",
                "issued_at": "1718900000000",
            },
        )

    @property
    def calls(self) -> list[str]:
        """What was asked, as `METHOD path` below the version."""
        return [f"{each.method} {each.url.path.removeprefix(BASE)}" for each in self.seen]

    def http(self, url: str) -> HttpClient:
        return HttpClient(
            url,
            name="salesforce",
            clock=self.clock,
            transport=self,
            policy=RetryPolicy(attempts=3),
            patience=self.patience,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SalesforceClient]:
        async with self.http(LOGIN) as login:
            auth = ClientCredentials(login, client_id="id", client_secret="secret")
            client = SalesforceClient(
                auth, make_http=self.http, api_version="62.0", daily=self.daily
            )
            async with client:
                yield client


def script(*answers: Answer | Handler) -> Handler:
    """Answer in turn, the last one for ever."""
    left = list(answers)

    def handler(request: httpx.Request) -> Answer:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer(request) if callable(answer) else answer

    return handler


def refused(status: int, code: str, message: str = "said") -> httpx.Response:
    return httpx.Response(status, json=[{"errorCode": code, "message": message}])


DEAD = refused(401, "INVALID_SESSION_ID", "Session expired or invalid")


def job(state: str, **more: Any) -> httpx.Response:
    told = {
        "id": JOB,
        "state": state,
        "object": "Case",
        "operation": "insert",
        "createdById": USER,
        "createdDate": "2026-01-02T21:33:43.000+0000",
        "apiVersion": 62.0,
    }
    return httpx.Response(200, json={**told, **more})


def sent_json(request: httpx.Request) -> Any:
    return orjson.loads(request.content)


def csv_page(rows: Sequence[str], **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=names, content="".join(f"{row}\n" for row in rows).encode())
