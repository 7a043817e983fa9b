"""Exceptions: the rows that did not go the straight way, each with its reason and its payload."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from state.cipher import Cipher
from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

RowState = Literal["held", "failed", "pending", "waiting"]
_PLACE = "row.payload"


@dataclass(frozen=True)
class RowEntry:
    """A row set apart, with a stable `reason` code. `detail` holds no value of the record.

    `payload`: all that is needed to send or to map it again; made for the target `object` by the
    accepted map number `map`, or not made yet ('' and None). `job` carries it, if one does.
    `attempts`: how often it was sent; `tries`: how often Salesforce was too busy for it since a person
    last asked for it. `slice` and `page`: where it came in, if known. `change`: it changes a record
    that the crosswalk knows. Times are epoch seconds; they and `map` are set by the ledger.
    """

    phase: str
    source_id: str
    part: int
    state: RowState
    reason: str
    field: str
    detail: str
    payload: bytes | None
    job: int | None = None
    first_seen: float = 0.0
    updated_at: float = 0.0
    object: str = ""
    map: int | None = None
    tries: int = 0
    attempts: int = 0
    slice: int | None = None
    page: int | None = None
    change: bool = False


@dataclass(frozen=True)
class Asking:
    """Which held and failed rows are to be sent again; None: whatever it is.

    A record is taken with all its parts when one of them is meant. `unmade`: nothing of what the
    rows were made into is used again.
    """

    phases: Sequence[str]
    states: Sequence[str] = ("held", "failed")
    reasons: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    unmade: bool = False


@dataclass(frozen=True)
class AskedCount:
    """Records that one run asked for: the reason they had then, and how they are now."""

    phase: str
    asked: str
    state: RowState
    reason: str
    records: int


@dataclass(frozen=True)
class Sending:
    """One job that a row was in, and what came of it there: a reason, '' when none is known."""

    phase: str
    part: int
    job: int
    outcome: str


class Rows:
    """`held`: not sent. `failed`: refused. `pending`: to be sent again. `waiting`: for a twin."""

    def __init__(
        self, database: Database, clock: Callable[[], float], cipher: Cipher | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._sql = load("rows")

    async def put(self, tx: Tx, entries: Sequence[RowEntry], *, out_of: int | None = None) -> int:
        """Store or renew entries; returns how many records (first parts) were not there before.

        A renewed entry keeps the moment it was first seen, and its payload when it brings none; its
        `tries` and `attempts` are added to those before. It belongs to no job. `out_of`: the job it
        comes out of, remembered with the reason.
        """
        now = self._clock()
        values = [
            (
                entry.phase,
                encode_id(entry.source_id),
                entry.part,
                entry.state,
                entry.reason,
                entry.field,
                entry.detail,
                self._sealed(entry.payload),
                entry.object,
                entry.tries,
                entry.attempts,
                entry.slice,
                entry.page,
                now,
                entry.change,
            )
            for entry in entries
        ]
        firsts = [each for each in values if each[2] == 0]
        new = await tx.run_many(self._sql["put_new"], firsts) if firsts else 0
        if values:
            await tx.run_many(self._sql["put"], values)
        if out_of is not None:
            sent = [(*each[:3], out_of, each[4]) for each in values]
            await tx.run_many(self._sql["sent"], sent)
        return new

    async def drop(self, tx: Tx, phase: str, keys: Sequence[tuple[str, int]]) -> None:
        """Forget rows that are settled in another way."""
        values = [(phase, encode_id(source_id), part) for source_id, part in keys]
        await tx.run_many(self._sql["drop"], values)

    async def ask(self, tx: Tx, run: int, asking: Asking) -> list[str]:
        """Let rows be sent again as run `run` asked; returns the phases concerned.

        They count as not tried yet. Rows that an earlier run asked for and that are still to be sent
        are from now on asked for by this one.
        """
        ids = None
        if asking.ids is not None:
            ids = [encode_id(each).hex().upper() for each in asking.ids]
        lists = (asking.phases, asking.states, asking.reasons, ids)
        texts = [None if each is None else orjson.dumps(each).decode() for each in lists]
        await tx.run(self._sql["ask"], (run, self._clock(), asking.unmade, *texts))
        await tx.run(self._sql["adopt_asked"], (run,))
        return [name for (name,) in await tx.fetch(self._sql["asked_phases"], (run,))]

    async def let_go(self, tx: Tx, run: int, places: Sequence[tuple[str, str]]) -> int:
        """Let held rows, by (phase, source id), be sent as run `run` asked; returns how many."""
        now = self._clock()
        values = [(run, now, phase, encode_id(key)) for phase, key in places]
        return await tx.run_many(self._sql["let_go"], values) if values else 0

    async def lacking(self, tx: Tx, parents: Sequence[str]) -> list[tuple[str, str]]:
        """Return (phase, source id) of the records held for want of one of `parents`, as `kind:id`.

        All held rows are read: there is no index.
        """
        wanted = orjson.dumps(parents).decode()
        rows = await tx.fetch(self._sql["lacking"], (wanted,))
        return [(phase, decode_id(key)) for phase, key in rows]

    async def apart(self, ids: Sequence[str]) -> set[str]:
        """Return those records that have rows set apart, in whatever phase and state."""
        rows = await self._database.fetch_in(self._sql["apart"], (), encode_ids(ids))
        return {decode_id(key) for (key,) in rows}

    async def asked(self, run: int) -> list[AskedCount]:
        """Count the records that `run` asked for and that are still set apart, as committed."""
        return [AskedCount(*row) for row in await self._database.fetch(self._sql["asked"], (run,))]

    async def waiting_for(self, reason: str, phases: Sequence[str] | None = None) -> dict[str, int]:
        """Count the records held for `reason` by what their rows wait for (`detail`).

        Of these `phases`, or of all.
        """
        wanted = None if phases is None else orjson.dumps(phases).decode()
        return dict(await self._database.fetch(self._sql["waiting_for"], (reason, wanted)))

    async def release(self, tx: Tx, reason: str, details: Sequence[str] | None = None) -> None:
        """Let rows set apart for `reason` be sent again, of these `details` or all of them.

        Unlike `ask`, no run answers for them.
        """
        wanted = None if details is None else orjson.dumps(details).decode()
        await tx.run(self._sql["release"], (self._clock(), reason, wanted))

    async def release_phase(self, tx: Tx, phase: str, reasons: Sequence[str]) -> None:
        """Let the rows of one phase that are set apart for `reasons` be looked at again."""
        wanted = orjson.dumps(reasons).decode()
        await tx.run(self._sql["release_phase"], (self._clock(), phase, wanted))

    async def send_again(self, tx: Tx, phase: str, places: Sequence[tuple[str, int]]) -> None:
        """Let failed rows, by (source id, part), be sent again; no run answers for them."""
        now = self._clock()
        values = [(now, phase, encode_id(key), part) for key, part in places]
        await tx.run_many(self._sql["send_again"], values)

    async def pending_phases(self, tx: Tx) -> list[str]:
        """Return the phases that have rows to be sent again, as `tx` sees them."""
        return [name for (name,) in await tx.fetch(self._sql["pending_phases"])]

    async def reasons(self) -> set[str]:
        """Return every reason that a row has or had when it came out of a job."""
        return {name for (name,) in await self._database.fetch(self._sql["reasons"])}

    async def sendings(self, phases: Sequence[str], source_id: str) -> list[Sending]:
        """Return the jobs that a record's rows came out of or went into, oldest first."""
        values = (orjson.dumps(phases).decode(), encode_id(source_id))
        rows = await self._database.fetch(self._sql["sendings"], values)
        return [Sending(*row) for row in rows]

    async def drop_changes(self, tx: Tx, phase: str, reasons: Mapping[str, str]) -> None:
        """Forget changes, by id, that are held for the reason named."""
        values = [(phase, encode_id(key), reason) for key, reason in reasons.items()]
        await tx.run_many(self._sql["drop_change"], values)

    async def held_changes(
        self, phase: str, ids: Sequence[str], reason: str
    ) -> set[tuple[str, int]]:
        """Return the (id, part) of those ids of which a change is held for `reason`."""
        rows = await self._database.fetch_in(
            self._sql["held_changes"], (phase, reason), sorted(encode_ids(ids))
        )
        return {(decode_id(key), part) for key, part in rows}

    async def other_changes(
        self, phase: str, object: str, ids: Sequence[str]
    ) -> dict[tuple[str, int], bytes]:
        """Return payloads, by (id, part), of changes to be sent to another target than `object`."""
        rows = await self._database.fetch_in(
            self._sql["other_changes"], (phase, object), sorted(encode_ids(ids))
        )
        return {(decode_id(key), part): self._opened(payload) or b"" for key, part, payload in rows}

    async def any(self, tx: Tx, phase: str) -> bool:
        """Tell whether `phase` has rows at all."""
        return bool(await tx.fetch(self._sql["any"], (phase,)))

    async def carried(self, tx: Tx, job: int) -> set[tuple[str, int]]:
        """Return (source id, part) of the loose rows that a job carries, as `tx` sees them."""
        return {
            (decode_id(key), part) for key, part in await tx.fetch(self._sql["carried"], (job,))
        }

    async def forget(self, tx: Tx, phase: str, places: Sequence[tuple[str, int]]) -> int:
        """Drop rows that no job carries, by (source id, part); returns how many there were."""
        values = [(phase, encode_id(source_id), part) for source_id, part in places]
        return await tx.run_many(self._sql["forget"], values) if values else 0

    async def counts(self, phase: str) -> dict[tuple[str, str, bool], int]:
        """Count records by (state, reason, change), also those with only a later part concerned."""
        rows = await self._database.fetch(self._sql["counts"], (phase,))
        return {(state, reason, bool(change)): count for state, reason, change, count in rows}

    async def listed(
        self,
        *,
        phase: str | None = None,
        state: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[RowEntry]:
        """Return rows by phase, state and reason, in the order of their ids."""
        values = (phase, state, reason, limit, offset)
        return await self._entries("list", values)

    async def find(self, source_id: str) -> list[RowEntry]:
        """Return what is known of one record, in any phase."""
        return await self._entries("find", (encode_id(source_id),))

    async def pending(
        self,
        phase: str,
        object: str,
        *,
        change: bool = False,
        after: tuple[str, int] | None = None,
        limit: int = -1,
    ) -> list[RowEntry]:
        """Return the rows to be sent to `object` that no job carries, by (id, part).

        Either new records or changes of those that are there. At most `limit` of them (all for -1),
        those that come behind `after`.
        """
        key, part = (encode_id(after[0]), after[1]) if after else (b"", -1)
        return await self._entries("pending", (phase, object, change, key, part, limit))

    async def unmade(self, phase: str, records: int) -> list[RowEntry]:
        """Return rows to be sent again that were not made by the map in force, of so many records.

        All parts of a record come together.
        """
        return await self._entries("unmade", (phase, records))

    async def of_job(self, job: int) -> list[RowEntry]:
        """Return the loose rows that a job carries."""
        return await self._entries("of_job", (job,))

    async def assign_job(
        self, tx: Tx, phase: str, keys: Sequence[tuple[str, int]], job: int
    ) -> None:
        """Give loose rows to a job."""
        values = [(job, phase, encode_id(source_id), part) for source_id, part in keys]
        await tx.run_many(self._sql["assign_job"], values)
        await tx.run_many(self._sql["sent"], [(*each[1:], job, "") for each in values])

    async def release_job(self, tx: Tx, job: int) -> None:
        """Take the loose rows of a job that never ran back."""
        await tx.run(self._sql["release_job"], (job,))

    async def clear_of_job(self, tx: Tx, phase: str, job: int) -> None:
        """Forget the loose rows of a job whose results are known."""
        await tx.run(self._sql["clear_of_job"], (phase, job))

    async def requeue(self, tx: Tx, phase: str, state: RowState) -> None:
        """Let all rows in `state` be sent again."""
        await tx.run(self._sql["requeue"], (phase, state))

    async def _entries(self, name: str, values: Sequence[object]) -> list[RowEntry]:
        found = await self._database.fetch(self._sql[name], values)
        entries = [
            RowEntry(*(row[0], decode_id(row[1]), *row[2:-1], bool(row[-1]))) for row in found
        ]
        if self._cipher is None:
            return entries
        return [replace(entry, payload=self._opened(entry.payload)) for entry in entries]

    def _sealed(self, payload: bytes | None) -> bytes | None:
        if payload is None or self._cipher is None:
            return payload
        return self._cipher.seal_blob(payload, _PLACE)

    def _opened(self, payload: bytes | None) -> bytes | None:
        if payload is None or self._cipher is None:
            return payload
        return self._cipher.open_blob(payload, _PLACE)
