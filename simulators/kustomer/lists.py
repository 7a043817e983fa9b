"""Org-wide and nested lists (kustomer facts, sections 3.2, 4 and 6.0)."""

from collections.abc import Callable, Sequence
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.desk import PLURALS, Desk
from simulators.kustomer.files import with_attachments
from simulators.kustomer.org import Row, epoch_ms
from simulators.kustomer.replies import ApiError, many, not_found, number, page_links
from simulators.kustomer.setup import FOLDERS

PAGE_MAX = {"user": 500, "team": 500}
_DELETABLE = frozenset(("user", "team", "tag", "shortcut"))
_NO_LIST = frozenset(("attachment", "metadata", "customer_merge"))
_NESTED = {
    "conversations": frozenset(("message", "note")),
    "customers": frozenset(("message", "note", "conversation", "customer_merge")),
    "users": frozenset(("team",)),
}
_SORTED = frozenset(("conversation", "message"))


class Lists:
    """Answers lists: ascending by id; `sort=desc` turns conversations and messages round."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def listed(self, request: Request) -> Response:
        """An org-wide list."""
        kind = PLURALS.get(request.path_params["plural"])
        if kind is None or kind in _NO_LIST:
            raise not_found()
        return self.page(request, kind, self._shown(kind, request))

    async def in_folder(self, request: Request) -> Response:
        """A list below a folder, such as `/hooks/email`."""
        folder = request.url.path.split("/")[2]
        kind = FOLDERS.get((folder, request.path_params["plural"]))
        if kind is None:
            raise not_found()
        return self.page(request, kind, self._desk.org.shelves[kind].live)

    async def nested(self, request: Request) -> Response:
        """The children of one conversation, customer or user."""
        parent, parent_id = request.path_params["parent"], request.path_params["id"]
        kind = PLURALS.get(request.path_params["plural"], "")
        holder = self._desk.org.shelves[PLURALS.get(parent, "")].rows.get(parent_id)
        if kind not in _NESTED.get(parent, ()) or holder is None:
            raise not_found()
        # Merges are found through either side of them: also the one that is gone.
        if holder.deleted and kind != "customer_merge":
            raise not_found()
        if kind == "team":
            rows: Sequence[Row] = [
                row
                for row in self._desk.org.shelves["team"].live
                if parent_id in row.resource["attributes"].get("members", ())
            ]
        else:
            rows = self._desk.org.children(kind, parent_id)
        since = epoch_ms(request.query_params.get("fromDate"))
        if since and kind == "conversation":
            rows = [row for row in rows if row.updated >= since]
        return self.page(request, kind, rows)

    def _shown(self, kind: str, request: Request) -> Sequence[Row]:
        shelf = self._desk.org.shelves[kind]
        asked = request.query_params
        if kind in _DELETABLE and asked.get("deleted") == "true":
            return [row for row in shelf.everything if row.deleted]
        if kind == "klass":
            return _where(shelf.live, "status", asked.get("status", "enabled"), "enabled")
        if kind == "company":
            return self._companies(shelf.live, request)
        if kind == "user":
            return _users(shelf.live, request)
        return shelf.live

    @staticmethod
    def _companies(rows: Sequence[Row], request: Request) -> Sequence[Row]:
        asked = request.query_params
        if ("externalId" in asked) == ("filter" in asked):
            return rows  # both together are both ignored
        if "externalId" in asked:
            return _where(rows, "externalId", asked["externalId"])
        return _where(rows, "name", asked["filter"])

    def page(self, request: Request, kind: str, rows: Sequence[Row]) -> Response:
        """One page of a list, with the links and the meta of its flavour."""
        settings = self._desk.settings
        index_backed = kind == "customer"
        size = min(
            PAGE_MAX.get(kind, 100), number(request, "pageSize", 30 if index_backed else 100)
        )
        size, page = max(1, size), max(1, number(request, "page", 1))
        cap = settings.list_cap_pages
        if cap is not None and page > cap and settings.list_cap_error:
            raise ApiError(400, "bad_request", "Page is out of range")
        beyond = cap is not None and page > cap
        total = len(rows)
        start = (page - 1) * size
        if beyond:
            shown: list[Row] = []
        elif kind in _SORTED and request.query_params.get("sort") == "desc":
            shown = list(islice(reversed(rows), start, start + size))
        else:
            shown = list(rows[start : start + size])
        more = start + size < total and not (cap is not None and page >= cap)
        pages = -(-total // size)
        meta = {} if kind == "outbound_account" else {"pageSize": size, "page": page}
        if index_backed:
            meta |= {"total": total, "totalPages": pages}
        links = page_links(request, page, size, more=more, last=pages if index_backed else None)
        if kind == "message" and "attachments" in request.query_params.get("include", "").split(
            ","
        ):
            return with_attachments(self._desk.org, shown, meta, links)
        versions = self._versions(request, kind, shown)
        return many((row.body for row in shown), meta, links, versions)

    def _versions(self, request: Request, kind: str, rows: Sequence[Row]) -> list[bytes] | None:
        """The versions of SLAs, where all of them are asked for."""
        if kind != "sla" or request.query_params.get("versions") not in ("all", "active"):
            return None
        held = self._desk.org
        return [each.body for row in rows for each in held.children("sla_version", row.id)]


def _users(rows: Sequence[Row], request: Request) -> Sequence[Row]:
    """The filters of users cannot be combined: the first one counts."""
    asked = request.query_params
    if asked.get("pending") == "true":
        return [row for row in rows if row.resource["attributes"].get("pending") is True]
    if "userType" in asked:
        return _where(rows, "userType", asked["userType"])
    if "email" in asked:
        wanted = asked["email"].lower()
        return _filtered(rows, lambda held: str(held.get("email") or "").lower() == wanted)
    return [row for row in rows if row.resource["attributes"].get("pending") is not True]


def _where(rows: Sequence[Row], name: str, value: str, default: str = "") -> list[Row]:
    return _filtered(rows, lambda held: (held.get(name) or default) == value)


def _filtered(rows: Sequence[Row], test: Callable[[dict[str, object]], bool]) -> list[Row]:
    return [row for row in rows if test(row.resource["attributes"])]
