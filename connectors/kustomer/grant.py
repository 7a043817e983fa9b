"""One call's dealings with the budgets: every attempt takes a grant, every grant is settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.budget import RequestBudget, SearchBudget
from connectors.http import Reply, Verdict

_LIMIT: Final = "x-ratelimit-limit"


class Grant:
    """The hooks of one call. `org_limit` is shared by all calls of a client: it holds the org's
    limit as last told by a reply that was not a search's, or nothing yet."""

    def __init__(
        self,
        api_key: str,
        budget: RequestBudget,
        searches: SearchBudget | None,
        org_limit: list[str],
    ) -> None:
        self._key = api_key
        self._budget = budget
        self._searches = searches
        self._org_limit = org_limit
        self._open = False

    async def before_attempt(self) -> Mapping[str, str]:
        """Wait for both budgets; returns the header that proves who we are."""
        self.close()
        if self._searches:
            await self._searches.acquire()
        await self._budget.acquire()
        self._open = True
        return {"Authorization": f"Bearer {self._key}"}

    async def after_reply(self, reply: Reply) -> Verdict | None:
        """Let the budgets learn. After a 429 they pause, so the call may go again at once."""
        self._open = False
        if self._searches:
            self._learn_search(self._searches, reply)
        else:
            told = reply.headers.get(_LIMIT)
            if told:
                self._org_limit[:] = [told]
            self._budget.learn(reply.headers, reply.status)
        return Verdict.AGAIN if reply.status == 429 else None

    def _learn_search(self, searches: SearchBudget, reply: Reply) -> None:
        """A search's headers may speak of the org's limit or of its own: nobody says which.

        They are the org's when they tell the same limit as other replies do. A 429 that still
        leaves requests to the org can only come from the search limit.
        """
        searches.learn(reply.headers, reply.status)
        told = reply.headers.get(_LIMIT)
        if self._org_limit and told and told != self._org_limit[0]:
            self._budget.learn({}, 200)
            return
        searches_only = reply.headers.get("x-ratelimit-remaining", "0").strip() not in ("", "0")
        status = 200 if reply.status == 429 and searches_only else reply.status
        self._budget.learn(reply.headers, status)

    def close(self) -> None:
        """Settle a grant that no reply answered. Safe to call again."""
        if self._open:
            self._open = False
            self._budget.lost()
