"""How many records per second the default map takes, on one core.

    python -m benchmarks.transforms [--rows N]

Pages of 100 ordinary records (about 1 KB each) are parsed and mapped; the mapping alone is timed,
in CPU seconds, best of five rounds. Goals: 60,000 messages/s and 40,000 conversations/s.
"""

import argparse
import time
from importlib.resources import files
from typing import Any

import orjson

from tests.unit.transforms.samples import company, conversation, customer, message, note
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledPhase, MapSettings, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping

PAGE_ROWS = 100
ROUNDS = 5
BODY = 'Where is my order? I have been waiting since "Tuesday".\nThe number is 12.\n\n' * 5
LOOKUPS = Lookups(tags={"66aa00000000000000000001": "vip"})


def page(record: dict[str, Any]) -> bytes:
    """A page of records that differ in their ids only."""
    rows = [{**record, "id": f"{number:024x}"} for number in range(PAGE_ROWS)]
    return orjson.dumps(rows)


def seconds(phase: CompiledPhase, body: bytes, pages: int) -> float:
    """CPU seconds for mapping so many pages, each freshly parsed as in a real run."""
    spent = 0.0
    for _ in range(pages):
        rows = orjson.loads(body)
        start = time.process_time()
        block = phase(rows, LOOKUPS)
        spent += time.process_time() - start
        if block.held or block.skipped:
            raise SystemExit(f"{phase.name}: {(block.held + block.skipped)[0]}")
    return spent


def main() -> None:
    """Print a line per phase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    text = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
    mapping = parse_mapping(text, "default_mapping.yaml")
    compiled = compile_mapping(mapping, default_shape(), MapSettings("005000000000001AAA"))
    message_row = message(preview=BODY)
    for name, record in (
        ("companies", company()),
        ("customers", customer()),
        ("conversations", conversation()),
        ("messages", message_row),
        ("notes", note(body=BODY)),
    ):
        body = page(record)
        pages = max(1, rows // PAGE_ROWS)
        best = min(seconds(compiled.phases[name], body, pages) for _ in range(ROUNDS))
        size = len(body) // PAGE_ROWS
        print(f"{name:14} {pages * PAGE_ROWS / best:>10,.0f} records/s   ({size:,} bytes each)")


if __name__ == "__main__":
    main()
