"""What the profile of all records adds to transform and seal, as a ratio of one run.

    python -m benchmarks.profiles [--pages N]

Pages of 100 ordinary records are transformed and sealed into a workspace, in turns with and without the
profile; CPU seconds of the whole process. The medians of pairs are compared: other work on the machine
strikes both alike. `customers (25 attributes)` have custom attributes beyond the ordinary.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import orjson

from service.pages import PageQueue, SourcePage
from service.phases import PHASES
from service.profiling import Profiler
from service.progress import PhaseProgress
from service.seal import Sealer
from service.unsealed import Transformer, Unsealed
from state.ledger import Ledger
from tests.unit.transforms.samples import company, conversation, customer, message, note
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import MapSettings, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.schema.tally import PageTally, standard_paths

PAGE_ROWS = 100
PAGES_A_SEAL = 80  # about as many as are sealed together
BODY = 'Where is my order? I have been waiting since "Tuesday".\nThe number is 12.\n\n' * 5
LOOKUPS = Lookups(tags={"66aa00000000000000000001": "vip"})
MAPPING = parse_mapping(
    (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8"),
    "default_mapping.yaml",
)


def pages(record: dict[str, Any], custom: int, count: int) -> list[bytes]:
    """Pages of records that differ in their ids, bodies and custom attributes."""
    made, serial = [], 0
    for _ in range(count):
        rows = []
        for _ in range(PAGE_ROWS):
            serial += 1
            attributes = dict(record["attributes"])
            if "preview" in attributes:
                attributes["preview"] = f"{serial} {BODY}"
            if custom:
                own = {f"choice{n}Str": f"value {serial % (n + 2)}" for n in range(custom // 2)}
                own |= {f"free{n}Str": f"{serial} free {n}" for n in range(custom - custom // 2)}
                attributes["custom"] = attributes.get("custom", {}) | own
            rows.append({**record, "id": f"{serial:024x}", "attributes": attributes})
        made.append(orjson.dumps(rows))
    return made


@asynccontextmanager
async def line(name: str, *, profiled: bool) -> AsyncIterator[tuple[Transformer, Sealer]]:
    """A transformer and a sealer of a workspace of their own."""
    compiled = compile_mapping(MAPPING, default_shape(), MapSettings("005000000000001AAA"))
    with tempfile.TemporaryDirectory() as folder:
        async with Ledger.open(Path(folder) / "ferry", clock=time.time) as ledger:
            profiler = None
            if profiled:
                tally = PageTally(await ledger.profiles.begin(), standard_paths(MAPPING, name))
                kind = next(each.kind for each in PHASES if each.name == name)
                profiler = Profiler(ledger, {name: (kind, tally)})
            moved = Transformer(PHASES, compiled, LOOKUPS, lanes=4, profiler=profiler)
            yield moved, Sealer(ledger, PageQueue(10**9), moved, spool_limit_bytes=10**12)


async def spend(
    name: str, moved: Transformer, sealer: Sealer, bodies: list[bytes], first: int
) -> float:
    """CPU seconds of transforming and sealing one seal's pages, freshly parsed."""
    parsed = [orjson.loads(each) for each in bodies]
    rows = Unsealed()
    begun = time.process_time()
    for number, page in enumerate(parsed, start=first):
        moved.absorb(SourcePage(name, 0, number, page, [], 0), rows)
    await sealer.seal(name, rows, {name: PhaseProgress(name)})
    return time.process_time() - begun


async def measure(title: str, name: str, bodies: list[bytes]) -> None:
    """Print one line."""
    ratios, plain_s, with_s = [], [], []
    async with line(name, profiled=False) as plain, line(name, profiled=True) as counting:
        for first in range(0, len(bodies), PAGES_A_SEAL):
            some = bodies[first : first + PAGES_A_SEAL]
            pair = {}
            for each in (plain, counting) if first % (2 * PAGES_A_SEAL) else (counting, plain):
                pair[each is counting] = await spend(name, *each, some, first)
            plain_s.append(pair[False] / len(some) / PAGE_ROWS)
            with_s.append(pair[True] / len(some) / PAGE_ROWS)
            ratios.append(pair[True] / pair[False])
    without, counted = statistics.median(plain_s), statistics.median(with_s)
    added = statistics.median(ratios) - 1
    print(f"{title:28} {without * 1e6:7.1f} -> {counted * 1e6:6.1f} us/record   {added:+.1%}")


def main() -> None:
    """Print a line per phase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1_200)
    count = parser.parse_args().pages
    cases: tuple[tuple[str, str, dict[str, Any], int], ...] = (
        ("companies", "companies", company(), 0),
        ("customers", "customers", customer(), 0),
        ("customers (25 attributes)", "customers", customer(), 25),
        ("conversations", "conversations", conversation(), 0),
        ("messages", "messages", message(), 0),
        ("notes", "notes", note(body=BODY), 0),
    )
    for title, name, record, custom in cases:
        anyio.run(measure, title, name, pages(record, custom, count))


if __name__ == "__main__":
    main()
