"""In front of all handlers: tolerant paths, versions, sessions, the count of calls."""

import re
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response

from simulators.faults import App, Receive, Send
from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse

OLDEST, NEWEST = 31, 66
_SLASHES = re.compile("/{2,}")
_VERSION = re.compile(r"v(\d{1,3})\.0")
_FREE = ("/services/oauth2/token", "/services/oauth2/revoke", "/services/soap/")


class Door:
    """Checks a call and passes it on (facts, 1.2 and 2). `calls` counts by method and route."""

    def __init__(self, app: App, org: Org) -> None:
        self._app = app
        self._org = org
        self.calls: Counter[str] = Counter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Check one call and pass it on."""
        if scope["type"] != "http" or scope["path"].startswith("/__admin"):
            await self._app(scope, receive, send)
            return
        scope["path"] = path = tidy(scope["path"])
        scope["raw_path"] = path.encode()
        self._org.store.catch_up()
        if self._org.settings.latency_s:
            await anyio.sleep(self._org.settings.latency_s)
        # The list of versions needs no session and is not counted (facts, 2.1).
        if path == "/services/data" or path.startswith(_FREE):
            await self._app(scope, receive, send)
            return
        self.calls[f"{scope['method']} {_route(path)}"] += 1
        refused = self._refusal(Request(scope), path)
        if refused is None:
            await self._app(scope, receive, self._with_usage(send))
        elif refused.status_code == 401:
            await refused(scope, receive, send)
        else:
            await refused(scope, receive, self._with_usage(send))

    def _refusal(self, request: Request, path: str) -> Response | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._org.knows(token.strip()):
            return refuse(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self._org.api_calls >= self._org.settings.api_calls_max:
            return refuse(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._org.api_calls += 1
        return _wrong_version(path)

    def _with_usage(self, send: Send) -> Send:
        used = f"api-usage={self._org.api_calls}/{self._org.settings.api_calls_max}".encode()

        async def passed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"sforce-limit-info", used)]
            await send(message)

        return passed


def tidy(path: str) -> str:
    """A path as the routes know it: single slashes, none at the end, fixed words in lower case.

    What follows an object's name, a record's key above all, keeps its case.
    """
    parts = _SLASHES.sub("/", path).rstrip("/").split("/")
    if len(parts) < 2 or parts[1].lower() == "id":
        return "/".join(["", "id", *parts[2:]]) if len(parts) > 1 else "/"
    lower = [part.lower() for part in parts]
    if "sobjects" in lower:
        end = lower.index("sobjects") + 1
        tail = parts[end:]
        if len(tail) == 2 and tail[1].lower() == "describe":
            tail[1] = "describe"
        return "/".join(lower[:end] + tail)
    if "jobs" in lower:
        end = lower.index("jobs") + 2
        return "/".join([*lower[:end], *parts[end : end + 1], *lower[end + 1 :]])
    if "deployrequest" in lower:
        end = lower.index("deployrequest") + 1
        return "/".join(lower[:end] + parts[end:])
    if len(lower) > 4 and lower[4] == "query":
        return "/".join(lower[:5] + parts[5:])
    return "/".join(lower)


def _wrong_version(path: str) -> Response | None:
    parts = path.split("/")
    if len(parts) < 4 or parts[1:3] != ["services", "data"]:
        return None
    found = _VERSION.fullmatch(parts[3])
    if found is None or int(found[1]) > NEWEST:
        return refuse(404, *NOT_FOUND)
    if int(found[1]) < OLDEST:
        return refuse(410, "GONE", "The requested resource is no longer available")
    return None


def _route(path: str) -> str:
    """A path with ids and versions left out, for counting."""
    parts = [part for part in path.split("/")[4:] if not re.fullmatch(r"\w{15,18}", part)]
    return "/".join(parts[:4])
