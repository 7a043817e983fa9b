"""`map split`: how many records go to each object by the map's rules, counted of all of them.

The source is read whole by the planner and the extractor that `migrate` uses, with a ledger of its own
that is thrown away; each page is transformed by the map as it is, and only what became of each id is
kept. Nothing is written in either org or in the workspace.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import anyio

from connectors.clock import Clock
from service.compose import KustomerSide, open_kustomer_side, open_salesforce
from service.config import Config
from service.declared import phases_of
from service.extract import Extractor
from service.identity import right_org
from service.map_functions import load_functions
from service.mapped import default_owner, map_text, parsed, read_shape
from service.names import read_lookups
from service.pages import PageQueue, show_pages
from service.phases import Phase
from service.planner import Planner
from state.ledger import Ledger
from transforms.block import Block
from transforms.compile import CompiledPhase, compile_mapping
from transforms.lookups import Lookups
from transforms.planned import planned

_BUCKETS = 4096


@dataclass(frozen=True)
class PhaseSplit:
    """What becomes of the records of one kind, each counted once.

    `held` and `skipped`: by reason, of those that go to no object. `records` is the sum of all. `way`:
    how they were read; `gap`: what could not be read by any way, None when nothing.
    """

    phase: str
    records: int
    branches: Mapping[str, int]
    held: Mapping[str, int]
    skipped: Mapping[str, int]
    way: str
    gap: str | None


@dataclass(frozen=True)
class Split:
    """The phases of which the map chooses an object, and what looking cost: requests, and seconds."""

    phases: list[PhaseSplit]
    requests: int
    seconds: float


class Outcomes:
    """What became of each id, the last word counting; nine bytes a record.

    Ids are known by a hash of 64 bits: among ten million, two are taken for one in a run of a million.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], int] = {}
        self._ids = [array("Q") for _ in range(_BUCKETS)]
        self._became = [array("H") for _ in range(_BUCKETS)]

    def add(self, block: Block) -> None:
        """Note the outcome of one page."""
        for table, rows in block.tables.items():
            self._note(
                "branch", table, (k for k, p in zip(rows.keys, rows.parts, strict=True) if not p)
            )
        for held in block.held:
            self._note("held", held.reason, iter([held.source_id]))
        for skipped in block.skipped:
            self._note("skipped", skipped.reason, iter([skipped.source_id]))

    def _note(self, what: str, name: str, ids: Iterator[str]) -> None:
        number = self._names.setdefault((what, name), len(self._names))
        for each in ids:
            known = int.from_bytes(blake2b(each.encode(), digest_size=8).digest(), "big")
            self._ids[known % _BUCKETS].append(known)
            self._became[known % _BUCKETS].append(number)

    def counts(self, what: str) -> dict[str, int]:
        """How many became each: `branch`, `held` or `skipped`."""
        found: Counter[int] = Counter()
        for ids, became in zip(self._ids, self._became, strict=True):
            found.update(dict(zip(ids, became, strict=True)).values())
        return {
            name: found[number]
            for (kind, name), number in sorted(self._names.items())
            if kind == what and found[number]
        }


async def count_split(config: Config, clock: Clock) -> Split:
    """Count all records by the object that the workspace's map chooses for them.

    It costs about one request for a hundred records, within the share of the limit. Raises `WrongOrg`,
    `MappingInvalid`, `MappingDoesNotFit` and the connectors' errors.
    """
    began = clock.monotonic()
    mapping = parsed(map_text(config))
    async with (
        open_kustomer_side(config, clock, patient=True) as kustomer,
        open_salesforce(config, clock, patient=True) as salesforce,
        anyio.TemporaryDirectory(prefix="deskferry-split-") as folder,
        Ledger.open(Path(folder) / "ferry", clock=clock.now) as scratch,
    ):
        await right_org(config, salesforce)
        shape = planned(mapping, await read_shape(mapping, salesforce))
        owner = await default_owner(config, salesforce)
        compiled = compile_mapping(mapping, shape, load_functions(config, mapping).settings(owner))
        lookups = await read_lookups(kustomer.client)
        found = [
            await _split(
                config, clock, scratch, kustomer, phase, compiled.phases[phase.name], lookups
            )
            for phase in phases_of(mapping)
            if len(phase.objects) > 1 and phase.name in compiled.phases and phase.of is None
        ]
        return Split(found, kustomer.client.requests_sent, round(clock.monotonic() - began, 1))


async def _split(
    config: Config,
    clock: Clock,
    scratch: Ledger,
    kustomer: KustomerSide,
    phase: Phase,
    compiled: CompiledPhase,
    lookups: Lookups,
) -> PhaseSplit:
    queue = PageQueue(config.queue_mb * 1_000_000)
    extractor = Extractor(
        kustomer.client,
        scratch,
        queue,
        planner=Planner(kustomer.client, now_ms=int(clock.now() * 1000)),
        readers=config.kustomer.connections,
        clock=clock,
    )
    outcomes = Outcomes()

    async def read() -> None:
        await extractor.read(phase, await extractor.plan(phase))

    await show_pages(queue, read, lambda page: outcomes.add(compiled(page.rows, lookups)))
    branches = dict.fromkeys(compiled.tables, 0) | outcomes.counts("branch")
    return PhaseSplit(
        phase.name,
        sum(sum(outcomes.counts(what).values()) for what in ("branch", "held", "skipped")),
        branches,
        outcomes.counts("held"),
        outcomes.counts("skipped"),
        await scratch.facts.get(f"way.{phase.name}") or "",
        await scratch.facts.get(f"gap.{phase.name}"),
    )
