"""A workspace as a migration leaves it, and the command run inside this process."""

import sys
from pathlib import Path

import pytest

from service.cli import main
from state.ledger import Ledger
from state.rows import RowEntry

CONFIG = """\
kustomer:
  base_url: {source}
  api_key: env:TEST_KEY
salesforce:
  login_url: {target}
  client_id: env:TEST_CLIENT
  client_secret: env:TEST_SECRET
  org_id: {org_id}
workspace: ./ferry
"""
GOOD = "66f0a1b2c3d4e5f601020301"
HELD = "66f0a1b2c3d4e5f601020302"
TARGET = "0035f00000AbCdEAAV"


def clock() -> float:
    return 1_700_000_000.0


def write_config(
    folder: Path,
    *,
    source: str = "http://127.0.0.1:9",
    target: str = "http://127.0.0.1:9",
    org_id: str = "00D5f000000Dsk1EAC",
) -> Path:
    path = folder / "deskferry.yaml"
    path.write_text(CONFIG.format(source=source, target=target, org_id=org_id), encoding="utf-8")
    return path


async def fill(folder: Path) -> None:
    """Leave a workspace with one phase that balances and one that does not."""
    async with Ledger.open(folder / "ferry", clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "salesforce_org", "00D5f000000Dsk1")
        await ledger.facts.set(tx, "source_total.customers", "3")
        await ledger.crosswalk.learn(
            tx, "customer", "Contact", [(GOOD, 0, TARGET, 5, b"")], origin="loaded", job=1
        )
        await ledger.books.add(tx, "customers", extracted=3, loaded=1)
        await ledger.books.add_reason(tx, "customers", "skipped", "deleted", 1)
        held = RowEntry("customers", HELD, 0, "held", "parent-missing", "company", "", None)
        await ledger.rows.put(tx, [held])
        await ledger.gates.close(tx, "customers", at=1.0, source_count=3, target_count=1)
        await ledger.books.add(tx, "conversations", extracted=2)
        await ledger.gates.close(tx, "conversations", at=2.0, source_count=2, target_count=0)
        run = await ledger.runs.start(tx, "migrate", 17)
        await ledger.runs.finish(tx, run, 5)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `deskferry` here; returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["deskferry", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.run()
    code = ended.value.code
    assert isinstance(code, int)
    return code
