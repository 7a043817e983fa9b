"""Salesforce's REST API: one session, one origin, and the calls that a migration needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, Unpack
from xml.etree.ElementTree import Element

import anyio

from connectors.call import CallOptions
from connectors.errors import BadReply, NotFound
from connectors.http import HttpClient, Reply, Retry, StreamReply, is_json
from connectors.patience import Patience
from connectors.reply import readable_by
from connectors.salesforce.auth import Auth, SessionHolder
from connectors.salesforce.daily import DailyLimit
from connectors.salesforce.describe import ObjectDescribe, read_describe
from connectors.salesforce.gate import Gate, Visit
from connectors.salesforce.limits import Limit, Usage, read_limits, read_versions
from connectors.salesforce.records import RowOutcome, checked_size, read_outcomes
from connectors.salesforce.refusals import refusal
from connectors.salesforce.soap import soap_call
from connectors.salesforce.soql import read_count, read_pages, records_of

__all__ = ["Limit", "RowOutcome", "SalesforceClient", "SalesforceOrg", "Usage"]

Row = dict[str, Any]


@dataclass(frozen=True)
class SalesforceOrg:
    """Who we are: org and user as 18-character ids, and the org's address.

    `clock_ahead_s`: by how many seconds its clock was ahead of ours at the sign-in.
    """

    org_id: str
    user_id: str
    instance_url: str
    clock_ahead_s: float = 0.0


class SalesforceClient:
    """Calls under `/services/data/vVV.V` as the signed-in user; signs in at the first call.

    Use as an async context manager; calls may run concurrently. The instance's address is learned
    at sign-in, `make_http` opens a client for it, and the token goes nowhere else. A 401 renews the
    session once for all who wait, and the call is made again where it can be. Reads are retried,
    calls with effects never (`OutcomeUnknown`). Any call may raise the errors of `refusals.refusal`
    beside those of `HttpClient`. `last_usage` is what the last reply told, None before. A 429 holds
    all calls back for a while. With `daily`, calls wait while the org's daily limit is used up or
    down to its reserve; without, `RequestLimitExceeded` is raised.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        make_http: Callable[[str], HttpClient],
        api_version: str,
        daily: DailyLimit | None = None,
    ) -> None:
        self._daily = daily
        self._sessions = SessionHolder(auth)
        self._gate = Gate(self._sessions, daily)
        self._make_http = make_http
        self.api_version = api_version
        self._base = f"/services/data/v{api_version}"
        self._opening = anyio.Lock()
        self._http: HttpClient | None = None
        self._stack = AsyncExitStack()

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
        self._http = None
        await self._stack.aclose()

    async def org(self) -> SalesforceOrg:
        """The org and user that the session belongs to; signs in if need be."""
        session = await self._sessions.current()
        return SalesforceOrg(
            session.org_id, session.user_id, session.instance_url, session.clock_ahead_s
        )

    async def versions(self) -> list[str]:
        """The API versions that the org offers, such as `62.0`, oldest first."""
        http = await self._opened()
        reply = await http.request("GET", "/services/data/", accept=readable_by(read_versions))
        if reply.status >= 400:
            raise refusal(reply, "the list of API versions")
        return read_versions(reply.json())

    async def limits(self) -> Mapping[str, Limit]:
        """The org's limits by name; they may lag five minutes. Needs View Setup."""
        return read_limits(await self._read("/limits", "the org's limits", read_limits))

    async def take_batches(self) -> None:
        """Wait until the day has room for one more ingest job; at once without a daily limit."""
        if self._daily:
            await self._daily.take_batches(self._limits_past_the_gate)

    async def _limits_past_the_gate(self) -> Mapping[str, Limit]:
        """As `limits`, but not held back by the daily limit, which asks this."""
        http, visit = await self._opened(), self._gate.visit(None)
        options: CallOptions = {"accept": readable_by(read_limits)}
        prepared = self._prepared("GET", visit, options)
        reply = await http.request("GET", self._base + "/limits", **prepared)
        if reply.status >= 400:
            raise visit.ended() or refusal(reply, "the org's limits")
        return read_limits(reply.json())

    async def patience(self) -> Patience | None:
        """How long an outage of the instance is waited out; None when it is not."""
        return (await self._opened()).patience

    @property
    def waiting_for(self) -> str | None:
        """Why calls wait now, in words; None when they do not."""
        return self._gate.waiting_for

    @property
    def last_usage(self) -> Usage | None:
        """The org's API usage as the last reply told it."""
        return self._gate.last_usage

    @property
    def requests_sent(self) -> int:
        """How many requests went to the instance so far, retries among them; signing in is none."""
        return self._http.sent if self._http else 0

    async def describe(self, name: str) -> ObjectDescribe:
        """The describe of one object; raises `NotFound` when there is none for this user."""
        path = f"/sobjects/{_name(name)}/describe"
        return read_describe(await self._read(path, f"the describe of {name}", read_describe))

    async def query(self, soql: str, *, all_rows: bool = False) -> AsyncIterator[list[Row]]:
        """Yield the pages of a query; `all_rows` includes the recycle bin and archived rows.

        The whole address may hold 16 KB (status 431 or 414 as `BadRequest`): chunk long IN lists.
        """
        path = "/queryAll" if all_rows else "/query"
        async for page in self.pages(path, "a query", params={"q": soql}):
            yield page

    async def tooling(self, soql: str) -> AsyncIterator[list[Row]]:
        """Yield the pages of a query of the Tooling API (salesforce facts, 9.2)."""
        async for page in self.pages("/tooling/query", "a tooling query", params={"q": soql}):
            yield page

    async def count(self, soql: str) -> int:
        """The number that a `SELECT COUNT() FROM ...` tells: exact, fit for proofs."""
        return read_count(await self._read("/query", "a count", read_count, params={"q": soql}))

    async def collections(
        self,
        method: Literal["POST", "PATCH", "DELETE"],
        records: Sequence[Mapping[str, Any]],
        *,
        all_or_none: bool = False,
    ) -> list[RowOutcome]:
        """Insert, update or delete up to 200 records; one outcome each, in their order.

        Each record holds `attributes.type`, and `Id` unless it is new; a delete needs `Id` alone.
        Group them by type. Raises `OutcomeUnknown` when the reply was lost or is unreadable.
        """
        checked_size(records)
        if not records:
            return []
        options: CallOptions = {"accept": is_json}
        if method == "DELETE":
            ids = ",".join(str(record["Id"]) for record in records)
            options["params"] = {"ids": ids, "allOrNone": str(all_or_none).lower()}
        else:
            options["json"] = {"allOrNone": all_or_none, "records": list(records)}
        reply = await self.call(method, "/composite/sobjects", "a collection", **options)
        return read_outcomes(reply.json(), len(records))

    async def create_record(self, name: str, values: Mapping[str, Any]) -> str:
        """Insert one record and return its id; raises `BadRequest` with the row's code."""
        what = f"a new {name}"
        path = f"/sobjects/{_name(name)}"
        reply = await self.call("POST", path, what, json=dict(values), accept=is_json)
        said = reply.json()
        made = said.get("id") if isinstance(said, dict) else None
        if not isinstance(made, str):
            raise BadReply(f"The answer to {what} lacks its id.")
        return made

    async def get_record(self, name: str, record_id: str, fields: Sequence[str]) -> Row:
        """Read fields of one record by id; raises `NotFound`."""
        path = f"/sobjects/{_name(name)}/{_name(record_id)}"
        said = await self._read(path, f"one {name}", params={"fields": ",".join(fields)})
        if not isinstance(said, dict):
            raise BadReply("A record's answer is no record.")
        return said

    async def update_record(self, name: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Change one record by id; None clears a field, an absent one stays."""
        path = f"/sobjects/{_name(name)}/{_name(record_id)}"
        await self.call("PATCH", path, f"the change of one {name}", json=dict(values))

    async def delete_record(self, name: str, record_id: str) -> None:
        """Put one record into the recycle bin; one that is gone already is no error."""
        path = f"/sobjects/{_name(name)}/{_name(record_id)}"
        await self.delete(path, f"the deletion of one {name}")

    async def delete(self, path: str, what: str) -> None:
        """Delete what `path` names; one that is gone already is no error, so this is retried."""
        try:
            await self.call("DELETE", path, what, retry=Retry.SAFE)
        except NotFound:
            return

    async def pages(
        self, path: str, what: str, *, params: Mapping[str, str | int]
    ) -> AsyncIterator[list[Row]]:
        """Yield the records of a list, page by page. Raises `BadReply` for what is no list."""

        async def read(following: str) -> Any:
            return await self._read(following, f"the next page of {what}", records_of)

        first = await self._read(path, what, records_of, params=params)
        async for page in read_pages(read, first, base=self._base):
            yield page

    async def call(
        self, method: str, path: str, what: str, **options: Unpack[CallOptions]
    ) -> Reply:
        """Make a call below the version's base path; `what` names it plainly in errors.

        GET is `Retry.SAFE` and must answer JSON, everything else is `Retry.NEVER`, unless said
        otherwise. Raises the refusal of a status over 399; `SessionEnded` when the session was over
        and the body, being a stream, cannot be sent again.
        """
        if method == "GET":
            options.setdefault("accept", is_json)
        http, visit = await self._opened(), self._gate.visit(self._limits_past_the_gate)
        prepared = self._prepared(method, visit, options)
        reply = await http.request(method, self._base + path, **prepared)
        if reply.status >= 400:
            raise visit.ended() or refusal(reply, what)
        return reply

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, what: str, **options: Unpack[CallOptions]
    ) -> AsyncIterator[StreamReply]:
        """Like `call`, with the reply's body left to be read in pieces."""
        http, visit = await self._opened(), self._gate.visit(self._limits_past_the_gate)
        prepared = self._prepared(method, visit, options)
        async with http.stream(method, self._base + path, **prepared) as reply:
            if reply.status >= 400:
                raise visit.ended() or refusal(await reply.read(), what)
            yield reply

    async def soap(self, body: Element, what: str) -> Element:
        """One reading call of the Metadata API by SOAP; see `soap.soap_call`."""
        path = f"/services/Soap/m/{self.api_version}"
        http, visit = await self._opened(), self._gate.visit(self._limits_past_the_gate)
        return await soap_call(http, self._sessions, visit, path, body, what)

    async def _read(
        self,
        path: str,
        what: str,
        reader: Callable[[Any], object] | None = None,
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Read JSON; an answer that `reader` makes nothing of is asked for again."""
        accept = readable_by(reader) if reader else is_json
        return (await self.call("GET", path, what, params=params, accept=accept)).json()

    def _prepared(self, method: str, visit: Visit, options: CallOptions) -> CallOptions:
        usual = Retry.SAFE if method == "GET" else Retry.NEVER
        return {
            **options,
            "retry": options.get("retry", usual),
            "before_attempt": visit.before_attempt,
            "after_reply": visit.after_reply,
        }

    async def _opened(self) -> HttpClient:
        """The connections to the instance, opened once: the session never changes its address."""
        url = (await self._sessions.current()).instance_url
        async with self._opening:
            if self._http is None:
                self._http = await self._stack.enter_async_context(self._make_http(url))
                self._gate.opened(self._http.clock, self._http.patience)
            return self._http


def _name(text: str) -> str:
    """An object's name or an id as part of a path; raises `ValueError` for anything else."""
    if not (text.isascii() and text.replace("_", "").isalnum()):
        raise ValueError("not the name of an object, nor an id")
    return text
