"""Klasses and their records (kustomer facts, section 6.7)."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.desk import Desk
from simulators.kustomer.lists import Lists
from simulators.kustomer.org import Row, epoch_ms
from simulators.kustomer.replies import not_found, one


class Klasses:
    """Answers under `/klasses`; a klass's name is taken in the singular and the plural."""

    def __init__(self, desk: Desk, lists: Lists) -> None:
        self._desk = desk
        self._lists = lists

    async def one_or_all(self, request: Request) -> Response:
        """`/klasses/{id}` is a klass; `/klasses/{name}` lists the records of one."""
        asked = request.path_params["name"]
        klass = self._desk.org.shelves["klass"].rows.get(asked)
        if klass is not None:
            return one(klass)
        return self._page(request, self._records(asked))

    async def record(self, request: Request) -> Response:
        """`/klasses/{name}/{id}` or `/klasses/{name}/externalId={x}`."""
        asked = request.path_params["id"]
        name, found, value = asked.partition("=")
        for row in self._records(request.path_params["name"]):
            if found and name == "externalId":
                if row.resource["attributes"].get("externalId") == value:
                    return one(row)
            elif row.id == asked:
                return one(row)
        raise not_found()

    async def of_parent(self, request: Request) -> Response:
        """`/customers/{id}/klasses/{name}` and the same of companies."""
        parent = request.path_params["id"]
        rows = self._records(request.path_params["name"])
        return self._page(request, [row for row in rows if parent in row.parents])

    def _page(self, request: Request, rows: Sequence[Row]) -> Response:
        since = epoch_ms(request.query_params.get("fromDate"))
        if since:
            rows = [row for row in rows if row.updated >= since]
        return self._lists.page(request, "kobject", rows)

    def _records(self, asked: str) -> Sequence[Row]:
        for row in self._desk.org.shelves["klass"].live:
            name = row.resource["attributes"]["name"]
            if asked in (name, plural(name)):
                return self._desk.org.children("kobject", f"klass:{name}")
        raise not_found()


def plural(name: str) -> str:
    """A klass's name in the plural, as its links have it."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return name if name.endswith("s") else f"{name}s"
