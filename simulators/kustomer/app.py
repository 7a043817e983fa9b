"""The HTTP side of the Kustomer stand-in: auth, budgets, lists, single records, search."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import Fault, FaultyApp
from simulators.kustomer.admin import admin_routes
from simulators.kustomer.limits import Window
from simulators.kustomer.org import TYPES, Org
from simulators.kustomer.search import BadSearch, SearchIndex
from simulators.kustomer.settings import KustomerSettings

PAGE_MAX = {"user": 500, "team": 500}
PLURALS = {plural: kind for kind, plural in TYPES.items()}
Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """Answers for one org. `stats` counts calls by route."""

    def __init__(self, org: Org, settings: KustomerSettings, clock: Callable[[], float]) -> None:
        self.org = org
        self.settings = settings
        self.clock = clock
        self.calls = Window(settings.rate_limit, settings.rate_window_s, clock)
        self.searches = Window(settings.search_limit, settings.search_window_s, clock)
        self.stats: Counter[str] = Counter()
        lag = int(settings.index_lag_s * 1000)
        self.index = SearchIndex(org, lambda: int(clock() * 1000), lag)

    def guarded(self, handler: Handler) -> Handler:
        """Wrap a handler with auth and the org's budget."""

        async def call(request: Request) -> Response:
            if self.settings.latency_s:
                await anyio.sleep(self.settings.latency_s)
            self.stats[f"{request.method} {request.url.path.split('/')[2]}"] += 1
            refused = self._refusal(request)
            reply = refused or await handler(request)
            for name, value in self._budget_headers().items():
                reply.headers[name] = value
            return reply

        return call

    def _refusal(self, request: Request) -> Response | None:
        if not self.calls.take():
            return self.error(429, "too_many_requests", "Rate limit exceeded")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == self.settings.expired_key:
            return self.error(401, "unauthorized", "Expired token")
        if token != self.settings.api_key:
            return self.error(401, "unauthorized", "Invalid token")
        kind = PLURALS.get(request.url.path.split("/")[2], "")
        if kind in self.settings.missing_roles:
            role = f"org.permission.{kind}.read"
            return self.error(self.settings.missing_role_status, "forbidden", f"Missing {role}")
        return None

    def _budget_headers(self) -> dict[str, str]:
        ends = self.calls.ends
        reset = {
            "epoch_s": str(int(ends) + 1),
            "epoch_ms": str(int(ends * 1000)),
            "seconds": str(max(0, int(ends - self.clock()) + 1)),
        }[self.settings.reset_form]
        return {
            "x-ratelimit-limit": str(self.calls.limit),
            "x-ratelimit-remaining": str(self.calls.remaining),
            "x-ratelimit-reset": reset,
        }

    def facts(self) -> dict[str, Any]:
        """Calls by route, and the use of both budgets by window."""
        return {
            "calls": dict(self.stats),
            "requests": {
                "limit": self.calls.limit,
                "refused": self.calls.refused,
                "windows": [*self.calls.history, self.calls.used],
            },
            "searches": {
                "limit": self.searches.limit,
                "refused": self.searches.refused,
                "windows": [*self.searches.history, self.searches.used],
            },
        }

    def error(self, status: int, code: str, message: str) -> Response:
        """An error in the style that the settings name."""
        entry: dict[str, Any] = {"code": code, "message": message, "meta": {}}
        if self.settings.error_style == "jsonapi":
            entry = {"status": str(status), "code": code, "title": message, "detail": message}
        return json_reply({"errors": [entry]}, status)

    async def listed(self, request: Request) -> Response:
        """An org-wide list, ascending by id; `sort=desc` turns it round."""
        plural = request.path_params["plural"]
        kind = PLURALS.get(plural)
        if kind is None:
            return self.error(404, "notfound", "Not found")
        ids = self._visible(kind, request)
        if request.query_params.get("sort") == "desc":
            ids = ids[::-1]
        return self._page(request, kind, ids, total=kind == "customer")

    def _visible(self, kind: str, request: Request) -> list[str]:
        shelf = self.org.shelves[kind]
        if kind not in ("user", "tag"):
            return shelf.listed()
        wanted = request.query_params.get("deleted") == "true"
        ids = [each for each in shelf.order if shelf.is_deleted(each) == wanted]
        if request.query_params.get("pending") == "true":
            return []
        user_type = request.query_params.get("userType")
        if user_type:
            of = shelf.records
            ids = [each for each in ids if of[each]["attributes"].get("userType") == user_type]
        return ids

    def _page(self, request: Request, kind: str, ids: list[str], *, total: bool) -> Response:
        most = PAGE_MAX.get(kind, 100)
        size = min(most, _number(request, "pageSize", 100))
        page = max(1, _number(request, "page", 1))
        cap = self.settings.list_cap_pages
        if cap is not None and page > cap:
            if self.settings.list_cap_error:
                return self.error(400, "bad_request", "Page is out of range")
            ids = []
        shown = ids[(page - 1) * size : page * size]
        more = page * size < len(ids) and not (cap is not None and page >= cap)
        meta: dict[str, Any] = {"pageSize": size, "page": page}
        if total:
            meta |= {"total": len(ids), "totalPages": -(-len(ids) // size)}
        base = f"{request.url.path}?page={{}}&pageSize={size}"
        links = {
            "self": base.format(page),
            "first": base.format(1),
            "prev": base.format(page - 1) if page > 1 else None,
            "next": base.format(page + 1) if more else None,
        }
        return self._records(kind, shown, meta, links)

    def _records(
        self, kind: str, ids: list[str], meta: dict[str, Any], links: dict[str, Any]
    ) -> Response:
        encoded = self.org.shelves[kind].encoded
        data = b",".join(encoded[each] for each in ids)
        body = b'{"meta":%b,"links":%b,"data":[%b]}' % (
            orjson.dumps(meta),
            orjson.dumps(links),
            data,
        )
        return Response(body, media_type="application/json")

    async def single(self, request: Request) -> Response:
        """One record, or several by a comma list."""
        kind = PLURALS.get(request.path_params["plural"])
        ids = request.path_params["ids"].split(",")
        shelf = self.org.shelves[kind] if kind else None
        if shelf is None or any(each not in shelf.records for each in ids):
            return self.error(404, "notfound", "Not found")
        if len(ids) > 1:
            return self._records(str(kind), ids, {}, {})
        return Response(b'{"data":%b}' % shelf.encoded[ids[0]], media_type="application/json")

    async def nested(self, request: Request) -> Response:
        """The children of one conversation or customer."""
        parent = request.path_params["parent"].removesuffix("s")
        kind = PLURALS.get(request.path_params["plural"])
        if kind not in ("message", "note", "conversation"):
            return self.error(404, "notfound", "Not found")
        ids = self.org.children(kind, parent, request.path_params["id"])
        return self._page(request, kind, ids, total=False)

    async def current(self, request: Request) -> Response:
        """The key's own user, token or org."""
        what = request.url.path.rstrip("/").split("/")[2]
        settings = self.settings
        attributes: dict[str, Any] = {"name": settings.org_name, "displayName": settings.org_name}
        record_id, kind = settings.org_id, "org"
        if what != "orgs":
            kind, record_id = what.removesuffix("s"), "63cc0000000000000000ffff"
            attributes = {"name": "Deskferry key", "userType": "machine", "roles": ["org"]}
        data = {
            "type": kind if kind != "auth" else "token",
            "id": record_id,
            "attributes": attributes,
            "relationships": {"org": {"data": {"type": "org", "id": settings.org_id}}},
        }
        return json_reply({"data": data})

    async def search(self, request: Request) -> Response:
        """Standard and archive search."""
        if not self.searches.take():
            return self.error(429, "too_many_requests", "Search rate limit exceeded")
        archive = "/archive/" in request.url.path
        size = min(500, _number(request, "pageSize", 100))
        page = max(1, _number(request, "page", 1))
        if page > self.settings.search_cap_pages or (
            self.settings.search_cap_rows and page * size > self.settings.search_cap_rows
        ):
            return self.error(400, "bad_request", "Result window is too large")
        try:
            body = orjson.loads(await request.body())
            ids = self.index.find(body, archive=archive)
        except (orjson.JSONDecodeError, BadSearch, AttributeError, TypeError):
            return self.error(400, "bad_request", "Invalid request body or parameters.")
        meta = {
            "pageSize": size,
            "page": page,
            "total": len(ids),
            "totalPages": -(-len(ids) // size) if size else 0,
            "aggregations": {},
            "timed_out": False,
        }
        base = f"{request.url.path}?page={{}}&pageSize={size}"
        more = page * size < len(ids)
        links = {
            "self": base.format(page),
            "next": base.format(page + 1) if more else None,
            "last": base.format(meta["totalPages"]),
        }
        shown = ids[(page - 1) * size : page * size] if size else []
        return self._records(body.get("queryContext", "customer"), shown, meta, links)


def create_app(
    org: Org, settings: KustomerSettings, clock: Callable[[], float] = time.time
) -> FaultyApp:
    """Return the ASGI app, with its admin side-door under `/__admin`."""
    api = Api(org, settings, clock)
    guard = api.guarded
    routes = [
        Route("/v1/auth/tokens/current", guard(api.current)),
        Route("/v1/users/current", guard(api.current)),
        Route("/v1/orgs/current", guard(api.current)),
        Route("/v1/orgs/{id}", guard(api.current)),
        Route("/v1/customers/search", guard(api.search), methods=["POST"]),
        Route("/v1/customers/archive/search", guard(api.search), methods=["POST"]),
        Route("/v1/{plural}", guard(api.listed)),
        Route("/v1/{plural}/{ids}", guard(api.single)),
        Route("/v1/{parent}/{id}/{plural}", guard(api.nested)),
    ]
    faults: list[Fault] = []
    served = Starlette(routes=[*admin_routes(api.org, api.facts, faults), *routes])
    return FaultyApp(served, faults)


def json_reply(value: Any, status: int = 200) -> Response:
    """A JSON reply."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, "")
    return int(value) if value.isdigit() else default
