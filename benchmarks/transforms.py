"""How many records per second the default map takes, on one core.

    python -m benchmarks.transforms [--pages N]

Pages of 100 ordinary records (about 1 KB each) are parsed and mapped; the mapping alone is timed,
page by page, in CPU seconds. The tenth percentile counts: other work on the machine only makes a
page slower. Goals: 60,000 messages/s and 40,000 conversations/s.
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
BODY = 'Where is my order? I have been waiting since "Tuesday".\nThe number is 12.\n\n' * 5
LOOKUPS = Lookups(tags={"66aa00000000000000000001": "vip"})


def page(record: dict[str, Any]) -> bytes:
    """A page of records that differ in their ids only."""
    rows = [{**record, "id": f"{number:024x}"} for number in range(PAGE_ROWS)]
    return orjson.dumps(rows)


def seconds(phase: CompiledPhase, body: bytes, pages: int) -> float:
    """CPU seconds for one page, each freshly parsed as in a real run: the tenth percentile."""
    spent = []
    for _ in range(pages):
        rows = orjson.loads(body)
        start = time.process_time()
        block = phase(rows, LOOKUPS)
        spent.append(time.process_time() - start)
        if block.held or block.skipped:
            raise SystemExit(f"{phase.name}: {(block.held + block.skipped)[0]}")
    return sorted(spent)[pages // 10]


def main() -> None:
    """Print a line per phase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=300)
    pages = parser.parse_args().pages
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
        best = seconds(compiled.phases[name], body, pages)
        size = len(body) // PAGE_ROWS
        print(f"{name:14} {PAGE_ROWS / best:>10,.0f} records/s   ({size:,} bytes each)")


if __name__ == "__main__":
    main()
