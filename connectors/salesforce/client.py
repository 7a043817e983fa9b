"""Salesforce's REST API: one session, one origin, and the calls that a migration needs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, Unpack

from connectors.call import CallOptions
from connectors.errors import BadReply
from connectors.http import HttpClient, Reply, StreamReply, Verdict, is_json
from connectors.salesforce.auth import Auth, Session, SessionHolder
from connectors.salesforce.describe import ObjectDescribe, read_describe
from connectors.salesforce.refusals import refusal

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_COMMON = {
    # Absent, REST would run the org's assignment rules (salesforce facts, 2.3).
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Call-Options": "client=deskferry",
}


@dataclass(frozen=True)
class SalesforceOrg:
    """Who we are: org and user as 18-character ids, and the org's address."""

    org_id: str
    user_id: str
    instance_url: str


@dataclass(frozen=True)
class Limit:
    """One org limit: allowed and left."""

    max: int
    remaining: int


@dataclass(frozen=True)
class Usage:
    """API requests of the last 24 hours, as the last reply told: used and allowed."""

    used: int
    allowed: int


class SalesforceClient:
    """Calls under `/services/data/vVV.V` as the signed-in user; signs in at the first call.

    Use as an async context manager. A 401 renews the session once for all who wait, and the call is
    made again where that is harmless.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        make_http: Callable[[str], HttpClient],
        api_version: str,
    ) -> None:
        self._sessions = SessionHolder(auth)
        self._make_http = make_http
        self.api_version = api_version
        self._base = f"/services/data/v{api_version}"
        self._https: dict[str, HttpClient] = {}
        self._stack = AsyncExitStack()
        self.usage: Usage | None = None

    async def __aenter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def org(self) -> SalesforceOrg:
        """Return the org and user that the session belongs to."""
        session = await self._sessions.current()
        return SalesforceOrg(session.org_id, session.user_id, session.instance_url)

    async def versions(self) -> list[str]:
        """Return the API versions that the org offers, oldest first."""
        reply = await (await self._http()).request("GET", "/services/data/", accept=is_json)
        said = reply.json()
        if reply.status != 200 or not isinstance(said, list):
            raise BadReply("The list of API versions is not what Salesforce promises.")
        return [str(each.get("version")) for each in said if isinstance(each, dict)]

    async def limits(self) -> Mapping[str, Limit]:
        """Return the org's limits by name; values may lag five minutes."""
        said = (await self.call("GET", "/limits", "the org's limits")).json()
        return {
            name: Limit(int(value["Max"]), int(value["Remaining"]))
            for name, value in said.items()
            if isinstance(value, dict) and "Max" in value and "Remaining" in value
        }

    async def describe(self, name: str) -> ObjectDescribe:
        """Return the describe of one object; raises `NotFound` when there is none."""
        path = f"/sobjects/{name}/describe"
        return read_describe((await self.call("GET", path, f"the describe of {name}")).json())

    async def query(
        self, soql: str, *, all_rows: bool = False
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the pages of a query; `all_rows` includes the recycle bin and archived rows."""
        resource = "/queryAll" if all_rows else "/query"
        said = (await self.call("GET", resource, "a query", params={"q": soql})).json()
        while True:
            records = said.get("records")
            if not isinstance(records, list):
                raise BadReply("A query's answer holds no records.")
            yield records
            following = said.get("nextRecordsUrl")
            if said.get("done", True) or not isinstance(following, str):
                return
            path = following[following.index("/query") :]
            said = (await self.call("GET", path, "the next page of a query")).json()

    async def count(self, soql: str) -> int:
        """Return the number that a `SELECT COUNT()` query tells."""
        said = (await self.call("GET", "/query", "a count", params={"q": soql})).json()
        return int(said["totalSize"])

    async def collection(
        self, method: str, records: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Write up to 200 records in one call; returns a result for each, in their order."""
        body = {"allOrNone": False, "records": list(records)}
        reply = await self.call(method, "/composite/sobjects", "a collection", json=body)
        said = reply.json()
        if not isinstance(said, list):
            raise BadReply("A collection's answer is no list of results.")
        return said

    async def call(
        self, method: str, path: str, what: str, **options: Unpack[CallOptions]
    ) -> Reply:
        """Make a call below the version's base path; raises the refusal of a status over 399."""
        http, prepared = await self._prepared(options)
        if method == "GET":
            prepared.setdefault("accept", is_json)
        reply = await http.request(method, self._base + path, **prepared)
        if reply.status >= 400:
            raise refusal(reply, what)
        return reply

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, what: str, **options: Unpack[CallOptions]
    ) -> AsyncIterator[StreamReply]:
        """Like `call`, with the reply's body left to be read in pieces."""
        http, prepared = await self._prepared(options)
        async with http.stream(method, self._base + path, **prepared) as reply:
            if reply.status >= 400:
                raise refusal(await reply.read(), what)
            yield reply

    async def _prepared(self, options: CallOptions) -> tuple[HttpClient, CallOptions]:
        http = await self._http()
        sent: list[Session] = []
        renewed: list[str] = []

        async def authorise() -> Mapping[str, str]:
            session = await self._sessions.current()
            sent.append(session)
            return {**_COMMON, "Authorization": f"Bearer {session.token}"}

        async def look(reply: Reply) -> Verdict | None:
            self._note_usage(reply.headers.get("sforce-limit-info"))
            token = sent[-1].token
            if reply.status == 401 and not renewed:
                renewed.append(token)
                await self._sessions.renew(token)
                return Verdict.AGAIN
            return None

        prepared: CallOptions = {**options, "before_attempt": authorise, "after_reply": look}
        return http, prepared

    def _note_usage(self, header: str | None) -> None:
        found = _USAGE.search(header or "")
        if found:
            self.usage = Usage(int(found.group(1)), int(found.group(2)))

    async def _http(self) -> HttpClient:
        url = (await self._sessions.current()).instance_url
        if url not in self._https:
            self._https[url] = await self._stack.enter_async_context(self._make_http(url))
        return self._https[url]
