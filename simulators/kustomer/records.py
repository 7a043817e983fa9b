"""Single records: by id, by several ids, by what they are known by (kustomer facts, section 6.0)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.desk import PLURALS, Desk
from simulators.kustomer.org import Row
from simulators.kustomer.replies import json_reply, many, not_found, one
from simulators.kustomer.resource import org_link

MACHINE_USER = "63cc0000000000000000ffff"
_MULTI = frozenset(("conversation", "user"))
# Of messages the path is spelt with a small d.
_KNOWN_BY = {
    "customer": ("externalId", "email", "phone"),
    "conversation": ("externalId",),
    "message": ("externalid",),
}
_UNLISTED = frozenset(("customer", "company", "conversation", "message", "note"))


class Records:
    """Answers for single records, and for the key itself."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        desk.org.watch(self._forget)

    async def single(self, request: Request) -> Response:
        """One record, or several by a comma list where the API has it. A deleted one is a 404."""
        kind = PLURALS.get(request.path_params["plural"])
        asked = request.path_params["ids"]
        if kind is None:
            raise not_found()
        name, found, value = asked.partition("=")
        if found and name in _KNOWN_BY.get(kind, ()):
            return one(self._get(kind, self._by(kind, name).get(unquote(value).lower(), "")))
        if asked == "default" and kind in ("brand", "schedule"):
            return one(self._default(kind))
        if "," in asked and kind in _MULTI:
            rows = [self._get(kind, each) for each in asked.split(",")]
            return many((row.body for row in rows), {}, {"self": request.url.path})
        return one(self._get(kind, asked))

    async def chat(self, request: Request) -> Response:
        """`/chat/settings`: one resource for the whole org."""
        for row in self._desk.org.shelves["chat_settings"].live:
            return one(row)
        raise not_found()

    async def merge(self, request: Request) -> Response:
        """`/customers/merges/{id}`."""
        return one(self._get("customer_merge", request.path_params["id"]))

    def _get(self, kind: str, record_id: str) -> Row:
        row = self._desk.org.shelves[kind].rows.get(record_id)
        if row is not None and row.deleted and kind in _UNLISTED:
            row = self._gone(row)
        if row is None:
            raise not_found()
        return row

    def _gone(self, row: Row) -> Row | None:
        """What is read of a deleted record; the facts leave open which (section 11, 7)."""
        match self._desk.settings.gone_reads:
            case "tombstone":
                return row
            case "survivor":
                survivor = self._desk.truth.survivor(row.kind, row.id)
                other = self._desk.org.shelves[row.kind].rows.get(survivor or "")
                return None if other is None or other.deleted else other
        return None

    def _forget(self, old: Row | None, new: Row | None) -> None:
        """What was known of a kind is made again when a record of it has changed."""
        changed = {row.kind for row in (old, new) if row is not None}
        for key in [each for each in self._known if each[0] in changed]:
            del self._known[key]

    def _default(self, kind: str) -> Row:
        for row in self._desk.org.shelves[kind].live:
            if row.resource["attributes"].get("default") is True:
                return row
        raise not_found()

    def _by(self, kind: str, name: str) -> dict[str, str]:
        """Ids by an external id, address or number; made when first asked for."""
        known = self._known.get((kind, name))
        if known is None:
            known = {}
            for row in self._desk.org.shelves[kind].live:
                for value in _known_values(row.resource["attributes"], name):
                    known.setdefault(value.lower(), row.id)
            self._known[kind, name] = known
        return known

    async def current(self, request: Request) -> Response:
        """The key's own user or token: any role may ask."""
        what = request.url.path.strip("/").split("/")[1]
        settings = self._desk.settings
        held = self._desk.key_of(request).roles
        roles = ["org"] if held is None else sorted(held)
        attributes: dict[str, Any] = {
            "name": "Deskferry key",
            "displayName": None,
            "userType": "machine",
            "roles": roles,
        }
        kind = "user" if what == "users" else "token"
        return json_reply(_resource(kind, MACHINE_USER, attributes, settings.org_id))

    async def org(self, request: Request) -> Response:
        """`/orgs/current` and `/orgs/{id}`."""
        settings = self._desk.settings
        if request.path_params.get("id", "current") not in ("current", settings.org_id):
            raise not_found()
        attributes = {"name": settings.org_name, "displayName": settings.org_name, "meta": {}}
        return json_reply(_resource("org", settings.org_id, attributes, settings.org_id))

    async def domain(self, request: Request) -> Response:
        """`/domains/{name}`: which pod an org lives in; needs no key and no budget."""
        settings = self._desk.settings
        if request.path_params["name"] != settings.org_name:
            return json_reply({"errors": [{"code": "notfound", "message": "Not found"}]}, 404)
        attributes = {
            "name": settings.org_name,
            "orgId": settings.org_id,
            "pod": settings.pod,
            "reservation": False,
        }
        return json_reply(_resource("domain", settings.org_name, attributes, settings.org_id))


def _known_values(attributes: dict[str, Any], name: str) -> Iterator[str]:
    if name.lower() == "externalid":
        if attributes.get("externalId"):
            yield str(attributes["externalId"])
        many_ids = attributes.get("externalIds") or ()
        yield from (str(each["externalId"]) for each in many_ids if "externalId" in each)
    else:
        for each in attributes.get(f"{name}s") or ():
            if isinstance(each.get(name), str):
                yield each[name]


def _resource(kind: str, record_id: str, attributes: dict[str, Any], org_id: str) -> dict[str, Any]:
    return {
        "data": {
            "type": kind,
            "id": record_id,
            "attributes": attributes,
            "relationships": {"org": org_link(org_id)},
        }
    }
