"""`python -m benchmarks.supplied [--rows N]`: what it costs that Cases take over of their Leads.

Customers are transformed and sealed, and conversations transformed, sealed and put together into jobs,
in turns with and without it; CPU seconds of the whole process, as ratios of one run. The medians of pairs
are compared: other work on the machine strikes both alike.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import orjson

from benchmarks.profiles import LOOKUPS, MAPPING, PAGE_ROWS, pages
from service.assemble import Assembler
from service.mapped import default_mapping
from service.pages import PageQueue, SourcePage
from service.phases import PHASES, phase_named
from service.progress import PhaseProgress
from service.seal import Sealer
from service.unsealed import Transformer, Unsealed
from state.ledger import Ledger
from tests.unit.transforms.samples import conversation, customer
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape

_LINE = ", supplied: {Lead: {SuppliedName: name, SuppliedEmail: email}}"
TURNS = 7


def compiled(*, with_it: bool) -> CompiledMapping:
    """The default map, with or without what Cases take over."""
    shape = default_shape()
    fields = {name: FieldShape(name, "string", 80) for name in ("SuppliedName", "SuppliedEmail")}
    shape["Case"] = replace(shape["Case"], fields={**shape["Case"].fields, **fields})
    text = default_mapping()
    assert _LINE in text
    mapping = MAPPING if with_it else parse_mapping(text.replace(_LINE, ""), "m")
    return compile_mapping(mapping, shape, MapSettings("005000000000001AAA"))


class Line:
    """One workspace, and what is measured in it."""

    def __init__(self, ledger: Ledger, made: CompiledMapping) -> None:
        self._ledger = ledger
        self._made = made
        moved = Transformer(PHASES, made, LOOKUPS, lanes=4)
        self._moved = moved
        self._sealer = Sealer(ledger, PageQueue(10**9), moved, spool_limit_bytes=10**12)

    async def spend(self, name: str, bodies: list[bytes]) -> float:
        """CPU seconds of transforming and sealing pages, and of putting their rows together."""
        parsed = [orjson.loads(each) for each in bodies]
        rows = Unsealed()
        begun = time.process_time()
        for number, page in enumerate(parsed):
            self._moved.absorb(SourcePage(name, 0, number, page, [], 0), rows)
        await self._sealer.seal(name, rows, {name: PhaseProgress(name)})
        if name == "conversations":
            await self._assemble()
        return time.process_time() - begun

    async def _assemble(self) -> None:
        phase = phase_named("conversations")
        batches = await self._ledger.batches.ready(phase.name, "Case")
        table = self._made.phases[phase.name].tables["Case"]
        with ExitStack() as stack:
            job = await Assembler(self._ledger, phase, table).assemble(stack, batches, [])
            assert sum(map(len, job.chunks())) > 0

    async def arrived(self, count: int) -> None:
        """Let the customers be Leads."""
        entries = [(f"{n:024x}", 0, f"00Q{n:015d}", 0, b"d") for n in range(1, count + 1)]
        async with self._ledger.write() as tx:
            await self._ledger.crosswalk.learn(
                tx, "customer", "Lead", entries, origin="loaded", job=1
            )


def linked(bodies: list[bytes]) -> list[bytes]:
    """Conversations of as many customers: each its own."""
    made = []
    for body in bodies:
        rows: list[dict[str, Any]] = orjson.loads(body)
        for row in rows:
            row["relationships"] = {
                **row["relationships"],
                "customer": {"data": {"type": "customer", "id": row["id"]}},
            }
        made.append(orjson.dumps(rows))
    return made


async def measure(count: int) -> None:
    """Print a line for each path."""
    lead = customer()
    del lead["relationships"]["company"]
    paths = {
        "customers": pages(lead, 0, count // PAGE_ROWS),
        "conversations": linked(pages(conversation(), 0, count // PAGE_ROWS)),
    }
    spent: dict[str, dict[bool, list[float]]] = {name: {True: [], False: []} for name in paths}
    for turn in range(TURNS):
        async with AsyncExitStack() as stack:
            lines = {}
            for with_it in (True, False):
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                opened = Ledger.open(Path(folder) / "ferry", clock=time.time)
                ledger = await stack.enter_async_context(opened)
                lines[with_it] = Line(ledger, compiled(with_it=with_it))
            for name, bodies in paths.items():
                for with_it in (True, False) if turn % 2 else (False, True):
                    spent[name][with_it].append(await lines[with_it].spend(name, bodies))
                    await lines[with_it].arrived(count if name == "customers" else 0)
    for name, each in spent.items():
        ratio = statistics.median(a / b for a, b in zip(each[True], each[False], strict=True))
        without = statistics.median(each[False]) / count * 1e6
        print(f"{name:16} {without:6.1f} us/record without; with / without {ratio:.2f}")


def main() -> None:
    """Print a line for each path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    anyio.run(measure, parser.parse_args().rows)


if __name__ == "__main__":
    main()
