"""Reads single records of Kustomer again, by id: what a retry needs that the ledger does not keep.

Neither a list nor a search is asked. Where the API takes several ids in one path, it is used
(kustomer facts, section 4: conversations and users).
"""

from collections.abc import Sequence
from typing import Any

import anyio

from connectors.errors import NotFound
from connectors.kustomer.client import KustomerClient
from service.phases import Phase


class Rereader:
    """Reads records of any phase; at most `readers` calls are under way at once."""

    def __init__(self, client: KustomerClient, *, readers: int) -> None:
        self._client = client
        self._readers = readers

    async def read(self, phase: Phase, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the records by id; one that is gone, or answers as another record, is absent.

        Attachments of messages come as they do in lists where the API includes them. Raises the
        connectors' errors other than `NotFound`.
        """
        stream = phase.stream
        return await self.named(
            stream.path, ids, stream.variants[0].get("include"), at_once=stream.multi_get
        )

    async def named(
        self, path: str, ids: Sequence[str], include: str | None, *, at_once: int
    ) -> dict[str, dict[str, Any]]:
        """Return the records below `path` by id, as `read` does, `at_once` of them with one call."""
        found: dict[str, dict[str, Any]] = {}
        turns = anyio.Semaphore(self._readers)
        query = f"?include={include}" if include else ""

        async def one_call(some: Sequence[str]) -> None:
            async with turns:
                found.update(await self._together(path, query, some))

        async with anyio.create_task_group() as group:
            for start in range(0, len(ids), at_once):
                group.start_soon(one_call, ids[start : start + at_once])
        return found

    async def _together(
        self, path: str, query: str, ids: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        try:
            return await self._get(path, query, ids)
        except NotFound:
            if len(ids) == 1:
                return {}
        found: dict[str, dict[str, Any]] = {}
        for each in ids:  # one of them is gone, and the reply does not say which
            found.update(await self._together(path, query, [each]))
        return found

    async def _get(self, path: str, query: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        data = (await self._client.get(f"{path}/{','.join(ids)}{query}"))["data"]
        rows = data if isinstance(data, list) else [data]
        wanted = set(ids)
        return {row["id"]: row for row in rows if isinstance(row, dict) and row.get("id") in wanted}
