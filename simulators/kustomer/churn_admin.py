"""The side-door's part for churn and for the log of the truth."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.kustomer.churn import Churn, ChurnInvalid
from simulators.kustomer.desk import Desk
from simulators.kustomer.replies import json_reply, number

_BURST_MAX = 100_000


class ChurnAdmin:
    """`/__admin/churn` and `/__admin/truth`."""

    def __init__(self, desk: Desk, churn: Churn) -> None:
        self._desk = desk
        self._churn = churn

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/__admin/churn", self.churn, methods=["GET", "POST", "DELETE"]),
            Route("/__admin/truth", self.truth),
        ]

    async def churn(self, request: Request) -> Response:
        """GET tells; POST starts, changes or pauses; DELETE stops. Each answers with what is so now.

        POST takes `rate` (writes a second; 0 freezes it where it is), `seed`, `for_s`, `writes`,
        `weights`, and `burst`: so many writes are made before the answer comes.
        """
        if request.method == "DELETE":
            self._churn.stop()
        elif request.method == "POST":
            try:
                given = orjson.loads(await request.body() or b"{}")
                if not isinstance(given, dict):
                    return json_reply({"error": "The body is an object."}, 400)
                burst = given.pop("burst", 0)
                if type(burst) is not int or not 0 <= burst <= _BURST_MAX:
                    return json_reply({"error": f"A burst has 0 to {_BURST_MAX} writes."}, 400)
                self._churn.apply(given)
            except (ChurnInvalid, orjson.JSONDecodeError) as error:
                return json_reply({"error": str(error)}, 400)
            self._churn.burst(burst)
        return json_reply(self._churn.facts())

    async def truth(self, request: Request) -> Response:
        """JSON lines: the writes after `?since=N`, all by default."""
        lines = self._desk.truth.since(number(request, "since", 0))
        return Response(b"".join(lines), media_type="application/x-ndjson")
