"""Who still writes in Kustomer: records of a window that really changed, by who changed them.

Records are made into rows as the flow would make them, and compared with what the ledger knows was sent:
one that somebody only looked at comes out as before. Nothing is written, neither here nor there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.kustomer.client import KustomerClient, SearchQuery
from service.cutover.record import Writer
from service.narrowing import LeftOut, Narrowing
from service.pages import SourcePage
from service.phases import Phase
from service.planner import Planner
from service.sightings import GONE_DIGEST
from service.stage_log import open_narrowing
from state.ledger import Ledger
from transforms.block import Block
from transforms.compile import CompiledMapping
from transforms.lookups import Lookups

DAY_MS = 86_400_000
What = Literal["new", "changed", "deleted"]


@dataclass(frozen=True)
class Written:
    """One record that was written; `by`: a Kustomer user, '' when none is named. `at` is ISO 8601."""

    stream: str
    source_id: str
    what: What
    by: str
    at: str


class WriteLook:
    """Looks at windows of all streams that can be searched; small lists have no window."""

    def __init__(
        self,
        ledger: Ledger,
        client: KustomerClient,
        phases: Sequence[Phase],
        mapping: CompiledMapping,
        lookups: Lookups,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._phases = [each for each in phases if each.of is None and each.stream.search]
        self._mapping = mapping
        self._lookups = lookups

    async def look(self, low_ms: int, now_ms: int) -> list[Written]:
        """Return what was written since `low_ms`, epoch ms; raises the connectors' errors.

        The window has no end in practice: a record that is written again and again would slip out of one
        that ends now before it is read. Costs one search for each stream in which nothing has changed,
        and one more for each 500 records that were touched.
        """
        planner = Planner(self._client, now_ms=now_ms)
        narrowing = await open_narrowing(self._ledger)
        found: list[Written] = []
        for phase in self._phases:
            plan = await planner.changed(phase, low_ms, now_ms + DAY_MS)
            for piece in plan.slices:
                for number in range(1, int(piece["last_page"]) + 1):
                    found += await self._page(phase, piece, number, narrowing)
        return found

    async def _page(
        self,
        phase: Phase,
        piece: Mapping[str, Any],
        number: int,
        narrowing: Narrowing | None,
    ) -> list[Written]:
        query = SearchQuery(
            piece["context"],
            piece["criteria"],
            [{piece["sort"]: "asc"}],
            archive=piece["archive"],
            include_deleted=piece["deleted"],
        )
        page = await self._client.search_page(query, number, page_size=piece["page_size"])
        known = [row for row in page.rows if isinstance(row.get("id"), str)]
        if narrowing is not None:  # what the plan leaves out is no business of ours
            whole = SourcePage(phase.name, 0, number, known, [], 0)
            known = (await narrowing.narrow(whole, phase.kind, LeftOut())).rows
        if not known:
            return []
        rows = {row["id"]: row for row in known}
        block = self._mapping.phases[phase.name](known, self._lookups)
        what = await self._compared(phase, block)
        return [
            Written(phase.name, key, said, *_signed(rows[key]))
            for key, said in sorted(what.items())
            if key in rows
        ]

    async def _compared(self, phase: Phase, block: Block) -> dict[str, What]:
        """What happened to each record, by id; those that are as they were are absent."""
        gone = [each.source_id for each in block.skipped if each.reason == "deleted"]
        keys = {key for rows in block.tables.values() for key in rows.keys}
        every = sorted({*keys, *gone})
        standing = await self._ledger.crosswalk.standing(phase.kind, every)
        known = await self._ledger.crosswalk.known_parts(phase.kind, every, except_job=None)
        apart = await self._ledger.rows.apart(every)
        found: dict[str, What] = {}
        for rows in block.tables.values():
            for key, part, version, digest in zip(
                rows.keys, rows.parts, rows.versions, rows.digests, strict=True
            ):
                there = standing.get((key, part))
                if there is not None:
                    newer = version >= there.version_ms
                    if newer and bytes.fromhex(digest) != there.digest and key not in apart:
                        found[key] = "changed"
                elif (key, part) not in known and key not in apart:
                    found[key] = "new"
        for (key, _), there in standing.items():
            if key in gone and there.digest != GONE_DIGEST and key not in apart:
                found[key] = "deleted"
        return found


def summed(found: Sequence[Written], before: Sequence[Writer] = ()) -> list[Writer]:
    """Add records up by who wrote them, to those of `before`; most records first."""
    by_user = {each.user: each.model_copy(deep=True) for each in before}
    for each in found:
        writer = by_user.setdefault(
            each.by, Writer(user=each.by, records=0, last_at=each.at, streams=[])
        )
        writer.records += 1
        writer.last_at = max(writer.last_at, each.at)
        writer.streams = sorted({*writer.streams, each.stream})
    return sorted(by_user.values(), key=lambda writer: (-writer.records, writer.user))


def _signed(row: Mapping[str, Any]) -> tuple[str, str]:
    """Who wrote a record last, and when."""
    attributes = row.get("attributes") or {}
    at = attributes.get("updatedAt") or attributes.get("createdAt")
    relations = row.get("relationships") or {}
    for name in ("modifiedBy", "createdBy"):
        data = (relations.get(name) or {}).get("data") or {}
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            return data["id"], str(at or "")
    return "", str(at or "")
