"""Both APIs from memory, in a process of its own: replies are ready bytes, jobs end at once.

No rules are checked here; that is the stand-ins' work. What is measured is the product alone, so
this side must cost little: pages are made beforehand, and an org of any size is one org of
`BASE_MESSAGES` told again under other ids. `/bench` tells what this side itself has used.
"""

import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
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
BASE_MESSAGES = 25_000
PLAIN = 10**8  # requests a window: no limit to speak of
_SEED = 0x5EED
_OURS = b"%04x00000" % _SEED  # the middle of every generated id
_ROW = re.compile(rb'\n"(?=[0-9a-f]{24}")')
# Rows without our key have no line ends in their cells: every line is one.
_PLAIN_ROW = re.compile(rb'\n"')
_KEYLESS = frozenset({"EmailMessageRelation"})
_TOLD_ONCE = ("user", "team", "tag")


class Source:
    """Ready pages by kind, told `times` times over, each time under ids of their own."""

    def __init__(self, messages: int) -> None:
        self.times = -(-messages // BASE_MESSAGES)
        base = messages // self.times
        settings = KustomerSettings(
            seed=_SEED,
            customers=max(50, base // 50),
            companies=50,
            conversations=max(100, base // 5),
            messages=base,
            notes=0,
        )
        kinds: dict[str, list[bytes]] = {}
        for record in generate(settings):
            attributes = record["attributes"]
            if attributes.get("deleted") and record["type"] != "user":
                continue
            if record["type"] == "company":
                attributes["domains"] = []  # told again, they would be twins
            kinds.setdefault(record["type"], []).append(orjson.dumps(record))
        self.counts = {kind: len(rows) * self._times(kind) for kind, rows in kinds.items()}
        self.bytes = sum(len(r) * self._times(kind) for kind, rows in kinds.items() for r in rows)
        self.pages = {kind: _pages(sorted(rows, key=_id_of)) for kind, rows in kinds.items()}

    def page(self, kind: str, number: int) -> bytes:
        """Page `number`, from 1; an empty page behind the last."""
        pages = self.pages.get(kind, [])
        turn, index = divmod(number - 1, len(pages) or 1)
        if turn >= self._times(kind) or not pages:
            return b'{"data":[],"links":{"next":null}}'
        page = pages[index]
        return page.replace(_OURS, b"%04x00000" % (_SEED + turn)) if turn else page

    def _times(self, kind: str) -> int:
        return 1 if kind in _TOLD_ONCE else self.times


class Limit:
    """The source's request limit: counted in windows, so that the share used can be told."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self.used: dict[int, int] = {}
        self.refused = 0

    def headers(self) -> tuple[bool, list[tuple[bytes, bytes]]]:
        """Count a request; returns whether it may pass, and the headers that tell of the limit."""
        window = int(time.time() / self.window_s)
        used = self.used.get(window, 0)
        passes = used < self.limit
        self.used[window] = used + passes
        self.refused += not passes
        return passes, [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % max(0, self.limit - used - 1)),
            (b"x-ratelimit-reset", b"%d" % ((window + 1) * self.window_s)),
        ]


class Target:
    """Ingest jobs that end at once: an upload's rows come back with ids."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.rows: dict[str, list[int]] = {}
        self._serial = count(1)
        schema = Schema()
        self.describes = {
            name: orjson.dumps(schema.describe(each)) for name, each in schema.objects.items()
        }

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes, bytes]:
        """Describe, counts, and jobs."""
        parts = path.split("/")[4:]
        if parts[-1] == "describe":
            return 200, b"application/json", self.describes[parts[1]]
        if parts[0] == "query":
            told = {"totalSize": 10**9 if "COUNT" in query else 0, "done": True, "records": []}
            return 200, b"application/json", orjson.dumps(told)
        if parts[0] == "composite":  # queues of teams
            made = [
                {"id": f"00G5f{number:010d}AAA", "success": True, "errors": []}
                for number in range(len(orjson.loads(body)["records"]))
            ]
            return 200, b"application/json", orjson.dumps(made)
        if parts[0] == "limits":
            much = {"Max": 10**9, "Remaining": 10**9}
            told = {"DailyApiRequests": much, "DailyBulkApiBatches": much}
            return 200, b"application/json", orjson.dumps(told)
        if method == "POST":
            job = {"id": f"750{len(self.jobs):012d}AAA", "state": "Open", **orjson.loads(body)}
            self.jobs[job["id"]] = job
            return 200, b"application/json", orjson.dumps(job)
        return self._job(method, parts, body)

    def _job(self, method: str, parts: list[str], body: bytes) -> tuple[int, bytes, bytes]:
        if len(parts) == 2:
            return 200, b"application/json", b'{"done":true,"records":[],"nextRecordsUrl":null}'
        job = self.jobs[parts[2]]
        if method == "PUT":
            rows = len(_row_of(job["object"]).findall(body))
            self.rows.setdefault(job["object"], []).append(rows)
            job |= {"numberRecordsProcessed": rows, "numberRecordsFailed": 0}
            self.content[parts[2]] = body
            return 201, b"text/plain", b""
        if method == "PATCH":
            job["state"] = "JobComplete"
        if parts[-1] == "successfulResults":
            return 200, b"text/csv", self._made(job["object"], self.content.pop(parts[2]))
        if parts[-1] in ("failedResults", "unprocessedrecords"):
            return 200, b"text/csv", b'"sf__Id","sf__Error"\n'
        return 200, b"application/json", orjson.dumps(job)

    def _made(self, name: str, body: bytes) -> bytes:
        serial = self._serial
        made = _row_of(name).sub(lambda _: b'\n"5005f%010dAAA","true","' % next(serial), body)
        return b'"sf__Id","sf__Created",' + made


class Canned:
    """The ASGI application."""

    def __init__(self, source: Source, limit: Limit) -> None:
        self.source = source
        self.limit = limit
        self.target = Target()
        self.ready_cpu_s = time.process_time()

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
        extra: list[tuple[bytes, bytes]] = []
        passes = True
        if scope["path"].startswith("/v1/"):
            passes, extra = self.limit.headers()
        status, kind, body = (
            self.answer(scope, b"".join(blocks)) if passes else (429, b"application/json", b"{}")
        )
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, scope: Scope, body: bytes) -> tuple[int, bytes, bytes]:
        """Return status, content type and body."""
        path, query = scope["path"], scope["query_string"].decode()
        if path.startswith("/v1/"):
            return 200, b"application/json", self.kustomer(path, query, body)
        if path == "/bench":
            return 200, b"application/json", orjson.dumps(self.told())
        if path.endswith("/token"):
            url = f"http://{dict(scope['headers'])[b'host'].decode()}"
            told = {
                "access_token": "t",
                "instance_url": url,
                "id": f"{url}/id/{ORG}/0055f0000000001AAA",
            }
            return 200, b"application/json", orjson.dumps(told)
        return self.target.answer(scope["method"], path, query, body)

    def told(self) -> dict[str, Any]:
        """What this side has seen and used since it was ready."""
        return {
            "cpu_s": time.process_time() - self.ready_cpu_s,
            "rows": self.target.rows,
            "windows": list(self.limit.used.values()),
            "limit": self.limit.limit,
            "refused": self.limit.refused,
        }

    def kustomer(self, path: str, query: str, body: bytes) -> bytes:
        """A page, a search's count, or the key's own user."""
        if "/search" in path:
            kind = orjson.loads(body)["queryContext"]
            total = 0 if "archive" in path else self.source.counts.get(kind, 0)
            return orjson.dumps({"data": [], "meta": {"total": total, "page": 1, "pageSize": 1}})
        if "current" in path:
            return orjson.dumps(
                {"data": {"type": "org", "id": "60aa", "attributes": {"name": "bench"}}}
            )
        name = path.split("/")[2]
        asked = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
        number = int(asked.get("page", "1"))
        return self.source.page({"companies": "company"}.get(name, name.rstrip("s")), number)


def _row_of(name: str) -> re.Pattern[bytes]:
    return _PLAIN_ROW if name in _KEYLESS else _ROW


def _id_of(row: bytes) -> bytes:
    return orjson.loads(row)["id"].encode()


def _pages(rows: list[bytes]) -> list[bytes]:
    return [
        b'{"meta":{"page":1,"pageSize":100},"links":{"next":"/v1/next"},"data":[%b]}'
        % b",".join(rows[start : start + PAGE])
        for start in range(0, len(rows), PAGE)
    ]


def main() -> None:
    """Serve until killed; the address goes out as one JSON line.

    Arguments: messages, requests a window, the window's length in seconds.
    """
    _, messages, limit_text, window = sys.argv
    limit = Limit(int(limit_text), float(window))
    source = Source(int(messages))
    canned = Canned(source, limit)

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            port = self.servers[0].sockets[0].getsockname()[1]
            facts = {"url": f"http://127.0.0.1:{port}", "bytes": source.bytes, **source.counts}
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()

    Server(
        uvicorn.Config(canned, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    ).run()


if __name__ == "__main__":
    main()
