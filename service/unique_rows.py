"""Asks Salesforce for rows without our key of which the org holds one at most: topics, assignments.

Such a record stands for every row that is equal to it, whoever made it: a second one would be refused,
or would say nothing new (a person's relation to a message). So no count of twins is kept, and what lies
in the recycle bin stands for nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.soql import in_lists, literal
from service.content import sent_cells, sent_columns
from service.job_rows import JobRow, JobRows
from service.phases import ContentKey
from transforms.same_text import same_text

# Records of one parent at most: so many topics can one record have (salesforce facts, 7.8).
_OF_ONE_PARENT = 100
Place = tuple[str, int]
_Key = tuple[str, ...]


class UniqueRows:
    """Looks for the rows of one table; nothing is written."""

    def __init__(self, client: SalesforceClient, table: str) -> None:
        self._client = client
        self._table = table

    async def find(
        self, content: ContentKey, rows: JobRows, doubted: Sequence[JobRow]
    ) -> dict[Place, str]:
        """Return the ids of those of the `doubted` rows that are there, by (source id, part).

        Where one query may ask for `content.most` rows only, few parents are asked for at a time, and
        one by one where even those have more. Raises the connectors' errors.
        """
        columns = sent_columns(rows)
        names = [name for name in dict.fromkeys((content.parent, content.text)) if name]
        names += content.either
        wanted: dict[_Key, list[Place]] = defaultdict(list)
        parents: set[str] = set()
        for row in doubted:
            cells = dict(zip(columns, sent_cells(rows, row), strict=True))
            wanted[_key([cells[name] for name in names], content)].append((row.key, row.part))
            parents.add(cells[content.parent])
        found: dict[Place, str] = {}
        for condition in _conditions(content, sorted(parents)):
            for values, target in await self._records(content, names, condition):
                for place in wanted.get(values, ()):
                    found.setdefault(place, target)
        return found

    async def _records(
        self, content: ContentKey, names: Sequence[str], condition: "_Condition"
    ) -> list[tuple[_Key, str]]:
        found = await self._asked(content, names, condition.together)
        if not condition.most or len(found) < condition.most:
            return found
        return [each for one in condition.apart for each in await self._asked(content, names, one)]

    async def _asked(
        self, content: ContentKey, names: Sequence[str], where: str
    ) -> list[tuple[_Key, str]]:
        soql = f"SELECT Id, {', '.join(names)} FROM {self._table} WHERE {where}"  # noqa: S608
        return [
            (
                _key([str(record.get(name) or "") for name in names], content),
                to_18(str(record["Id"])),
            )
            async for page in self._client.query(soql)
            for record in page
        ]


@dataclass(frozen=True)
class _Condition:
    """Some parents, asked for together with at most `most` rows (0: any), or each by itself."""

    together: str
    most: int = 0
    apart: tuple[str, ...] = ()


def _conditions(content: ContentKey, parents: Sequence[str]) -> Iterator[_Condition]:
    column, most = content.parent, content.most
    if not most:
        for listed in in_lists(parents):
            yield _Condition(f"{column} IN ({listed})")
        return
    step = max(1, most // _OF_ONE_PARENT)
    for first in range(0, len(parents), step):
        some = [literal(each) for each in parents[first : first + step]]
        yield _Condition(
            f"{column} IN ({','.join(some)}) LIMIT {most}",
            most,
            tuple(f"{column} = {each}" for each in some),
        )


def _key(values: Sequence[str], content: ContentKey) -> _Key:
    """Ids of 18 characters are told apart in any letter case; names are not by theirs."""
    whole = len(values) - len(content.either)
    first = next((value for value in values[whole:] if value), "")
    return tuple(same_text(value) for value in (*values[:whole], first))
