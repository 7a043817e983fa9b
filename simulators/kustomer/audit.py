"""`GET /audit-logs`: edits, merges and deletions by people and keys (kustomer facts, 6.18)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.org import epoch_ms
from simulators.kustomer.replies import many, number
from simulators.kustomer.resource import org_link

if TYPE_CHECKING:
    from simulators.kustomer.desk import Desk

COUNT_MAX = 1000
KINDS = frozenset(("company", "conversation", "customer", "message"))
_KEPT = 50_000
_DAY_MS = 86_400_000
_FILTERS = ("objectType", "objectId", "userId", "include", "start", "end")
# How long entries are kept: updates of these three 90 days; merges, message creates, updates of
# companies 12 months. What deletions do is not told; they are kept as updates are.
_LONG = frozenset((("message", "create"), ("company", "update"), ("customer", "merge")))


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. Times in epoch ms; `user` is None for an event that no user caused."""

    id: str
    kind: str
    object_id: str
    verb: str
    user: str | None
    at: int
    expires: int
    changes: bytes

    def body(self, org_id: str, stamp: str, expires: str) -> bytes:
        """The entry as it is served."""
        attributes = {
            "eventName": f"kustomer.{self.kind}.{self.verb}",
            "eventVerb": self.verb,
            "org": org_id,
            "userId": self.user,
            "userType": "user" if self.user else "machine",
            "objectId": self.object_id,
            "objectType": self.kind,
            "client": "web",
            "changes": orjson.Fragment(self.changes),
            "createdAt": stamp,
            "publishedAt": stamp,
            "expiresAt": expires,
        }
        user = {
            "links": {"self": f"/v1/users/{self.user or 'null'}"},
            "data": {"type": "user", "id": self.user},
        }
        entry = {
            "type": "audit_log",
            "id": self.id,
            "attributes": attributes,
            "relationships": {"org": org_link(org_id), "user": user},
            "links": {"self": f"/v1/audit-logs/{self.id}"},
        }
        return orjson.dumps(entry)


class AuditLog:
    """The newest entries, at most 50,000; older ones and expired ones are not shown."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)

    def note(
        self,
        entry_id: str,
        kind: str,
        object_id: str,
        verb: str,
        *,
        at: int,
        user: str | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Note an event; one of an object that the log does not have is passed over."""
        if kind not in KINDS or (verb == "create" and kind != "message"):
            return
        days = 365 if (kind, verb) in _LONG else 90
        told = orjson.dumps(changes or {"attributes": {}, "relationships": {}})
        kept = bytes(memoryview(told))
        expires = at + days * _DAY_MS
        self._entries.append(Entry(entry_id, kind, object_id, verb, user, at, expires, kept))

    def found(self, asked: Mapping[str, str], now: int) -> list[Entry]:
        """Entries that pass the filters and have not expired, newest first."""
        start, end = (epoch_ms(asked.get(f"filter[{each}]")) for each in ("start", "end"))
        wanted = {
            name: asked[f"filter[{name}]"] for name in _FILTERS[:3] if f"filter[{name}]" in asked
        }
        return [
            each
            for each in reversed(self._entries)
            if each.expires > now
            and wanted.get("objectType", each.kind) == each.kind
            and wanted.get("objectId", each.object_id) == each.object_id
            and wanted.get("userId", each.user) == each.user
            and (not start or each.at >= start)
            and (not end or each.at < end)
        ]


class AuditLogs:
    """Answers for the audit log; `before` is older than an entry, `after` newer."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    async def listed(self, request: Request) -> Response:
        """One page by cursor: `count` entries, 100 by default and at most 1,000."""
        asked = request.query_params
        entries = self._desk.audit.found(asked, self._desk.now_ms())
        total = len(entries)
        count = max(1, min(COUNT_MAX, number(request, "count", 100)))
        if "before" in asked:
            entries = [each for each in entries if each.id < asked["before"]]
        shown, rest = entries[:count], len(entries) - count
        if "after" in asked:
            entries = [each for each in entries if each.id > asked["after"]]
            # Without `before` the page next to the cursor is meant, not the newest one.
            shown = entries[:count] if "before" in asked else entries[-count:]
            rest = 1
        kept = {name: value for name, value in asked.items() if name.startswith("filter[")}

        def at(**cursor: str) -> str:
            return f"{request.url.path}?{urlencode({'count': count, **cursor, **kept})}"

        links = {
            "self": at(**{name: asked[name] for name in ("before", "after") if name in asked}),
            "prev": at(after=shown[0].id) if shown else None,
            "next": at(before=shown[-1].id) if shown and rest > 0 else None,
        }
        meta = {"count": count, "total": total, "cursorCount": len(shown)}
        org_id, stamped = self._desk.settings.org_id, self._desk.stamp
        bodies = (each.body(org_id, stamped(each.at), stamped(each.expires)) for each in shown)
        return many(bodies, meta, links)
