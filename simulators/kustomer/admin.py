"""The side-door for tests and operators: statistics, dumps, faults, changes to the org."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.faults import Fault
from simulators.kustomer.org import Org


def admin_routes(org: Org, facts: Callable[[], dict[str, Any]], faults: list[Fault]) -> list[Route]:
    """Return the routes under `/__admin`: outside auth and budgets."""

    async def stats(request: Request) -> Response:
        body = {**facts(), "faults": sum(fault.hits for fault in faults)}
        return Response(orjson.dumps(body), media_type="application/json")

    async def dump(request: Request) -> Response:
        def lines() -> Iterator[bytes]:
            for encoded in org.dump(request.query_params["kind"]):
                yield encoded + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def set_faults(request: Request) -> Response:
        if request.method == "DELETE":
            faults.clear()
        else:
            faults.append(Fault(**orjson.loads(await request.body())))
        return Response(status_code=204)

    async def put_record(request: Request) -> Response:
        record = orjson.loads(await request.body())
        if request.method == "DELETE":
            org.shelves[record["type"]].drop(record["id"])
        else:
            org.put(record)
        return Response(status_code=204)

    return [
        Route("/__admin/stats", stats),
        Route("/__admin/dump", dump),
        Route("/__admin/faults", set_faults, methods=["POST", "DELETE"]),
        Route("/__admin/records", put_record, methods=["PUT", "DELETE"]),
    ]
