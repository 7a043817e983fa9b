"""REST: describe, single records, collections, composite, queries, limits (facts, 2 and 5)."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.org import VERSIONS, Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply
from simulators.salesforce.soql import QueryResult, SoqlError, run_query
from simulators.salesforce.store import Outcome, WriteContext

REST = WriteContext("rest")
PAGE_ROWS = 2000


class Rest:
    """The handlers of one org."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.store = org.store
        self._cursors: dict[str, tuple[QueryResult, int]] = {}

    async def versions(self, request: Request) -> Response:
        """The versions on offer; needs no session."""
        return reply(
            [
                {"label": f"v{version}", "url": f"/services/data/v{version}", "version": version}
                for version in VERSIONS
            ]
        )

    async def resources(self, request: Request) -> Response:
        """The resources of a version."""
        base = request.url.path.rstrip("/")
        return reply({name: f"{base}/{name}" for name in ("sobjects", "query", "limits", "jobs")})

    async def limits(self, request: Request) -> Response:
        """Org limits."""
        return reply(self.org.limits())

    async def objects(self, request: Request) -> Response:
        """The list of objects."""
        shown = [
            {
                key: value
                for key, value in self.store.schema.describe(each).items()
                if key != "fields"
            }
            for each in self.store.schema.objects.values()
        ]
        return reply({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})

    async def describe(self, request: Request) -> Response:
        """One object's describe."""
        found = self.store.schema.find(request.path_params["name"])
        return reply(self.store.schema.describe(found)) if found else refuse(404, *NOT_FOUND)

    async def create(self, request: Request) -> Response:
        """Insert one record."""
        found = self.store.schema.find(request.path_params["name"])
        if found is None:
            return refuse(404, *NOT_FOUND)
        outcome = self.store.insert(found.name, _values(await request.body()), REST)
        if not outcome.success:
            return _refused(outcome)
        return reply({"id": outcome.record_id, "success": True, "errors": []}, 201)

    async def record(self, request: Request) -> Response:
        """Read, change or delete one record."""
        found = self.store.schema.find(request.path_params["name"])
        record_id = request.path_params["id"]
        record = self.store.get(found.name, record_id) if found else None
        if found is None or record is None:
            return refuse(404, *NOT_FOUND)
        if request.method == "PATCH":
            values = {**_values(await request.body()), "Id": record_id}
            outcome = self.store.update(found.name, values, REST)
        elif request.method == "DELETE":
            outcome = self.store.delete(found.name, record_id, REST)
        else:
            return reply({"attributes": self._attributes(found.name, record_id), **record})
        return Response(status_code=204) if outcome.success else _refused(outcome)

    async def by_key(self, request: Request) -> Response:
        """Read or upsert one record by its external id."""
        params = request.path_params
        found = self.store.schema.find(params["name"])
        known = found.by_lower().get(params["field"].lower()) if found else None
        if found is None or known is None or not known.external_id:
            return refuse(404, *NOT_FOUND)
        record_id = self.store.unique_id(found.name, known.name, params["value"])
        if request.method == "GET":
            if record_id is None:
                return refuse(404, *NOT_FOUND)
            return reply(self.store.get(found.name, record_id))
        values = _values(await request.body())
        if record_id is None:
            keyed = {**values, known.name: params["value"]}
            outcome = self.store.insert(found.name, keyed, REST)
        else:
            outcome = self.store.update(found.name, {**values, "Id": record_id}, REST)
        if not outcome.success:
            return _refused(outcome)
        made = record_id is None
        body = {"id": outcome.record_id, "success": True, "errors": [], "created": made}
        return reply(body, 201 if made else 200)

    async def collection(self, request: Request) -> Response:
        """Insert, change or delete up to 200 records; the results are in their order."""
        if request.method == "DELETE":
            ids = request.query_params.get("ids", "").split(",")
            return reply([_result(self._delete(each)) for each in ids])
        records = orjson.loads(await request.body()).get("records", [])
        if len(records) > 200:
            return refuse(400, "EXCEEDED_MAX_SIZE_REQUEST", "record limit reached: 200")
        operation = "insert" if request.method == "POST" else "update"
        outcomes = []
        for record in records:
            found = self.store.schema.find(record.get("attributes", {}).get("type", ""))
            values = {key: value for key, value in record.items() if key != "attributes"}
            if "id" in values:
                values["Id"] = values.pop("id")
            if found is None:
                return refuse(400, "INVALID_TYPE", "sObject type is not supported")
            outcomes += self.store.chunk(found.name, [values], operation, REST)
        return reply([_result(each) for each in outcomes])

    def _delete(self, record_id: str) -> Outcome:
        for found in self.store.schema.objects.values():
            if record_id.startswith(found.prefix):
                return self.store.delete(found.name, record_id, REST)
        return self.store.delete("Account", record_id, REST)

    async def query(self, request: Request) -> Response:
        """Run a query and give its first page."""
        all_rows = "queryall" in request.url.path.lower()
        try:
            result = run_query(self.store, request.query_params.get("q", ""), all_rows=all_rows)
        except SoqlError as error:
            return refuse(400, error.code, error.message)
        if result.is_count:
            return reply({"totalSize": result.total, "done": True, "records": []})
        return self._page(request, result, 0)

    async def more(self, request: Request) -> Response:
        """The next page of a query."""
        cursor = self._cursors.get(request.path_params["cursor"])
        if cursor is None:
            return refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, *cursor)

    def _page(self, request: Request, result: QueryResult, start: int) -> Response:
        rows = result.rows[start : start + PAGE_ROWS]
        end = start + len(rows)
        records = [
            {"attributes": self._attributes(result.object, row.get("Id")), **_nested(row)}
            for row in rows
        ]
        body: dict[str, Any] = {"totalSize": result.total, "done": end >= len(result.rows)}
        if end < len(result.rows):
            cursor = f"01g{len(self._cursors):012d}AAA-{end}"
            self._cursors[cursor] = (result, end)
            version = request.path_params["version"]
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{cursor}"
        body["records"] = records
        return reply(body)

    def _attributes(self, name: str, record_id: Any) -> dict[str, str]:
        url = f"/services/data/v62.0/sobjects/{name}/{record_id}" if record_id else ""
        return {"type": name, "url": url} if url else {"type": name}


