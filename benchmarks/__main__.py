"""`make bench`: records a second, where the CPU time goes, memory at two sizes, and the floor.

The real command runs against canned replies from another process. The floor is measured in the
same run on the same bytes: parse every page with orjson and write one quoted CSV row a record,
nothing else. Compare ratios, not figures: the machine is never the same.

Environment: `BENCH_MESSAGES` (100000; above 10,000, since a smaller list is read by search, which is
not canned), `BENCH_MORE_MESSAGES` (400000; 0 leaves the second size and its memory line out),
`BENCH_LIMIT` (100 requests a window; 0 leaves the budget line out).
"""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.canned import ORG, PAGE, PLAIN, Source

CONFIG = """\
kustomer:
  base_url: {url}
  api_key: env:BENCH_SECRET
  rate_share: {share}
salesforce:
  login_url: {url}
  client_id: env:BENCH_SECRET
  client_secret: env:BENCH_SECRET
  org_id: {org}
  default_owner: 005000000000001AAA
workspace: ./ferry
"""
LARGE = "EmailMessage"
SHARE = 0.7
WINDOW_S = 6.0
WINDOWS = 7


@dataclass
class Run:
    """What one migration came to."""

    rows: int
    seconds: float
    measured: dict[str, Any]
    stand_in: dict[str, Any]
    source_bytes: int

    @property
    def peak_mb(self) -> float:
        """The migrating process's peak, in MB of a million bytes."""
        return float(self.measured["peak_bytes"]) / 1e6


def floor(messages: int) -> float:
    """Records a CPU second of parsing the pages and writing their rows as CSV."""
    source = Source(messages)
    begun = time.process_time()
    rows = 0
    for pages in source.pages.values():
        for page in pages:
            made = io.StringIO()
            writer = csv.writer(made, quoting=csv.QUOTE_ALL)
            for record in orjson.loads(page)["data"]:
                attributes = record["attributes"]
                writer.writerow([record["id"], *(str(value) for value in attributes.values())])
                rows += 1
            made.getvalue().encode()
    return rows / (time.process_time() - begun)


@contextmanager
def stand_in(messages: int, limit: int = PLAIN, window_s: float = 60.0) -> Iterator[dict[str, Any]]:
    """Canned replies in a process of their own, for the length of the block."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.canned", str(messages), str(limit), str(window_s)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def migrate(
    messages: int,
    limit: int = PLAIN,
    window_s: float = 60.0,
    share: float = 1.0,
    text: str = "",
) -> Run:
    """Run the real command once, by the default map or the one whose `text` is given."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stand_in(messages, limit, window_s) as facts,
    ):
        config, out = Path(folder) / "deskferry.yaml", Path(folder) / "measured.json"
        config.write_text(CONFIG.format(url=facts["url"], org=ORG, share=share))
        environment = {**os.environ, "BENCH_SECRET": "x"}
        if text:
            (Path(folder) / "ferry").mkdir(mode=0o700)
            map_file = Path(folder) / "ferry" / "mapping.yaml"
            map_file.write_text(text, encoding="utf-8")
            environment["BENCH_MAP"] = str(map_file)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.stages", str(out)),
                *("--config", str(config), "--json", "migrate"),
            ],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        with urllib.request.urlopen(f"{facts['url']}/bench") as reply:
            stand_in_told = json.loads(reply.read())
        measured = json.loads(out.read_text())
    told = json.loads(done.stdout)
    if "phases" not in told:
        sys.exit(done.stdout)
    rows = sum(book["loaded"] for book in told["phases"].values())
    return Run(rows, told["seconds"], measured, stand_in_told, facts["bytes"])


def show(name: str, value: str, note: str = "") -> None:
    """One line."""
    print(f"{name:<34}{value:>12}   {note}".rstrip())


def show_speed(run: Run, reached: float) -> None:
    """End to end, per stage, and what the other side cost."""
    rate, cpu = run.rows / run.seconds, run.measured["cpu_s"]
    show("records loaded", f"{run.rows:,}", f"{run.source_bytes:,} source bytes")
    show("records/s end to end", f"{rate:,.0f}", f"{run.seconds:.1f} s by the clock")
    show("records/CPU s, all threads", f"{run.rows / cpu:,.0f}", f"{cpu:.1f} CPU s")
    show("floor, records/CPU s", f"{reached:,.0f}", "parse + CSV of the same bytes")
    show("ratio to the floor, by the clock", f"{rate / reached:.3f}")
    show("ratio to the floor, CPU", f"{run.rows / cpu / reached:.3f}")
    ceiling = run.rows / run.stand_in["cpu_s"]
    show(
        "stand-in's own ceiling, records/s", f"{ceiling:,.0f}", "what it gives on a core of its own"
    )
    print(f"\n{'stage':<20}{'CPU s':>8}{'share':>8}{'us/record':>11}{'records/CPU s':>15}")
    for name, spent in run.measured["stages"].items():
        each = spent / run.rows
        print(
            f"{name:<20}{spent:>8.2f}{spent / cpu:>8.0%}{each * 1e6:>11.1f}{1 / max(each, 1e-9):>15,.0f}"
        )
    print()


def rows_per_batch(run: Run) -> float:
    """Rows in each of Salesforce's batches of 10,000 on the large object."""
    jobs = run.stand_in["rows"][LARGE]
    return sum(jobs) / sum(-(-rows // 10_000) for rows in jobs)


def show_budget(limit: int) -> None:
    """Read under a tight limit for some windows; tell what part of our share was used."""
    messages = int(limit * SHARE * WINDOWS * PAGE)
    told = migrate(messages, limit, WINDOW_S, SHARE).stand_in
    full = told["windows"][2:-1]  # the first windows are learning, the last is cut short
    used = sum(full) / (len(full) * limit * SHARE) if full else 0.0
    show(
        "used share of the request budget",
        f"{used:.1%}",
        f"{limit} requests per {WINDOW_S:.0f} s, {SHARE:.0%} ours; refused: {told['refused']}",
    )


def main() -> None:
    """Print everything."""
    messages = int(os.environ.get("BENCH_MESSAGES", "100000"))
    more = int(os.environ.get("BENCH_MORE_MESSAGES", "400000"))
    limit = int(os.environ.get("BENCH_LIMIT", "100"))
    reached = floor(messages)
    run = migrate(messages)
    show_speed(run, reached)
    show("peak memory, MB", f"{run.peak_mb:,.0f}", f"the migrating process, {run.rows:,} records")
    if more:
        larger = migrate(more)
        show("peak memory, MB", f"{larger.peak_mb:,.0f}", f"at {larger.rows:,} records")
        show("growth of the peak", f"{larger.peak_mb / run.peak_mb - 1:+.1%}")
        show("records/s at that size", f"{larger.rows / larger.seconds:,.0f}")
        run = larger
    show(f"rows per batch, {LARGE}", f"{rows_per_batch(run):,.0f}", "of 10,000")
    if limit:
        show_budget(limit)


if __name__ == "__main__":
    main()
