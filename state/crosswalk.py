"""The crosswalk: which Salesforce record each source record became. Written once per record.

An entry that a rebuild learned from Salesforce has no job yet (`UNCLAIMED`): its source record has not
been read by this ledger, so no book counts it. The job that meets the source record claims it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.numbered_names import NumberedNames
from state.queries import load

UNCLAIMED = 0
REMOVED = "removed"
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


@dataclass(frozen=True, slots=True)
class Standing:
    """What a row became: its object and id, how it came there, and the version that was sent."""

    object: str
    target_id: str
    origin: str
    version_ms: int
    digest: bytes


class Crosswalk(NumberedNames):
    """Ids by kind, source id and part (a note that was split has several parts)."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._sql = load("crosswalk")

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
        twice; only an unclaimed one gives way to what a job brings. Books count records: learn first
        parts apart from later ones and add up only those.
        """
        numbers = await self._numbers_of(tx, (kind, object, origin))
        keys = encode_ids(entry[0] for entry in entries)
        rows = [
            (numbers[0], key, part, numbers[1], target, numbers[2], job, version, digest)
            for key, (_, part, target, version, digest) in zip(keys, entries, strict=True)
        ]
        rows.sort(key=lambda row: row[1:3])
        return await tx.run_many(self._sql["learn"], rows)

    async def unclaimed(self, kind: str, ids: Sequence[str]) -> dict[tuple[str, int], str]:
        """Return the target id of each (id, part) of those ids that no job has claimed yet."""
        number = await self._number(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(self._sql["unclaimed"], (number,), encode_ids(ids))
        return {(decode_id(key), part): target for key, part, target in rows}

    async def count_unclaimed(self, kind: str) -> int:
        """Count the records of a kind that a rebuild learned and whose source was not read since."""
        number = await self._number(kind)
        if number is None:
            return 0
        return int((await self._database.fetch(self._sql["count_unclaimed"], (number,)))[0][0])

    async def any(self) -> bool:
        """Tell whether there is any entry at all."""
        return bool(await self._database.fetch(self._sql["any"]))

    async def resolve(self, kind: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return (object, target id) of each known source id's first part; others are absent."""
        number = await self._number(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(self._sql["resolve"], (number,), encode_ids(ids))
        names = await self._names_for(row[1] for row in rows)
        return {decode_id(key): (names[object_], target) for key, object_, target in rows}

    async def known(self, kind: str, ids: Sequence[str], *, except_job: int | None) -> set[str]:
        """Return those ids of which any part is known, leaving out what `except_job` brought."""
        places = await self.known_parts(kind, ids, except_job=except_job)
        return {source_id for source_id, _ in places}

    async def known_parts(
        self, kind: str, ids: Sequence[str], *, except_job: int | None
    ) -> set[tuple[str, int]]:
        """Return the (id, part) of those ids that are known, without what `except_job` brought.

        A part that was refused while its neighbour was made is not known, and can be sent. Unclaimed
        entries are left out beside a job's own: they may be what that job made.
        """
        number = await self._number(kind)
        if number is None or not ids:
            return set()
        head = (number, -1 if except_job is None else except_job)
        # In order: neighbours lie on one page of the table.
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["known"], head, keys)
        return {(decode_id(key), part) for key, part in rows}

    async def brought_by(
        self, kind: str, ids: Sequence[str], job: int
    ) -> dict[tuple[str, int], str]:
        """Return the target ids, by (id, part), that `job` has brought so far."""
        number = await self._number(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(
            self._sql["brought_by"], (number, job), encode_ids(ids)
        )
        return {(decode_id(key), part): target for key, part, target in rows}

    async def standing(self, kind: str, ids: Sequence[str]) -> dict[tuple[str, int], Standing]:
        """Return what each known (id, part) of those ids became."""
        number = await self._number(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(
            self._sql["standing"], (number,), sorted(encode_ids(ids))
        )
        names = await self._names_for(each for row in rows for each in (row[2], row[4]))
        return {
            (decode_id(key), part): Standing(names[object_], target, names[origin], version, digest)
            for key, part, object_, target, origin, version, digest in rows
        }

    async def revise(
        self, tx: Tx, kind: str, entries: Sequence[tuple[str, int, str, int, bytes]]
    ) -> int:
        """Note which version of (source id, part, target id, version ms, digest) is there now.

        Returns how many were of another version; doing it twice counts nothing twice.
        """
        numbers = await self._numbers_of(tx, (kind,))
        keys = encode_ids(entry[0] for entry in entries)
        rows = [
            (version, digest, numbers[0], key, part, target)
            for key, (_, part, target, version, digest) in zip(keys, entries, strict=True)
        ]
        return await tx.run_many(self._sql["revise"], rows)

    async def remove(self, tx: Tx, kind: str, places: Sequence[tuple[str, int]]) -> None:
        """Note that the records of (source id, part) were deleted because their sources were."""
        numbers = await self._numbers_of(tx, (kind, REMOVED))
        rows = [(numbers[1], numbers[0], encode_id(key), part) for key, part in places]
        await tx.run_many(self._sql["remove"], rows)

    async def forget(self, tx: Tx, kind: str, places: Sequence[tuple[str, int]]) -> None:
        """Forget (source id, part), so that it can be made anew."""
        numbers = await self._numbers_of(tx, (kind,))
        rows = [(numbers[0], encode_id(key), part) for key, part in places]
        await tx.run_many(self._sql["forget"], rows)

    async def become(
        self,
        tx: Tx,
        kind: str,
        object: str,
        entries: Sequence[tuple[str, int, str, int, bytes]],
        *,
        origin: str,
        job: int,
    ) -> int:
        """Let known records stand as other ones from now on; entries as for `learn`.

        Returns how many were something else before; doing it twice counts nothing twice.
        """
        numbers = await self._numbers_of(tx, (kind, object, origin))
        keys = encode_ids(entry[0] for entry in entries)
        rows = [
            (numbers[1], target, numbers[2], job, version, digest, numbers[0], key, part)
            for key, (_, part, target, version, digest) in zip(keys, entries, strict=True)
        ]
        return await tx.run_many(self._sql["become"], rows)

    async def origins(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Return how each known source id came here (`loaded`, `found`, `matched`)."""
        number = await self._number(kind)
        if number is None or not ids:
            return {}
        rows = await self._database.fetch_in(self._sql["origins"], (number,), encode_ids(ids))
        names = await self._names_for(origin for _, origin in rows)
        return {decode_id(key): names[origin] for key, origin in rows}

    async def repoint(self, tx: Tx, kind: str, source_id: str, target_id: str) -> None:
        """Let an entry stand for another target record; nothing where there is no entry."""
        number = await self._number(kind)
        if number is not None:
            await tx.run(self._sql["repoint"], (number, encode_id(source_id), target_id))

    async def taken(self, kind: str, targets: Sequence[str]) -> set[str]:
        """Return those target ids (18 characters) that stand for a record of `kind` already.

        Reads all entries of the kind once, as none is looked for by its target on the way there.
        """
        number = await self._number(kind)
        if number is None or not targets:
            return set()
        wanted = orjson.dumps(list(targets)).decode()
        return {
            each for (each,) in await self._database.fetch(self._sql["taken"], (number, wanted))
        }

    async def get(self, kind: str, source_id: str) -> list[Entry]:
        """Return all parts of one record."""
        number = await self._number(kind)
        if number is None:
            return []
        rows = await self._database.fetch(self._sql["get"], (number, encode_id(source_id)))
        names = await self._names_for(each for row in rows for each in (row[2], row[4]))
        return [_entry(names, number, *row) for row in rows]

    async def find(self, source_id: str) -> list[Entry]:
        """Return all entries of an id, whatever its kind."""
        found: list[Entry] = []
        await self.recall_names()
        for kind in sorted(self._numbers):
            found.extend(await self.get(kind, source_id))
        return found

    async def sources_of(self, target_id: str) -> list[str]:
        """Return the source ids that became a target record. There is no index: all are read."""
        rows = await self._database.fetch(self._sql["sources_of"], (target_id,))
        return [decode_id(key) for (key,) in rows]

    async def count(self, kind: str, object: str | None = None, origin: str | None = None) -> int:
        """Count the claimed source records of a kind, optionally of one target object or origin."""
        number = await self._number(kind)
        if number is None:
            return 0
        wanted = [
            None if name is None else await self._number(name) or -1 for name in (object, origin)
        ]
        if wanted == [None, None]:
            rows = await self._database.fetch(self._sql["count"], (number,))
        else:
            rows = await self._database.fetch(self._sql["count_where"], (number, *wanted))
        return int(rows[0][0])

    async def spread(self, kind: str, points: Sequence[float]) -> list[str]:
        """Return source ids of a kind, the next one behind each of `points` in [0, 1] of their range.

        The same points pick the same ids of the same crosswalk. Ids begin with the time they were given
        at, so equal steps are steps in time; ids picked twice come once. All come where there are no more
        than points.
        """
        number = await self._number(kind)
        if number is None:
            return []
        if await self.count(kind) <= len(points):
            rows = await self._database.fetch(self._sql["every"], (number,))
            return [decode_id(key) for (key,) in rows]
        first, last = (await self._database.fetch(self._sql["ends"], (number,)))[0]
        low, high = (int.from_bytes(key[:12].ljust(12, b"\0")) for key in (first, last))
        keys = {first}
        for point in points:
            place = (low + round((high - low) * point)).to_bytes(12)
            rows = await self._database.fetch(self._sql["next"], (number, place))
            keys |= {key for (key,) in rows}
        return sorted(decode_id(key) for key in keys)

    async def export(self) -> AsyncIterator[list[Entry]]:
        """Yield everything, in blocks of a few thousand, by kind and source id."""
        last: tuple[int, bytes, int] = (-1, b"", -1)
        while rows := await self._database.fetch(self._sql["export"], (*last, _EXPORT_ROWS)):
            names = await self._names_for(each for row in rows for each in (row[0], row[3], row[5]))
            yield [_entry(names, *row) for row in rows]
            last = (rows[-1][0], rows[-1][1], rows[-1][2])


def _entry(
    names: Mapping[int, str],
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
    return Entry(
        kind=names[kind],
        source_id=decode_id(key),
        part=part,
        object=names[object_],
        target_id=target,
        origin=names[origin],
        job=job,
        version_ms=version,
        digest=digest,
    )
