"""What others wrote in Salesforce: conflicts with our changes, records they touched, pre-images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from state.cipher import Cipher
from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

Decision = Literal["", "source", "target"]
_PLACE = "conflict.value"
RULE = "rule"


@dataclass(frozen=True)
class Conflict:
    """One field of one record: the value of the source and that in Salesforce, as texts.

    `decision`: '' while nobody has decided. Times are epoch seconds, set by the ledger.
    """

    phase: str
    source_id: str
    part: int
    field: str
    object: str
    target_id: str
    ours: str
    theirs: str
    theirs_by: str
    found_at: float = 0.0
    decision: Decision = ""
    decided_by: str = ""
    decided_at: float | None = None


@dataclass(frozen=True)
class PreImage:
    """What a field of a record that is not ours held before we filled it."""

    object: str
    target_id: str
    field: str
    value: str


class Conflicts:
    """Conflicts, touched records and pre-images."""

    def __init__(
        self, database: Database, clock: Callable[[], float], cipher: Cipher | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._sql = load("conflicts")

    async def open(self, tx: Tx, found: Sequence[Conflict]) -> None:
        """Note conflicts, or renew them; a decision that comes with one is kept with it."""
        now = self._clock()
        values = [
            (
                each.phase,
                encode_id(each.source_id),
                each.part,
                each.field,
                each.object,
                each.target_id,
                self._sealed(each.ours),
                self._sealed(each.theirs),
                each.theirs_by,
                now,
                each.decision,
                each.decided_by,
                now if each.decision else None,
            )
            for each in found
        ]
        await tx.run_many(self._sql["open"], values)

    async def decisions(
        self, phase: str, ids: Sequence[str]
    ) -> dict[tuple[str, int, str], Decision]:
        """Return where people let the source win, by (source id, part, field).

        That Salesforce wins needs no doing: what the source has is noted by then.
        """
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["decided"], (phase,), keys)
        return {(decode_id(key), part, field): made for key, part, field, made in rows}

    async def decide(
        self, tx: Tx, source_id: str, field: str | None, decision: Decision, *, by: str
    ) -> list[tuple[str, int]]:
        """Decide about one field of a record, or all; returns the (phase, part) concerned."""
        key = encode_id(source_id)
        await tx.run(self._sql["decide"], (decision, by, self._clock(), key, field))
        return [
            (phase, part) for phase, part in await tx.fetch(self._sql["concerned"], (key, field))
        ]

    async def settle(self, tx: Tx, phase: str, sent: Sequence[tuple[str, int, str]]) -> None:
        """Forget decisions about fields (source id, part, field) that were acted on: each holds once."""
        values = [(phase, encode_id(key), part, field) for key, part, field in sent]
        await tx.run_many(self._sql["settle"], values)

    async def listed(self, *, decided: bool = False, limit: int = 1000) -> list[Conflict]:
        """Return open conflicts, with `decided` all of them."""
        rows = await self._database.fetch(self._sql["list"], (decided, limit))
        return [
            Conflict(
                *(row[0], decode_id(row[1]), *row[2:6]),
                *(self._opened(row[6]), self._opened(row[7]), *row[8:]),
            )
            for row in rows
        ]

    async def count(self) -> int:
        """Count the fields that nobody has decided about."""
        return int((await self._database.fetch(self._sql["count"]))[0][0])

    async def found_since(self, at: float) -> tuple[int, float]:
        """Count the open ones found or renewed after `at` (epoch s), and tell when the newest was."""
        rows = await self._database.fetch(self._sql["found_since"], (at,))
        return int(rows[0][0]), float(rows[0][1])

    async def touch(self, tx: Tx, object: str, targets: Sequence[str]) -> None:
        """Remember records that somebody else has written to."""
        await tx.run_many(self._sql["touch"], [(object, target) for target in targets])

    async def touched(self, object: str, targets: Sequence[str]) -> set[str]:
        """Return those records that somebody else was known to have written to."""
        rows = await self._database.fetch_in(self._sql["touched"], (object,), sorted(targets))
        return {target for (target,) in rows}

    async def keep(self, tx: Tx, job: int, images: Sequence[PreImage]) -> None:
        """Keep pre-images; the first one of a field counts."""
        now = self._clock()
        values = [
            (each.object, each.target_id, each.field, self._sealed(each.value), job, now)
            for each in images
        ]
        await tx.run_many(self._sql["keep"], values)

    async def pre_images(self) -> list[PreImage]:
        """Return all pre-images."""
        rows = await self._database.fetch(self._sql["pre_images"])
        return [PreImage(*(*row[:3], self._opened(row[3]))) for row in rows]

    def _sealed(self, text: str) -> bytes:
        data = text.encode("utf-8", "surrogatepass")
        return data if self._cipher is None else self._cipher.seal_blob(data, _PLACE)

    def _opened(self, data: bytes) -> str:
        if not data:
            return ""  # purged
        plain = data if self._cipher is None else self._cipher.open_blob(data, _PLACE)
        return plain.decode("utf-8", "surrogatepass")
