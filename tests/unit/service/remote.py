"""A Salesforce of a few comments and contacts in memory, and jobs' rows, for recovery's tests."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson

from connectors.errors import BadReply, NotFound
from service.aside import Aside, LooseRows
from service.assemble import JobRows
from state.rows import RowEntry

NOW = 1_767_000_000.0  # epoch seconds, in December 2025
ME = "005000000000001AAA"
CASE = "500000000000001AAA"
COLUMNS = ("CommentBody", "IsPublished", "CreatedDate", "ParentId", "CreatedById")
KEYED = ("Kustomer_Id__c", "LastName")
ID = "66f0a1b2c3d4e5f60102{:04d}"


def comment_id(number: int) -> str:
    return f"00a000000000{number:03d}AAA"


@dataclass
class Breaking:
    """A list that breaks off in its middle for so many times."""

    begin: bytes
    end: bytes
    times: int


class Remote:
    """What Salesforce has. `lists`: the three result files of the one job, rows as dicts."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.queries: list[str] = []
        self.lists: dict[str, Any] = {"successful": [], "failed": [], "unprocessed": []}

    async def org(self) -> Any:
        return SimpleNamespace(user_id=ME)

    def comment(self, body: str, **changed: Any) -> str:
        made = comment_id(len(self.records) + 1)
        self.records.append(
            {
                "Id": made,
                "ParentId": CASE,
                "CommentBody": body,
                "CreatedDate": "2024-05-06T07:08:09.000+0000",
                "CreatedById": ME,
                "IsDeleted": False,
                "SystemModstamp": "2026-01-01T00:00:00.000+0000",
                **changed,
            }
        )
        return made

    async def query(self, soql: str, *, all_rows: bool = False) -> AsyncIterator[list[Any]]:
        self.queries.append(soql)
        found = re.search(r"WHERE (\w+) IN \((.*)\)", soql)
        assert found
        wanted = set(re.findall(r"'([^']*)'", found[2]))
        hits = [each for each in self.records if each.get(found[1]) in wanted]
        yield [each for each in hits if all_rows or not each["IsDeleted"]]

    @asynccontextmanager
    async def results(self, sf_id: str, which: str) -> AsyncIterator[AsyncIterator[bytes]]:
        said = self.lists[which]
        if isinstance(said, Exception):
            raise said

        async def pieces() -> AsyncIterator[bytes]:
            if isinstance(said, Breaking):
                yield said.begin
                if said.times:
                    said.times -= 1
                    raise GARBLED
                yield said.end
            elif said:
                text = io.StringIO(newline="")
                writer = csv.DictWriter(
                    text, list(said[0]), quoting=csv.QUOTE_ALL, lineterminator="\n"
                )
                writer.writeheader()
                writer.writerows(said)
                yield text.getvalue().encode()

        yield pieces()


GONE = NotFound("The job is gone.", status=404)
GARBLED = BadReply("No table.")


def note(
    body: str, *, date: str = "2024-05-06T07:08:09Z", author: str = "", case: str = CASE
) -> Any:
    return dict(zip(COLUMNS, (body, "false", date, case, author), strict=True))


def contact(number: int) -> dict[str, str]:
    return {"Kustomer_Id__c": ID.format(number), "LastName": f"Person {number}"}


def sent(rows: Sequence[dict[str, str]], first: int = 0) -> JobRows:
    """A job of these rows; the ids of their source records count up from `first`."""
    columns = list(rows[0])
    loose = []
    for number, row in enumerate(rows, first):
        cells = ",".join('"' + value.replace('"', '""') + '"' for value in row.values())
        payload = {"cells": cells, "parents": [""], "version": 5, "digest": "00"}
        loose.append(
            RowEntry("", ID.format(number), 0, "pending", "", "", "", orjson.dumps(payload))
        )
    header = ('"' + '","'.join(columns) + '"\n').encode()
    places = [(0, index) for index in range(len(loose))]
    return JobRows(header, [LooseRows(loose, 0)], [], places, Aside())
