"""Names the records that a duplicate rule may have found: a bulk result says only that there are some.

Which record the rule meant is told by no bulk result (salesforce facts, 3.9), and a rule compares as
its org wants. So records with the same mail address, or of the same name, are looked for; where there is
none, nothing is named.
"""

from collections import defaultdict
from collections.abc import Sequence

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.soql import in_lists
from service.content import sent_cells, sent_columns
from service.job_rows import JobRow, JobRows
from service.twins import MOST_NAMED
from transforms.same_text import same_text

Place = tuple[str, int]
# People collide across both objects: standard rules compare leads with contacts.
_LOOKED_IN = {"Contact": ("Contact", "Lead"), "Lead": ("Lead", "Contact"), "Account": ("Account",)}
_LIKE = {"Contact": ("Email", "Name"), "Lead": ("Email", "Name"), "Account": ("Name",)}


class Collisions:
    """Looks for the rows of one table; nothing is written."""

    def __init__(self, client: SalesforceClient, table: str) -> None:
        self._client = client
        self._table = table

    async def named(self, rows: JobRows, refused: Sequence[JobRow]) -> dict[Place, str]:
        """Return, by (source id, part), ids of records that a row may have met, joined by commas.

        One query for each field and object and a few hundred rows. Raises the connectors' errors.
        """
        columns = sent_columns(rows)
        found: dict[Place, dict[str, None]] = defaultdict(dict)
        for name in _LIKE.get(self._table, ()):
            wanted: dict[str, list[Place]] = defaultdict(list)
            values: dict[str, None] = {}
            for row in refused:
                cells = dict(zip(columns, sent_cells(rows, row), strict=True))
                value = cells.get(name) or _whole_name(cells)
                if value and (name == "Name" or "@" in value):
                    wanted[same_text(value)].append((row.key, row.part))
                    values[value] = None
            for table in _LOOKED_IN[self._table] if values else ():
                await self._look(table, name, list(values), wanted, found)
        return {place: ",".join(list(ids)[:MOST_NAMED]) for place, ids in found.items()}

    async def _look(
        self,
        table: str,
        name: str,
        values: Sequence[str],
        wanted: dict[str, list[Place]],
        found: dict[Place, dict[str, None]],
    ) -> None:
        for listed in in_lists(values):
            soql = f"SELECT Id, {name} FROM {table} WHERE {name} IN ({listed}) ORDER BY Id"  # noqa: S608
            async for page in self._client.query(soql):
                for record in page:
                    for place in wanted.get(same_text(str(record.get(name) or "")), ()):
                        found[place][to_18(str(record["Id"]))] = None


def _whole_name(cells: dict[str, str]) -> str:
    return f"{cells.get('FirstName', '')} {cells.get('LastName', '')}".strip()
