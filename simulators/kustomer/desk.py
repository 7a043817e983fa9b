"""What every call passes before it is answered: the key, its roles, the budgets, the counts."""

import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.audit import AuditLog
from simulators.kustomer.journal import Journal
from simulators.kustomer.limits import Window
from simulators.kustomer.org import TYPES, Org
from simulators.kustomer.replies import ApiError, error_reply
from simulators.kustomer.search import SearchIndex
from simulators.kustomer.settings import ApiKey, KustomerSettings
from simulators.kustomer.truth import Truth

Handler = Callable[[Request], Awaitable[Response]]
PLURALS = {plural: kind for kind, plural in TYPES.items()} | {
    "metadata": "metadata",
    "queues": "queue",
    "queue-rules": "queue_rule",
    "slas": "sla",
    "satisfaction": "satisfaction",
    "merges": "customer_merge",
    "outboundAccounts": "outbound_account",
    "outbound-webhooks": "outbound_webhook",
}
BODY_LIMIT = 100_000
# Where the role is not named after the kind (kustomer facts, section 1).
_ROLES = {"outbound_account": "apps"}
_ID = re.compile(r"[0-9a-f]{24}(,[0-9a-f]{24})*")
# Churn is changed through its own side-door.
_FIXED = frozenset(
    (
        "dataset",
        "texts",
        "effect_log",
        "truth_log",
        "churn_rate",
        "churn_seed",
        "churn_for_s",
        "churn_writes",
    )
)


