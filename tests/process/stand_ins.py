"""Both stand-ins and the real command as child processes, for tests that break things."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from connectors.clock import SystemClock
from service.config import Config
from service.config_load import load_config
from service.confirm import confirm_map
from service.errors import ROOTS
from state.workspace import DATABASE

CONFIG = """\
kustomer:
  base_url: {source}
  api_key: env:TEST_KUSTOMER_KEY
  search_per_minute: 100
  rate_share: {share}
salesforce:
  login_url: {target}
  client_id: env:TEST_CLIENT_ID
  client_secret: env:TEST_CLIENT_SECRET
  org_id: {org_id}
  default_owner: integration@acme.example
retry: {{base_seconds: 0.05, cap_seconds: 0.5}}
workspace: ./ferry
"""
KEY = "kustomer-demo-key"
SECRET = "demo-secret"
SECRETS = {
    "TEST_KUSTOMER_KEY": KEY,
    "TEST_CLIENT_ID": "deskferry-demo",
    "TEST_CLIENT_SECRET": SECRET,
}


@dataclass
class Journey:
    """One pair of stand-ins, a config, and the command.

    Somebody confirms the map before a first `migrate`, unless `confirmed` was set.
    """

    folder: Path
    source: str
    target: str
    org_id: str
    confirmed: bool = False

    def configure(self, *, share: float = 1.0, **replace: str) -> None:
        values = {"source": self.source, "target": self.target, "org_id": self.org_id, **replace}
        text = CONFIG.format(share=share, **values)
        (self.folder / "deskferry.yaml").write_text(text, encoding="utf-8")

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[str]":
        environment = {**os.environ, **(environment or {}), **SECRETS, **(secrets or {})}
        if "migrate" in arguments and not self.confirmed:
            self.confirm({**SECRETS, **(secrets or {})})
        return subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def confirm(self, secrets: Mapping[str, str] = SECRETS) -> None:
        """Confirm the map as a person would, without a process of its own, unless somebody did.

        Where that cannot be, the command under test meets the same trouble and says it.
        """
        if not confirmed_in(self.folder / "ferry" / DATABASE):
            confirm_in(self.folder, secrets)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        child = self.start(*arguments)
        out, err = child.communicate(timeout=600)
        return child.returncode, out, err

    def source_records(self, kind: str) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in self._lines(self.source, f"dump?kind={kind}")}

    def target_records(self, name: str) -> list[dict[str, Any]]:
        return list(self._lines(self.target, f"dump?object={name}"))

    def effects(self) -> list[dict[str, Any]]:
        return list(self._lines(self.target, "effects"))

    def stats(self, url: str) -> Any:
        return httpx.get(f"{url}/__admin/stats").json()

    def fault(self, url: str, **fault: Any) -> None:
        httpx.post(f"{url}/__admin/faults", json=fault).raise_for_status()

    def clear_faults(self, url: str) -> None:
        httpx.delete(f"{url}/__admin/faults").raise_for_status()

    def _lines(self, url: str, what: str) -> Iterator[Any]:
        reply = httpx.get(f"{url}/__admin/{what}", timeout=120)
        return (json.loads(line) for line in reply.text.split("\n") if line)


def confirm_in(folder: Path, secrets: Mapping[str, str]) -> None:
    """Confirm the map of a folder's config, if that can be done."""

    async def confirm(config: Config) -> None:
        await confirm_map(config, SystemClock(), by="a test")

    with pytest.MonkeyPatch.context() as patch:
        for name, value in secrets.items():
            patch.setenv(name, value)
        with suppress(*ROOTS, OSError):
            anyio.run(confirm, load_config(folder / "deskferry.yaml"))


def confirmed_in(state: Path) -> bool:
    """Tell whether a map was confirmed, or put in force by an earlier version."""
    if not state.exists():
        return False
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as database:
        for table in ("confirmation", "map"):
            with suppress(sqlite3.Error):
                if database.execute(f"SELECT 1 FROM {table}").fetchone():
                    return True
    return False


@contextmanager
def journey(
    folder: Path, source_options: list[str], target_options: list[str] | None = None
) -> Iterator[Journey]:
    with ExitStack() as stack:
        children = [
            stack.enter_context(_stand_in("kustomer", source_options)),
            stack.enter_context(_stand_in("salesforce", target_options or [])),
        ]
        source, target = (json.loads(child.stdout.readline()) for child in children if child.stdout)
        made = Journey(folder, source["url"], target["url"], target["org_id"])
        made.configure()
        yield made


@contextmanager
def _stand_in(name: str, options: list[str]) -> "Iterator[subprocess.Popen[str]]":
    child = subprocess.Popen(
        [sys.executable, "-m", "service", "simulate", name, *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def sizes(conversations: int, messages: int) -> list[str]:
    return [
        f"--conversations={conversations}",
        f"--messages={messages}",
        f"--notes={conversations // 2}",
        f"--customers={max(20, conversations // 3)}",
        "--companies=40",
        "--rate-limit=1000000",
        "--search-limit=1000000",
    ]
