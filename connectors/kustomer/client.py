"""The Kustomer client: pages of lists and searches, single documents, and who the key is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.address import route_of
from connectors.budget import RequestBudget, SearchBudget
from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    NotAPage,
    NotFound,
    RoleMissing,
    SearchTimedOut,
)
from connectors.http import HttpClient, Reply
from connectors.kustomer.envelope import (
    Page,
    document_defect,
    ids_defect,
    page_defect,
    read_page,
    search_defect,
    search_timed_out,
)
from connectors.kustomer.grant import Grant
from connectors.kustomer.org import KustomerOrg, assemble_org, claims_of
from connectors.kustomer.query import SearchQuery
from connectors.kustomer.refusal import (
    key_refused,
    past_the_end,
    refused,
    role_missing,
    token_trouble,
)
from connectors.patience import Outage

__all__ = ["KustomerClient", "KustomerOrg", "Page", "SearchQuery"]

_REFUSALS: Final = 3
_PAUSE_S: Final = 0.5
_TIME_OUTS: Final = 3
_KEY_CHECKS: Final = ("/v1/auth/tokens/current", "/v1/users/current")


class KustomerClient:
    """Reads one Kustomer org. Calls may run concurrently; all of them share the two budgets.

    Every method may raise `Unreachable`, `RemoteUnavailable`, `RateLimited`, `BadReply`,
    `AuthRefused` (`WrongRegion`, `ExpiredKey`), `RoleMissing`, `NotFound` and `BadRequest`.
    Reads have no effects: after a crash they are simply made again.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        api_key: str,
        budget: RequestBudget,
        search_budget: SearchBudget,
    ) -> None:
        key = api_key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise AuthRefused("The Kustomer key is empty or holds characters that no key has.")
        self._http = http
        self._key = key
        self._budget = budget
        self._search_budget = search_budget
        self._org_limit: list[str] = []

    @property
    def requests_sent(self) -> int:
        """How many requests went out so far, retries among them."""
        return self._http.sent

    async def org(self) -> KustomerOrg:
        """Who the key is: the org's id always, the rest as far as the key may read it.

        Checks the key first, so a wrong, expired or foreign key is told apart here.
        Raises `BadReply` when no answer names the org.
        """
        token = await self._if_readable(_KEY_CHECKS[0])
        user = await self._if_readable(_KEY_CHECKS[1])
        org = await self._if_readable("/v1/orgs/current")
        found = assemble_org(org, user, token, claims_of(self._key))
        if found is None:
            raise BadReply("No answer of Kustomer names the org that the key belongs to.")
        return found

    async def _if_readable(self, path: str) -> dict[str, Any]:
        try:
            return await self.get(path)
        except (NotFound, RoleMissing, NotAPage):
            return {}

    async def list_page(
        self,
        path: str,
        page: int,
        *,
        page_size: int = 100,
        params: Mapping[str, str] | None = None,
    ) -> Page:
        """One page (from 1) of an org-wide list, such as `/v1/messages`.

        A body that is not a whole page is asked for again, then raises `NotAPage`. A page that is
        refused behind the remote's depth cap raises `PastTheEnd`; some caps answer with an empty
        page instead. A refusal before that depth raises `BadRequest`.
        """
        query: dict[str, str | int] = {**(params or {}), "page": page, "pageSize": page_size}
        try:
            reply = await self._call("GET", path, page_defect, params=query)
        except (BadRequest, NotFound) as error:
            raise past_the_end(error, page, page_size) or error from None
        return read_page(reply, page_size)

    async def search_page(
        self, query: SearchQuery, page: int, *, page_size: int = 500, patient: bool = True
    ) -> Page:
        """One page (from 1) of a search; raises as `list_page` does.

        Takes from the search budget and from the org's. `has_next` can be true behind the last row
        the remote will give: read at most 10,000 rows per query. A search that timed out on the
        remote's side is incomplete: it is asked again some times, then raises `SearchTimedOut`, when
        a smaller page or window may help. `patient` instead waits as long as the client's patience
        lasts, for when nothing smaller can be asked.
        """
        outage: Outage | None = None
        times = 0
        while True:
            reply = await self._search(query, page, page_size)
            if not search_timed_out(reply):
                return read_page(reply, page_size)
            times += 1
            error = SearchTimedOut("A search timed out on Kustomer's side.", status=reply.status)
            if times < _TIME_OUTS:
                await self._http.clock.sleep(_PAUSE_S * times)
            elif patient and self._http.patience:
                outage = outage or self._http.patience.outage()
                await outage.endure(error)
            else:
                raise error

    async def _search(self, query: SearchQuery, page: int, page_size: int) -> Reply:
        try:
            return await self._call(
                "POST",
                query.path,
                ids_defect if query.ids_only else search_defect,
                params=query.params(page, page_size),
                json=query.body(),
            )
        except (BadRequest, NotFound) as error:
            raise past_the_end(error, page, page_size) or error from None

    async def get(self, path: str) -> dict[str, Any]:
        """The whole document (`data`, and `included` if any) at a path or a host-relative link."""
        document: dict[str, Any] = (await self._call("GET", path, document_defect)).json()
        return document

    async def _call(
        self,
        method: str,
        path: str,
        defect_of: Callable[[Any], str | None],
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
    ) -> Reply:
        """Make a read and return a 2xx reply without defect, or raise what the refusal means.

        A 401 or 403 counts only when it is repeated: a gateway may blip for a moment.
        """
        defect: str | None = None

        def whole(reply: Reply) -> bool:
            nonlocal defect
            try:
                defect = defect_of(reply.json())
            except BadReply:
                defect = "it is not JSON"
            return defect is None

        try:
            for refusals in range(1, _REFUSALS + 1):
                reply = await self._send(method, path, whole, params=params, json=json)
                last = refusals == _REFUSALS or token_trouble(reply)
                if reply.status not in (401, 403) or last:
                    break
                await self._http.clock.sleep(_PAUSE_S * refusals)
        except BadReply as error:
            if defect is None:
                raise
            raise NotAPage(
                f"What Kustomer sent for {method} {route_of(path)} cannot be used: {defect}.",
                status=error.status,
            ) from None
        if reply.status < 300:
            return reply
        raise await self._refusal(reply, method, path)

    async def _send(
        self,
        method: str,
        path: str,
        whole: Callable[[Reply], bool] | None,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
    ) -> Reply:
        searches = self._search_budget if json is not None else None
        grant = Grant(self._key, self._budget, searches, self._org_limit)
        try:
            return await self._http.request(
                method,
                path,
                params=params,
                json=json,
                accept=whole,
                before_attempt=grant.before_attempt,
                after_reply=grant.after_reply,
            )
        finally:
            grant.close()

    async def _refusal(self, reply: Reply, method: str, path: str) -> ConnectorError:
        """Tell a bad key from a missing role: both may be 401 or 403 (Kustomer facts, 3.4)."""
        trouble = token_trouble(reply)
        if trouble:
            return trouble
        if reply.status not in (401, 403):
            return refused(reply, method, path)
        for check in _KEY_CHECKS:
            if path == check:
                return key_refused(reply)
            try:
                answer = await self._send("GET", check, None)
            except ConnectorError:
                break
            if answer.status < 300:
                return role_missing(reply, path)
            if answer.status in (401, 403):
                return key_refused(answer)
        return role_missing(reply, path) if reply.status == 403 else key_refused(reply)