class Desk:
    """One org behind its door. `clock` gives epoch seconds."""

    def __init__(
        self, org: Org, settings: KustomerSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self.org = org
        self.settings = settings
        self.clock = clock
        self.keys = settings.all_keys()
        self.calls = Window(settings.rate_limit, settings.rate_window_s, clock)
        self.searches = Window(settings.search_limit, settings.search_window_s, clock)
        self.stats: Counter[str] = Counter()
        self.routes: Counter[str] = Counter()
        self.journal = Journal(settings.effect_log)
        self.truth = Truth(org, settings.truth_log)
        self.audit = AuditLog()
        self._newest = org.newest_second()
        self._made = 0
        self._started = clock()
        self.index = SearchIndex(
            org, self.now_ms, int(settings.index_lag_s * 1000), settings.tombstones
        )

    def now_ms(self) -> int:
        """The org's own clock, epoch ms: real time, or counted on from `settings.now`."""
        if self.settings.now is None:
            return int(self.clock() * 1000)
        return int((self.settings.now + self.clock() - self._started) * 1000)

    def stamp(self, at_ms: int) -> str:
        """A moment in the API's form, to the millisecond."""
        moment = datetime.fromtimestamp(at_ms // 1000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"

    def new_id(self) -> str:
        """An id behind every other, so that a new record is at the end of its list.

        It is counted, not told by the clock: the same writes make the same ids at any time. So its
        first digits are near to its creation, not equal to it, as those of imported records are.
        """
        self._made += 1
        return f"{min(self._newest + 1, 0xFFFFFFFF):08x}ffff{self._made:012x}"

    def apply(self, changes: dict[str, Any]) -> None:
        """Change settings while the org runs; raises `ValueError` for one that cannot be."""
        known = {each.name for each in fields(self.settings)} - _FIXED
        strange = changes.keys() - known
        if strange:
            raise ValueError(f"No such setting: {min(strange)}.")
        for name in {"missing_roles", "tombstones"} & changes.keys():
            changes = {**changes, name: frozenset(changes[name])}
        if "keys" in changes:
            changes = {**changes, "keys": tuple(_key(each) for each in changes["keys"])}
        self.settings = replace(self.settings, **changes)
        self.keys = self.settings.all_keys()
        self.calls.limit, self.calls.seconds = (
            self.settings.rate_limit,
            self.settings.rate_window_s,
        )
        self.searches.limit, self.searches.seconds = (
            self.settings.search_limit,
            self.settings.search_window_s,
        )
        self.index.lag_ms = int(self.settings.index_lag_s * 1000)
        self.index.tombstones = self.settings.tombstones
        if "now" in changes:
            self._started = self.clock()

    def guarded(self, handler: Handler, *, role: str | None = None) -> Handler:
        """Wrap a handler with auth and the org's budget.

        `role` names the object that the key must be allowed to read; without it the path tells;
        "" stands for any role.
        """

        async def call(request: Request) -> Response:
            if self.settings.latency_s:
                await anyio.sleep(self.settings.latency_s)
            path = request.url.path
            self.stats[f"{request.method} {path.split('/')[2]}"] += 1
            self.routes[f"{request.method} {_ID.sub('{id}', path)}"] += 1
            try:
                self._admit(request, _role_of(path) if role is None else role)
                reply = await handler(request)
            except ApiError as error:
                reply = error_reply(error, jsonapi=self._jsonapi(path))
            for name, value in self.budget_headers().items():
                reply.headers[name] = value
            self.journal.write(
                at=self.clock(),
                method=request.method,
                path=path,
                query=request.url.query,
                status=reply.status_code,
            )
            return reply

        return call

    def _admit(self, request: Request, role: str) -> None:
        if not self.calls.take():
            raise ApiError(429, "too_many_requests", "Rate limit exceeded")
        if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
            raise ApiError(413, "too_large", "Request body is too large")
        key = self.key_of(request)
        if key.expired:
            raise ApiError(401, "unauthorized", "Expired token")
        if key.pod != self.settings.pod:
            text = (
                f"Auth token associated with pod {key.pod} but request is being handled by "
                f"{self.settings.pod}"
            )
            raise ApiError(401, "unauthorized", text)
        if role:
            self.require(key, role)

    def key_of(self, request: Request) -> ApiKey:
        """The key that a call brings; raises a 401 for none or an unknown one."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = self.keys.get(token.strip())
        if scheme.lower() != "bearer" or key is None:
            raise ApiError(401, "unauthorized", "Invalid token")
        return key

    def require(self, key: ApiKey, role: str) -> None:
        """Refuse a key that may not read an object; both namings of roles count."""
        wanted = role if "." in role else f"{role}.read"
        missing = role in self.settings.missing_roles
        if not missing and key.roles is not None:
            names = {f"org.{group}.{wanted}" for group in ("permission", "user", "admin")}
            missing = not names & key.roles
        if missing:
            status = self.settings.missing_role_status
            raise ApiError(status, "forbidden", f"Missing role org.permission.{wanted}")

    def budget_headers(self, *, used_up_for: float | None = None) -> dict[str, str]:
        """The three headers; `used_up_for` seconds shows a budget with nothing left."""
        ends = self.calls.ends
        if used_up_for is not None:
            ends = self.clock() + used_up_for
        reset = {
            "epoch_s": str(int(ends) + 1),
            "epoch_ms": str(int(ends * 1000)),
            "seconds": str(max(0, int(ends - self.clock()) + 1)),
        }[self.settings.reset_form]
        return {
            "x-ratelimit-limit": str(self.calls.limit),
            "x-ratelimit-remaining": str(0 if used_up_for else self.calls.remaining),
            "x-ratelimit-reset": reset,
        }

    def facts(self) -> dict[str, Any]:
        """Calls by kind and by route, and the use of both budgets by window."""
        budgets = {
            name: {
                "limit": window.limit,
                "refused": window.refused,
                "windows": [*window.history, window.used],
            }
            for name, window in (("requests", self.calls), ("searches", self.searches))
        }
        return {"calls": dict(self.stats), "routes": dict(self.routes), **budgets}

    def _jsonapi(self, path: str) -> bool:
        style = self.settings.error_style
        return style == "jsonapi" or (style == "alternate" and path.count("/") > 2)


def _role_of(path: str) -> str:
    """The object that a path reads: of nested paths the child, of a klass's records the kobject."""
    parts = path.strip("/").split("/")
    if parts[1] == "routing":
        return PLURALS.get(parts[-1], "")
    if parts[1] == "klasses":
        return "kobject" if len(parts) > 3 else "klass"
    if len(parts) > 4 and parts[3] == "klasses":
        return PLURALS.get(parts[1], "")
    last = parts[3] if len(parts) > 3 and parts[3] in PLURALS else parts[1]
    kind = PLURALS.get(last, "")
    return _ROLES.get(kind, kind)


def _key(given: dict[str, Any]) -> ApiKey:
    roles = given.get("roles")
    return ApiKey(**{**given, "roles": None if roles is None else frozenset(roles)})
