"""The crosswalk: which Salesforce record each source record became. Written once per record."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

_EXPORT_ROWS = 5_000


@dataclass(frozen=True)
class Entry:
    """One crosswalk row. `version_ms` is the source's updatedAt in epoch ms when it was sealed."""

    kind: str
    source_id: str
    part: int
    object: str
    target_id: str
    origin: str
    job: int
    version_ms: int
    digest: bytes


class Crosswalk:
    """Ids by kind, source id and part (a note that was split has several parts)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("crosswalk")
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    async def recall_names(self) -> None:
        """Read the small numbers of kinds, objects and origins."""
        for name, number in await self._database.fetch(self._sql["names"]):
            self._numbers[name] = number
            self._names[number] = name

    async def learn(
        self,
        tx: Tx,
        kind: str,
        object: str,
        entries: Sequence[tuple[str, int, str, int, bytes]],
        *,
        origin: str,
        job: int,
    ) -> int:
        """Store (source id, part, target id, version ms, digest) entries; returns how many are new.

        An entry that is there already stays as it is, so that repeating a harvest counts nothing
        twice.
        """
        numbers = [await self._number(tx, name) for name in (kind, object, origin)]
        keys = encode_ids(entry[0] for entry in entries)
        rows = [
            (numbers[0], key, part, numbers[1], target, numbers[2], job, version, digest)
            for key, (_, part, target, version, digest) in zip(keys, entries, strict=True)
        ]
        rows.sort(key=lambda row: row[1:3])
        return await tx.run_many(self._sql["learn"], rows)

    async def resolve(self, kind: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return (object, target id) of each known source id; others are absent."""
        number = self._numbers.get(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(self._sql["resolve"], (number,), encode_ids(ids))
        names = self._names
        return {decode_id(key): (names[object_], target) for key, object_, target in rows}

    async def known(self, kind: str, ids: Sequence[str], *, except_job: int | None) -> set[str]:
        """Return those ids that are in the crosswalk, leaving out what `except_job` brought."""
        number = self._numbers.get(kind)
        if number is None or not ids:
            return set()
        rows = await self._database.fetch_in(
            self._sql["known"], (number, except_job or -1), encode_ids(ids)
        )
        return {decode_id(key) for (key,) in rows}

    async def get(self, kind: str, source_id: str) -> list[Entry]:
        """Return all parts of one record."""
        number = self._numbers.get(kind)
        if number is None:
            return []
        rows = await self._database.fetch(self._sql["get"], (number, encode_id(source_id)))
        return [self._entry(number, *row) for row in rows]

    async def find(self, source_id: str) -> list[Entry]:
        """Return all entries of an id, whatever its kind."""
        found: list[Entry] = []
        for kind in sorted(self._numbers):
            found.extend(await self.get(kind, source_id))
        return found

    async def count(self, kind: str, object: str | None = None, origin: str | None = None) -> int:
        """Count source records of a kind, optionally of one target object or origin."""
        number = self._numbers.get(kind)
        if number is None:
            return 0
        wanted = [self._numbers.get(name, -1) if name else None for name in (object, origin)]
        if wanted == [None, None]:
            rows = await self._database.fetch(self._sql["count"], (number,))
        else:
            rows = await self._database.fetch(self._sql["count_where"], (number, *wanted))
        return int(rows[0][0])

    async def export(self) -> AsyncIterator[list[Entry]]:
        """Yield everything, in blocks of a few thousand, by kind and source id."""
        last: tuple[int, bytes, int] = (-1, b"", -1)
        while rows := await self._database.fetch(self._sql["export"], (*last, _EXPORT_ROWS)):
            yield [self._entry(*row) for row in rows]
            last = (rows[-1][0], rows[-1][1], rows[-1][2])

    def _entry(
        self,
        kind: int,
        key: bytes,
        part: int,
        object_: int,
        target: str,
        origin: int,
        job: int,
        version: int,
        digest: bytes,
    ) -> Entry:
        names = self._names
        return Entry(
            names[kind],
            decode_id(key),
            part,
            names[object_],
            target,
            names[origin],
            job,
            version,
            digest,
        )

    async def _number(self, tx: Tx, name: str) -> int:
        if name not in self._numbers:
            await tx.run(self._sql["add_name"], (name,))
            for known, number in await tx.fetch(self._sql["names"]):
                self._numbers[known] = number
                self._names[number] = known
        return self._numbers[name]
