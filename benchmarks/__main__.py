"""`make bench`: records a second end to end, peak memory, and the ratio to the floor.

The floor is measured in the same run on the same bytes: parse every page with orjson and write one
quoted CSV cell block a record, nothing else. `BENCH_MESSAGES` sets the size (100,000 by default).
"""

import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.canned import ORG, Canned

CONFIG = """\
kustomer:
  base_url: {url}
  api_key: env:BENCH_SECRET
  rate_share: 1.0
salesforce:
  login_url: {url}
  client_id: env:BENCH_SECRET
  client_secret: env:BENCH_SECRET
  org_id: {org}
workspace: ./ferry
"""


def floor(messages: int) -> float:
    """Records a second of parsing the pages and writing their rows as CSV."""
    pages = [page for pages in Canned(messages).pages.values() for page in pages]
    begun = time.perf_counter()
    rows = 0
    for page in pages:
        made = io.StringIO()
        writer = csv.writer(made, quoting=csv.QUOTE_ALL)
        for record in orjson.loads(page)["data"]:
            attributes = record["attributes"]
            writer.writerow([record["id"], *(str(value) for value in attributes.values())])
            rows += 1
        made.getvalue().encode()
    return rows / (time.perf_counter() - begun)


def end_to_end(messages: int) -> None:
    """Run the real command against the canned replies and print what it came to."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.canned", str(messages)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            facts = json.loads(server.stdout.readline())
            config = Path(folder) / "deskferry.yaml"
            config.write_text(CONFIG.format(url=facts["url"], org=ORG))
            done = subprocess.run(
                [sys.executable, "-m", "service", "--config", str(config), "--json", "migrate"],
                env={**os.environ, "BENCH_SECRET": "x"},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=False,
            )
        finally:
            server.kill()
            server.wait()
    told = json.loads(done.stdout)
    if "phases" not in told:
        sys.exit(done.stdout)
    rows = sum(book["loaded"] for book in told["phases"].values())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    rate = rows / told["seconds"]
    reached = floor(messages)
    print(f"records loaded        {rows:>12,}")
    print(f"source bytes          {facts['bytes']:>12,}")
    print(f"seconds               {told['seconds']:>12.1f}")
    print(f"records a second      {rate:>12,.0f}")
    print(f"floor, records/s      {reached:>12,.0f}")
    print(f"ratio to the floor    {rate / reached:>12.2f}")
    print(f"peak memory, MB       {peak / 1000:>12,.0f}   (largest child: stand-in included)")


if __name__ == "__main__":
    end_to_end(int(os.environ.get("BENCH_MESSAGES", "100000")))
