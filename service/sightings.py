"""Rows that were met before: sent once, the newest; what is there already is changed, or a duplicate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from service.aside import CHANGED, Aside, AsideRow
from service.job_rows import RowReader
from service.phases import Phase
from service.transition import CONTACT, KEPT, across, is_lead
from state.crosswalk import REMOVED, Standing
from state.ledger import Ledger
from transforms.compile import Table
from transforms.match_keys import read_keys
from transforms.table import SEALED

REBUILT = "rebuilt"  # the fact that the crosswalk was learned from Salesforce

# Stands where the digest of the last version did; no row has it, so a record that comes back differs.
GONE_DIGEST = b"deleted-upstream"
Place = tuple[str, int]
Placed = tuple[str, str, int, int, int]
"""A row: its lock parent, key and part, the number of its reader and its place there."""


@dataclass(frozen=True)
class Earlier:
    """What the ledger knows of the places of some rows.

    `known` are in the crosswalk; `standing`: what those became that can be changed. `kept`: those of
    which it was told that they stayed though they belonged elsewhere. `recovered`: what a rebuild found
    in Salesforce and no job has met since, by target id.
    """

    known: set[Place] = field(default_factory=set)
    standing: dict[Place, Standing] = field(default_factory=dict)
    kept: set[Place] = field(default_factory=set)
    recovered: dict[Place, str] = field(default_factory=dict)


class Sightings:
    """Tells the first sightings of one table's records from further ones."""

    def __init__(
        self, ledger: Ledger, phase: Phase, table: Table, *, revives: bool = False
    ) -> None:
        """`revives`: a sealed record that went with its parent, and lives on elsewhere, comes back."""
        self._revives = revives and table.object in SEALED
        self._ledger = ledger
        self._phase = phase
        self._table = table

    async def earlier(self, readers: Sequence[RowReader]) -> Earlier:
        """Read what is known of all rows."""
        known = await self.known(readers, None)
        return Earlier(
            known,
            await self._standing(known),
            await self._kept(known),
            await self._recovered(readers),
        )

    async def known(self, readers: Sequence[RowReader], except_job: int | None) -> set[Place]:
        """The places of rows that are in the crosswalk, without what `except_job` brought."""
        keys = [key for reader in readers for key in reader.keys]
        return await self._ledger.crosswalk.known_parts(
            self._phase.kind, keys, except_job=except_job
        )

    async def _standing(self, known: set[Place]) -> dict[Place, Standing]:
        """What the known rows became, where a record can be changed."""
        if not known or not self._table.followed:
            return {}
        keys = sorted({key for key, _ in known})
        return await self._ledger.crosswalk.standing(self._phase.kind, keys)

    async def _kept(self, known: set[Place]) -> set[Place]:
        """Known rows of which it was told that they stayed here though they belonged elsewhere."""
        if not known or self._table.object != CONTACT or len(self._phase.objects) == 1:
            return set()
        keys = sorted({key for key, _ in known})
        return await self._ledger.rows.held_changes(self._phase.name, keys, KEPT)

    async def _recovered(self, readers: Sequence[RowReader]) -> dict[Place, str]:
        """Rows that a rebuild found in Salesforce and that no job has met since."""
        if not await self._ledger.facts.get(REBUILT):
            return {}
        keys = [key for reader in readers for key in reader.keys]
        return await self._ledger.crosswalk.unclaimed(self._phase.kind, keys)

    def newest(
        self,
        rows: Sequence[Placed],
        readers: Sequence[RowReader],
        seen: Earlier,
        aside: Aside,
    ) -> list[Placed]:
        """One place per (key, part): a record that pages showed twice is sent once, the newest.

        What a rebuild found is taken over when it is first seen; seen again it is a duplicate. One that
        is there already and comes out differently is a duplicate too, and its row changes it.
        """
        newest: dict[Place, Placed] = {}
        changed: dict[Place, Placed] = {}
        recovered = dict(seen.recovered)
        for row in sorted(rows, key=itemgetter(3, 4)):  # as they were read
            place = row[1], row[2]
            target = recovered.pop(place, None)
            if target is not None:
                _take_over(aside, readers[row[3]], row[4], target)
                if is_lead(target) and self._table.object == CONTACT:
                    changed[place] = row
                continue
            before = newest.get(place)
            if place in seen.standing and (
                self._changes(seen.standing[place], readers, row) or place in seen.kept
            ):
                later = changed.get(place, row)
                changed[place] = (
                    row if _version(readers, row) >= _version(readers, later) else later
                )
            if place in seen.known or before is not None:
                aside.duplicates += row[2] == 0
            if place not in seen.known and (
                before is None or _version(readers, row) > _version(readers, before)
            ):
                newest[place] = row
        for place, row in changed.items():
            there = seen.standing[place].object if place in seen.standing else self._table.object
            self._change(
                aside, AsideRow.of(readers[row[3]], row[4], CHANGED, "", change=True), there
            )
        return sorted(newest.values())

    def _changes(self, there: Standing, readers: Sequence[RowReader], row: Placed) -> bool:
        """Whether a row says something else than the record that it became, and nothing older."""
        reader, index = readers[row[3]], row[4]
        if there.origin == REMOVED:
            return self._revives and there.digest not in (GONE_DIGEST, _digest(reader, index))
        if reader.versions[index] < there.version_ms:
            return False
        if there.object != self._table.object:
            return across(there.object, self._table.object) != ""
        return _digest(reader, index) != there.digest

    def _change(self, aside: Aside, row: AsideRow, there: str) -> None:
        """Set a changed row aside, by what the record is there: it may have to become another one."""
        reason = across(there, self._table.object)
        if reason == KEPT:
            aside.held.append(replace(row, reason=KEPT))
        else:
            aside.changed.append(replace(row, reason=reason or CHANGED))


def _digest(reader: RowReader, index: int) -> bytes:
    return bytes.fromhex(reader.digests[index])


def _version(readers: Sequence[RowReader], row: Placed) -> int:
    return readers[row[3]].versions[row[4]]


def _take_over(aside: Aside, reader: RowReader, index: int, target: str) -> None:
    """Count a row as loaded that is there as `target`.

    Which version of it is there nobody knows, so it is noted as older than any.
    """
    key, match_key = reader.keys[index], reader.parents[-1][index]
    aside.found.append((key, reader.parts[index], target, 0, ""))
    aside.match_keys += [(each, target, key) for way in read_keys(match_key) for each in way]
