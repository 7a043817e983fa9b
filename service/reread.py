"""Reads single records of Kustomer again, by id: what a retry needs that the ledger does not keep.

Neither a list nor a search is asked. Where the API takes several ids in one path, it is used
(kustomer facts, section 4: conversations and users).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import anyio

from connectors.errors import BadRequest, NotFound
from connectors.kustomer.client import KustomerClient
from service.phases import Phase


@dataclass(frozen=True)
class Fate:
    """What a read by id tells of a record; `at_ms`: when it was deleted, where its tombstone says so."""

    now: Literal["there", "merged", "deleted"]
    at_ms: int | None = None


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

    async def fates(self, phase: Phase, ids: Sequence[str]) -> dict[str, Fate]:
        """Ask for each id by itself; returns what became of each.

        Gone is what is not found, or comes as a tombstone; merged what answers as another record (which
        of them it is, is open: kustomer facts, section 11, 7). An id that Kustomer cannot read counts as
        there. Raises the connectors' errors: a missing role tells nothing of a record.
        """
        told: dict[str, Fate] = {}
        turns = anyio.Semaphore(self._readers)

        async def one(source_id: str) -> None:
            async with turns:
                told[source_id] = await self._fate(phase, source_id)

        async with anyio.create_task_group() as group:
            for each in ids:
                group.start_soon(one, each)
        return told

    async def _fate(self, phase: Phase, source_id: str) -> Fate:
        try:
            data = (await self._client.get(f"{phase.stream.path}/{source_id}"))["data"]
        except NotFound:
            return Fate("deleted")
        except BadRequest:
            return Fate("there")
        row = data[0] if isinstance(data, list) and data else data
        attributes = row.get("attributes") if isinstance(row, dict) else None
        if not isinstance(attributes, dict):
            return Fate("there")
        if row.get("id") not in (source_id, None):
            return Fate("merged")
        if attributes.get("deleted") is not True:
            return Fate("there")
        return Fate("deleted", _epoch_ms(attributes.get("deletedAt")))

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


def _epoch_ms(stamp: Any) -> int | None:
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000)
    except (TypeError, ValueError):
        return None
