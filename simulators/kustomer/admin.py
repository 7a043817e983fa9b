"""The side-door for tests and operators: statistics, dumps, faults, changes to the org."""

from collections.abc import Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.chaos import Chaos, ChaosInvalid
from simulators.faults import Fault
from simulators.kustomer import chaos
from simulators.kustomer.changes import Changes, Stamps
from simulators.kustomer.desk import Desk
from simulators.kustomer.faults import KINDS, FaultyOrg
from simulators.kustomer.org import Row
from simulators.kustomer.replies import json_reply

_LINES = 500


class Admin:
    """Everything under `/__admin`: outside auth, budgets and faults."""

    def __init__(self, desk: Desk, wire: FaultyOrg) -> None:
        self._desk = desk
        self._wire = wire
        self._faults = wire.faults
        self._changes = Changes(desk)

    def routes(self) -> list[Route]:
        """Return the routes of the side-door."""
        one, every = "/__admin/records/{kind}/{id}", "/__admin/records/{kind}"
        return [
            Route("/__admin/stats", self.stats),
            Route("/__admin/dump", self.dump),
            Route("/__admin/faults", self.set_faults, methods=["POST", "DELETE"]),
            Route("/__admin/chaos", self.set_chaos, methods=["POST", "DELETE"]),
            Route("/__admin/settings", self.set_settings, methods=["POST"]),
            Route("/__admin/merge", self.merge, methods=["POST"]),
            Route("/__admin/records", self.whole_record, methods=["PUT", "DELETE"]),
            Route(every, self.create, methods=["POST"]),
            Route(one, self.change, methods=["PUT", "DELETE"]),
        ]

    async def stats(self, request: Request) -> Response:
        """Calls by route, the use of the budgets by window, faults struck."""
        hits = sum(fault.hits for fault in self._faults)
        struck = dict(self._wire.chaos.hits) if self._wire.chaos else {}
        return json_reply({**self._desk.facts(), "faults": hits, "chaos": struck})

    async def dump(self, request: Request) -> Response:
        """JSON lines: the records of a kind, or all, as the API gives them.

        Deleted ones are among them, with `attributes.deleted`. With `?fates=true` those that are
        gone say what became of them, in a key `gone` that the API does not have: `deleted`,
        `merged` with `into`; and records deleted for good have a line with nothing else.
        """
        org = self._desk.org
        kind = request.query_params.get("kind")
        kinds = [kind] if kind else sorted(org.shelves)
        fates = request.query_params.get("fates") == "true"

        def lines() -> Iterator[bytes]:
            for each in kinds:
                rows = list(org.shelves[each].everything)
                for start in range(0, len(rows), _LINES):
                    shown = rows[start : start + _LINES]
                    yield b"".join(self._line(row, fates=fates) for row in shown)
                for gone in self._desk.truth.hard_deleted(each) if fates else ():
                    told = {"type": each, "id": gone, "gone": {"fate": "hard_deleted"}}
                    yield orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    def _line(self, row: Row, *, fates: bool) -> bytes:
        fate = self._desk.truth.fate(row) if fates else None
        if fate is None:
            return row.body + b"\n"
        return orjson.dumps({**row.resource, "gone": fate}, option=orjson.OPT_APPEND_NEWLINE)

    async def set_faults(self, request: Request) -> Response:
        """POST adds a rule, DELETE takes all away."""
        if request.method == "DELETE":
            self._faults.clear()
            return Response(status_code=204)
        given = await _body(request)
        if given.get("kind") not in KINDS:
            return _refused("No such kind of fault.")
        try:
            self._faults.append(Fault(**given))
        except TypeError:
            return _refused("A fault has match, kind, and what Fault lists.")
        return Response(status_code=204)

    async def set_chaos(self, request: Request) -> Response:
        """POST `{"rate", "seed"}` lets a share of all calls go wrong, DELETE ends it."""
        if request.method == "DELETE":
            self._wire.chaos = None
            return Response(status_code=204)
        try:
            self._wire.chaos = Chaos.read(chaos.KINDS, await _body(request))
        except ChaosInvalid as error:
            return _refused(str(error))
        return Response(status_code=204)

    async def set_settings(self, request: Request) -> Response:
        """Change limits and behaviour while it runs."""
        try:
            self._desk.apply(await _body(request))
        except (ValueError, TypeError) as error:
            return _refused(str(error))
        return Response(status_code=204)

    async def merge(self, request: Request) -> Response:
        """`{"kind", "source", "target"}`: merge two customers or two conversations."""
        given = await _body(request)
        if given.get("kind") not in ("customer", "conversation"):
            return _refused("Customers and conversations can be merged.")
        return _row(self._changes.merge(given["kind"], given["source"], given["target"]))

    async def create(self, request: Request) -> Response:
        """Make a record; answers with it."""
        row = self._changes.create(request.path_params["kind"], await _body(request))
        return Response(row.body, 201, media_type="application/json")

    async def change(self, request: Request) -> Response:
        """PUT merges into a record (`?touch=false` leaves its times); DELETE takes `?hard=true`."""
        kind, record_id = request.path_params["kind"], request.path_params["id"]
        if request.method == "DELETE":
            hard = request.query_params.get("hard") == "true"
            done = self._changes.delete(kind, record_id, hard=hard)
            return Response(status_code=204 if done else 404)
        stamps: Stamps = "none" if request.query_params.get("touch") == "false" else "edit"
        return _row(self._changes.update(kind, record_id, await _body(request), stamps=stamps))

    async def whole_record(self, request: Request) -> Response:
        """A whole resource, stored or removed as it is: nothing is stamped."""
        record = await _body(request)
        if request.method == "DELETE":
            self._desk.org.drop(str(record["type"]).partition(".")[0], record["id"])
        else:
            self._desk.org.put(record)
        return Response(status_code=204)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    given = orjson.loads(raw) if raw else {}
    return given if isinstance(given, dict) else {}


def _row(row: Row | None) -> Response:
    if row is None:
        return Response(status_code=404)
    return Response(row.body, media_type="application/json")


def _refused(why: str) -> Response:
    return json_reply({"error": why}, 400)
