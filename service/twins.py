"""Rows whose record is there already, or on its way: matched, made to wait, or held for a person.

Nothing is guessed: where a row could stand for several records, a person decides, and rows whose record
is settled go their way. Salesforce is not asked here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.aside import CHANGED, Aside, AsideRow
from service.job_rows import RowReader
from service.phases import Phase
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import Table
from transforms.match_keys import read_keys

AMBIGUOUS = "ambiguous-match"
TAKEN = "match-taken"
DUPLICATES = "DUPLICATES_DETECTED"
NAMING = (AMBIGUOUS, TAKEN, DUPLICATES)
MOST_NAMED = 20


def candidates_of(row: RowEntry) -> list[str]:
    """The Salesforce ids that a row names as in its way; nothing where it names none."""
    return row.detail.split(",") if row.reason in NAMING and row.detail else []


@dataclass(frozen=True)
class Known:
    """What the ledger knows of some rows' match keys.

    `targets`: records by key. `takers`: the source id that a record stands for. `decided`: what people
    chose, by source id ('' for a new record).
    """

    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    takers: dict[str, str] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)

    def settles(self, reader: RowReader, index: int) -> bool:
        """Whether a row's record may be there already."""
        text = reader.parents[-1][index]
        return bool(text) and any(key in self.targets for way in read_keys(text) for key in way)

    def only(self, source_id: str, text: str) -> str | None:
        """The one existing record that a record with these keys is; '' for none, None for several."""
        decided = self.decided.get(source_id)
        if decided is not None or not text:
            return decided or ""
        for way in read_keys(text):
            found = {target for key in way for target in self.targets.get(key, ())}
            if found:
                return found.pop() if len(found) == 1 else None
        return ""


class Twins:
    """Decides about the match keys of one table's rows.

    What jobs under way have claimed is remembered here until no job is live: twins of their rows wait.
    """

    def __init__(self, ledger: Ledger, phase: Phase, table: Table) -> None:
        self._ledger = ledger
        self._phase = phase
        self._table = table.object
        self._followed = table.followed
        self._ways = [way.field for way in table.matching.ways] if table.matching else []
        self._shared = table.matching is None or table.matching.shared
        self._claims: dict[str, str] = {}

    async def look(self, readers: Sequence[RowReader], *, alone: bool) -> Known:
        """Read what is known of the rows' keys. `alone`: no job of the table is live."""
        if alone:
            self._claims.clear()
        texts = {text for reader in readers for text in reader.parents[-1] if text}
        if not texts:
            return Known()
        keys = sorted({key for text in texts for way in read_keys(text) for key in way})
        targets = await self._ledger.matches.lookup(self._table, keys)
        ids = [
            key for reader in readers for key, text in zip(reader.keys, reader.parents[-1], strict=True)
            if text
        ]  # fmt: skip
        decided = await self._ledger.matches.decisions(self._phase.name, sorted(set(ids)))
        takers: dict[str, str] = {}
        if not self._shared and targets:
            some = sorted({target for each in targets.values() for target in each})
            takers = await self._ledger.matches.takers(self._table, some)
        return Known(targets, takers, decided)

    def claim(self, keys: Iterable[str], source_id: str) -> None:
        """Note that a row of this run is about to stand for these keys."""
        for key in keys:
            self._claims.setdefault(key, source_id)

    def set_aside(self, reader: RowReader, index: int, known: Known, aside: Aside) -> bool:
        """Set a row aside that is not to be made; False for one that goes out."""
        text = reader.parents[-1][index]
        if not text:
            return False
        key, ways = reader.keys[index], read_keys(text)
        chosen = known.decided.get(key)
        if chosen is not None:
            return self._as_decided(reader, index, chosen, ways, aside)
        if self._shared and self._waits(reader, index, ways, known, aside):
            return True
        for number, way in enumerate(ways):
            found = dict.fromkeys(each for one in way for each in known.targets.get(one, ()))
            if len(found) > 1:
                self._hold(reader, index, AMBIGUOUS, number, list(found), aside)
                return True
            if found:
                self._match(reader, index, next(iter(found)), ways, number, known, aside)
                return True
        if self._shared:
            self.claim([each for way in ways for each in way], key)
        return False

    def _as_decided(
        self, reader: RowReader, index: int, chosen: str, ways: list[Sequence[str]], aside: Aside
    ) -> bool:
        if not chosen:
            return False
        self._link(reader, index, chosen, ways, aside)
        return True

    def _match(
        self,
        reader: RowReader,
        index: int,
        target: str,
        ways: list[Sequence[str]],
        number: int,
        known: Known,
        aside: Aside,
    ) -> None:
        key = reader.keys[index]
        if not self._shared:
            taker = self._claims.setdefault(target, known.takers.get(target, key))
            if taker != key:
                self._hold(reader, index, TAKEN, number, [target], aside)
                return
        self._link(reader, index, target, ways, aside)

    def _link(
        self, reader: RowReader, index: int, target: str, ways: list[Sequence[str]], aside: Aside
    ) -> None:
        """Match a row; what the record lacks is filled, and nothing of it is overwritten."""
        key = reader.keys[index]
        aside.matched.append((key, target))
        if self._shared:
            keys = [each for way in ways for each in way]
            self.claim(keys, key)
            aside.match_keys += [(each, target, key) for each in keys]
        else:
            aside.taken.append((target, key))
        if self._followed:
            aside.changed.append(AsideRow.of(reader, index, CHANGED, "", change=True))

    def _hold(
        self,
        reader: RowReader,
        index: int,
        reason: str,
        number: int,
        found: list[str],
        aside: Aside,
    ) -> None:
        named = ",".join(found[:MOST_NAMED])
        name = self._ways[min(number, len(self._ways) - 1)] if self._ways else ""
        aside.held.append(AsideRow.of(reader, index, reason, name, named))

    def _waits(
        self,
        reader: RowReader,
        index: int,
        ways: list[Sequence[str]],
        known: Known,
        aside: Aside,
    ) -> bool:
        """A twin of a row that is under way waits until that is settled."""
        source_id = reader.keys[index]
        keys = [each for way in ways for each in way if each not in known.targets]
        if all(self._claims.get(each, source_id) == source_id for each in keys):
            return False
        name = self._phase.matched_by(self._table)
        aside.waiting.append(AsideRow.of(reader, index, "same-match-key", name))
        return True