def rest_routes(org: Org) -> list[Route]:
    """Return the REST routes; the app in front checks sessions and counts calls."""
    rest = Rest(org)
    base = "/services/data/{version}"
    return [
        Route("/services/data", rest.versions),
        Route(base, rest.resources),
        Route(f"{base}/limits", rest.limits),
        Route(f"{base}/query", rest.query),
        Route(f"{base}/queryall", rest.query),
        Route(f"{base}/query/{{cursor}}", rest.more),
        Route(f"{base}/sobjects", rest.objects),
        Route(f"{base}/sobjects/{{name}}/describe", rest.describe),
        Route(f"{base}/sobjects/{{name}}", rest.create, methods=["POST"]),
        Route(f"{base}/sobjects/{{name}}/{{id}}", rest.record, methods=["GET", "PATCH", "DELETE"]),
        Route(
            f"{base}/sobjects/{{name}}/{{field}}/{{value}}", rest.by_key, methods=["GET", "PATCH"]
        ),
        Route(f"{base}/composite/sobjects", rest.collection, methods=["POST", "PATCH", "DELETE"]),
    ]


def _values(body: bytes) -> dict[str, Any]:
    given = orjson.loads(body)
    return {key: value for key, value in given.items() if key != "attributes"}


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """Parent fields as nested objects."""
    made: dict[str, Any] = {}
    for path, value in row.items():
        relation, _, field = path.rpartition(".")
        if relation:
            made.setdefault(relation, {})[field] = value
        else:
            made[path] = value
    return made


def _refused(outcome: Outcome) -> Response:
    error = outcome.errors[0]
    status = 404 if error.status_code == "ENTITY_IS_DELETED" else 400
    return refuse(status, error.status_code, error.message, error.fields)


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.success:
        return {"id": outcome.record_id, "success": True, "errors": []}
    errors = [
        {"statusCode": error.status_code, "message": error.message, "fields": list(error.fields)}
        for error in outcome.errors
    ]
    return {"success": False, "errors": errors}
