"""Talking to a stand-in in this process from plain test functions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.lifespan import living


class PlainClient:
    """An httpx client over ASGI whose calls are awaited in another thread's event loop."""

    def __init__(self, portal: BlockingPortal, app: Any, headers: dict[str, str]) -> None:
        self._portal = portal
        transport = httpx.ASGITransport(app)
        self._http = httpx.AsyncClient(
            transport=transport, base_url="http://stand-in", headers=headers
        )

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(partial(self._http.request, method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as made:
        yield made


@pytest.fixture
def connect(portal: BlockingPortal) -> Iterator[Callable[..., PlainClient]]:
    """Return a function that gives a client for an app and keeps the app alive."""
    with ExitStack() as stack:

        def made(app: Any, token: str = "") -> PlainClient:
            stack.enter_context(portal.wrap_async_context_manager(living(app)))
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return PlainClient(portal, app, headers)

        yield made
