"""Bulk API 2.0 query jobs: millions of rows with few requests (salesforce facts, section 4)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Final

from connectors.clock import Clock
from connectors.errors import BadReply, ConnectorError, Recovery
from connectors.http import Retry, is_json
from connectors.redact import safe_code
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.download import Download
from connectors.salesforce.job import BulkJob, read_job, wait_for_end
from connectors.salesforce.table import TableReader

_PIECE: Final = 2_000


class QueryFailed(ConnectorError):
    """A Bulk query ended without its rows. `remote_code` is Salesforce's name for the reason."""

    code: ClassVar[str] = "query-failed"
    recovery: ClassVar[Recovery] = "stop"
    next_step: ClassVar[str] = "Run the command again; if it stays, report the code in the message."


@dataclass(frozen=True)
class QueryRows:
    """Some rows of a query, as cells of text; null is the empty cell."""

    columns: tuple[str, ...]
    rows: list[list[str]]


class QueryJobs:
    """Runs queries too large for REST. No GROUP BY, OFFSET, aggregates, or nested queries."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def rows(
        self,
        soql: str,
        *,
        all_rows: bool = False,
        max_records: int = 50_000,
        first_s: float = 0.5,
        cap_s: float = 30.0,
    ) -> AsyncGenerator[QueryRows, None]:
        """Yield the rows in no order, some thousands at a time; memory stays flat.

        `all_rows` includes the recycle bin; `max_records` is the size of a page on the wire. The
        first item has the columns even if there are no rows. Each page's rows, and all of them
        together, must be as many as Salesforce says. Raises `QueryFailed`, `BadReply`, the
        client's refusals. The job is deleted at the end; one left by a crash expires in 7 days.
        """
        job = await self._run(soql, all_rows, first_s, cap_s)
        total = 0
        async with aclosing(self._pages(job.id, max_records)) as pages:
            async for piece in pages:
                total += len(piece.rows)
                yield piece
        if job.records_processed is not None and job.records_processed != total:
            raise BadReply("A Bulk query gave another number of rows than Salesforce counted.")
        await self._client.delete(f"/jobs/query/{job.id}", "the deletion of a query job")

    async def _run(self, soql: str, all_rows: bool, first_s: float, cap_s: float) -> BulkJob:
        body = {
            "operation": "queryAll" if all_rows else "query",
            "query": soql,
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        # A query made twice costs a little and changes nothing.
        reply = await self._client.call(
            "POST", "/jobs/query", "a Bulk query", json=body, accept=is_json, retry=Retry.SAFE
        )
        job_id = read_job(reply.json()).id

        async def read() -> BulkJob:
            path = f"/jobs/query/{job_id}"
            return read_job((await self._client.call("GET", path, "a query job's state")).json())

        job = await wait_for_end(read, self._clock, first_s=first_s, cap_s=cap_s)
        if job.state != "JobComplete":
            reason = safe_code((job.error_message or "").partition(":")[0].strip())
            raise QueryFailed(
                f"A Bulk query ended as {job.state} ({reason or 'no reason'}).",
                remote_code=reason,
            )
        return job

    async def _pages(self, job_id: str, max_records: int) -> AsyncGenerator[QueryRows, None]:
        locators: set[str] = set()
        params: dict[str, str | int] = {"maxRecords": max_records}
        columns: tuple[str, ...] = ()
        while True:
            page = Download(
                self._client,
                self._clock,
                f"/jobs/query/{job_id}/results",
                "a query job's results",
                params=params,
            )
            async with aclosing(_page(page)) as pieces:
                async for piece in pieces:
                    if columns and piece.columns != columns:
                        raise BadReply("A Bulk query's pages have different columns.")
                    if not columns or piece.rows:
                        columns = piece.columns
                        yield piece
            locator = page.headers.get("sforce-locator", "null")
            if locator in ("", "null"):
                return
            if locator in locators:
                raise BadReply("A Bulk query's pages go round in a circle.")
            locators.add(locator)
            params = {**params, "locator": locator}


async def _page(page: Download) -> AsyncGenerator[QueryRows, None]:
    """The rows of one page, whose number must be the one that its headers tell."""
    columns: tuple[str, ...] = ()
    total = 0
    async for rows in _tables(page):
        if not columns and rows:
            columns = tuple(rows.pop(0))
            yield QueryRows(columns, [])
        if any(len(row) != len(columns) for row in rows):
            raise BadReply("A row of a Bulk query does not have the header's columns.")
        total += len(rows)
        for start in range(0, len(rows), _PIECE):
            yield QueryRows(columns, rows[start : start + _PIECE])
    told = page.headers.get("sforce-numberofrecords", "")
    if told.isdigit() and int(told) != total:
        raise BadReply("A page of a Bulk query has another number of rows than it says.")


async def _tables(page: Download) -> AsyncIterator[list[list[str]]]:
    reader = TableReader()
    async with aclosing(page.pieces()) as pieces:
        async for piece in pieces:
            yield reader.feed(piece)
    yield reader.end()
