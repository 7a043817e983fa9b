"""Both APIs from memory, in a process of its own: replies are ready bytes, jobs end at once.

No rules are checked here; that is the stand-ins' work. What is measured is the product alone.
"""

import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn

from simulators.kustomer.generate import generate
from simulators.kustomer.settings import KustomerSettings
from simulators.salesforce.schema import Schema

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
ORG = "00D5f000000Dsk1EAC"
PAGE = 100
_ROW = re.compile(rb'\n"([0-9a-f]{24})"')


class Canned:
    """Pages by path, jobs by id."""

    def __init__(self, messages: int) -> None:
        settings = KustomerSettings(
            customers=max(50, messages // 50),
            companies=50,
            conversations=max(100, messages // 5),
            messages=messages,
            notes=0,
        )
        kinds: dict[str, list[bytes]] = {}
        for record in generate(settings):
            if not record["attributes"].get("deleted") or record["type"] == "user":
                kinds.setdefault(record["type"], []).append(orjson.dumps(record))
        self.pages = {kind: _pages(sorted(rows, key=_id_of)) for kind, rows in kinds.items()}
        self.counts = {kind: len(rows) for kind, rows in kinds.items()}
        self.bytes = sum(len(page) for pages in self.pages.values() for page in pages)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.rows = 0
        self.batches = 0
        schema = Schema()
        self.describes = {
            name: orjson.dumps(schema.describe(each)) for name, each in schema.objects.items()
        }

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http":
            return
        blocks = []
        more = True
        while more:
            message = await receive()
            blocks.append(message.get("body", b""))
            more = message.get("more_body", False)
        status, kind, body = self.answer(scope, b"".join(blocks))
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"x-ratelimit-limit", b"100000000"),
            (b"x-ratelimit-remaining", b"99999999"),
            (b"x-ratelimit-reset", str(int(time.time()) + 60).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, scope: Scope, body: bytes) -> tuple[int, bytes, bytes]:
        """Return status, content type and body."""
        path = scope["path"]
        query = dict(
            pair.split("=", 1) for pair in scope["query_string"].decode().split("&") if "=" in pair
        )
        if path.startswith("/v1/"):
            return 200, b"application/json", self.kustomer(path, query, body)
        if path.endswith("/token"):
            url = f"http://{dict(scope['headers'])[b'host'].decode()}"
            told = {
                "access_token": "t",
                "instance_url": url,
                "id": f"{url}/id/{ORG}/0055f0000000001AAA",
            }
            return 200, b"application/json", orjson.dumps(told)
        return self.salesforce(scope["method"], path, query, body)

    def kustomer(self, path: str, query: dict[str, str], body: bytes) -> bytes:
        """A page, a search's count, or the key's own user."""
        if "/search" in path:
            kind = orjson.loads(body)["queryContext"]
            total = 0 if "archive" in path else self.counts.get(kind, 0)
            return orjson.dumps({"data": [], "meta": {"total": total, "page": 1, "pageSize": 1}})
        if "current" in path:
            return orjson.dumps(
                {"data": {"type": "org", "id": "60aa", "attributes": {"name": "bench"}}}
            )
        name = path.split("/")[2]
        kind = {"companies": "company"}.get(name, name.rstrip("s"))
        pages = self.pages.get(kind, [])
        number = int(query.get("page", "1"))
        if (kind in ("user", "team", "tag") and number > 1) or not pages:
            return b'{"data":[],"meta":{},"links":{"next":null}}'
        return pages[number - 1] if number <= len(pages) else b'{"data":[],"links":{"next":null}}'

    def salesforce(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, bytes, bytes]:
        """Describe, counts, and jobs that end at once."""
        parts = path.split("/")[4:]
        if parts[-1] == "describe":
            return 200, b"application/json", self.describes[parts[1]]
        if parts[0] == "query":
            count = 10**9 if "COUNT" in query["q"] else 0
            return (
                200,
                b"application/json",
                orjson.dumps({"totalSize": count, "done": True, "records": []}),
            )
        return self.ingest(method, parts, body)

    def ingest(self, method: str, parts: list[str], body: bytes) -> tuple[int, bytes, bytes]:
        """One call of a job's life."""
        if method == "POST":
            job = {"id": f"750{len(self.jobs):012d}AAA", "state": "Open", **orjson.loads(body)}
            self.jobs[job["id"]] = job
            return 200, b"application/json", orjson.dumps(job)
        job = self.jobs[parts[2]]
        if method == "PUT":
            rows = len(_ROW.findall(body))
            self.rows += rows
            self.batches += -(-rows // 10_000)
            job |= {"numberRecordsProcessed": rows, "numberRecordsFailed": 0}
            self.content[parts[2]] = body
            return 201, b"text/plain", b""
        if method == "PATCH":
            job["state"] = "JobComplete"
        if parts[-1] == "successfulResults":
            body = self.content.pop(parts[2])
            counter = iter(range(self.rows * 2))
            made = _ROW.sub(
                lambda m: b'\n"5005f%010d%sAAA","true","%b"' % (next(counter), b"", m.group(1)),
                body,
            )
            return 200, b"text/csv", b'"sf__Id","sf__Created",' + made
        if parts[-1] in ("failedResults", "unprocessedrecords"):
            return 200, b"text/csv", b'"sf__Id","sf__Error"\n'
        return 200, b"application/json", orjson.dumps(job)


def _id_of(row: bytes) -> bytes:
    return orjson.loads(row)["id"].encode()


def _pages(rows: list[bytes]) -> list[bytes]:
    pages = []
    for start in range(0, len(rows), PAGE):
        more = b'"/v1/next"' if start + PAGE < len(rows) else b"null"
        body = b",".join(rows[start : start + PAGE])
        pages.append(
            b'{"meta":{"page":1,"pageSize":100},"links":{"next":%b},"data":[%b]}' % (more, body)
        )
    return pages


def main() -> None:
    """Serve until killed; the address goes out as one JSON line."""
    canned = Canned(int(sys.argv[1]))

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            port = self.servers[0].sockets[0].getsockname()[1]
            facts = {"url": f"http://127.0.0.1:{port}", "bytes": canned.bytes, **canned.counts}
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()

    Server(
        uvicorn.Config(canned, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    ).run()


if __name__ == "__main__":
    main()
