"""`python -m benchmarks.delta`: calls and seconds of a delta by the number of changed records.

One org is loaded from the stand-in into the stand-in; then so many conversations are changed before each
delta. Seconds are of this machine, both stand-ins on it: look at their slope. Environment:
`BENCH_CONVERSATIONS` (10000).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

SECRETS = {
    "BENCH_KEY": "kustomer-demo-key",
    "BENCH_ID": "deskferry-demo",
    "BENCH_SECRET": "demo-secret",
}
CONFIG = """\
kustomer: {{base_url: "{source}", api_key: "env:BENCH_KEY", rate_share: 1.0, search_per_minute: 100}}
salesforce:
  login_url: "{target}"
  client_id: env:BENCH_ID
  client_secret: env:BENCH_SECRET
  org_id: {org}
  default_owner: integration@acme.example
delta: {{lag_seconds: 0, overlap_seconds: 0}}
"""
SHARES = (0.0, 0.0, 0.001, 0.01, 0.1, 0.5, 1.0)


class Ferry:
    """Both stand-ins and a workspace of its own."""

    def __init__(self, stack: ExitStack, conversations: int) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options = [f"--conversations={conversations}", f"--messages={conversations}"]
        limits = ["--rate-limit=1000000", "--search-limit=1000000"]
        self.source, _ = _stand_in(stack, "kustomer", *options, *limits)
        self.target, org = _stand_in(stack, "salesforce")
        text = CONFIG.format(source=self.source, target=self.target, org=org)
        (self._folder / "deskferry.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> tuple[float, dict[str, Any]]:
        """Run the command; returns its seconds and its document."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "service", "--json", *arguments],
            cwd=self._folder,
            env={**os.environ, **SECRETS},
            capture_output=True,
            check=False,
        )
        if done.returncode not in (0, 5):
            raise SystemExit(done.stderr.decode())
        return time.monotonic() - began, json.loads(done.stdout)

    def calls(self) -> tuple[int, int]:
        """Calls that both sides have counted."""
        routes = httpx.get(f"{self.source}/__admin/stats").json()["routes"]
        asked = sum(count for route, count in routes.items() if "__admin" not in route)
        return asked, int(httpx.get(f"{self.target}/__admin/stats").json()["api_calls"])

    def conversations(self) -> list[str]:
        """Ids of the living ones."""
        reply = httpx.get(f"{self.source}/__admin/dump?kind=conversation", timeout=120)
        rows = [json.loads(line) for line in reply.text.split("\n") if line]
        return sorted(row["id"] for row in rows if not row["attributes"].get("deleted"))

    def change(self, ids: list[str], turn: int) -> None:
        """Give each of them another name."""
        with httpx.Client() as client:
            for each in ids:
                url = f"{self.source}/__admin/records/conversation/{each}"
                given = {"attributes": {"name": f"turn {turn} of {each}"}}
                client.put(url, json=given).raise_for_status()


def _stand_in(stack: ExitStack, name: str, *options: str) -> tuple[str, str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "service", "simulate", name, *options], stdout=subprocess.PIPE
    )
    stack.callback(child.wait)
    stack.callback(child.kill)
    assert child.stdout is not None
    told = json.loads(child.stdout.readline())
    return told["url"], told.get("org_id", "")


def main() -> None:
    """Print a line for each number of changed records."""
    count = int(os.environ.get("BENCH_CONVERSATIONS", "10000"))
    with ExitStack() as stack:
        ferry = Ferry(stack, count)
        ferry.run("map", "confirm", "--by", "the benchmark")
        ferry.run("migrate")
        ferry.run("delta")
        ids = ferry.conversations()
        print(f"{'changed':>10}{'Kustomer calls':>16}{'Salesforce calls':>18}{'seconds':>10}")
        for turn, share in enumerate(SHARES):
            chosen = ids[: round(len(ids) * share)]
            ferry.change(chosen, turn)
            before = ferry.calls()
            seconds, _ = ferry.run("delta")
            asked, sent = (b - a for a, b in zip(before, ferry.calls(), strict=True))
            print(f"{len(chosen):>10,}{asked:>16,}{sent:>18,}{seconds:>10.1f}")


if __name__ == "__main__":
    main()
