"""Named SQL: every statement is valid, and every one is used by the module of its group."""

import re
from importlib.resources import files

import pytest

from state import queries
from state.ledger import Ledger

GROUPS = sorted(path.name[:-4] for path in (files("state") / "sql").iterdir())


@pytest.mark.parametrize("group", GROUPS)
async def test_every_statement_is_valid(ledger: Ledger, group: str) -> None:
    async with ledger.write() as tx:
        for name, sql in queries.load(group).items():
            ready = sql.replace("/*keys*/", "?")
            assert await tx.fetch(f"EXPLAIN {ready}", [None] * _marks(ready)), name


def _marks(sql: str) -> int:
    """A plain mark is numbered one above the highest before it, as SQLite does."""
    highest = 0
    for number in re.findall(r"\?(\d*)", sql):
        highest = max(highest, int(number)) if number else highest + 1
    return highest


@pytest.mark.parametrize("group", GROUPS)
def test_every_statement_is_used(group: str) -> None:
    code = (files("state") / f"{group}.py").read_text(encoding="utf-8")
    for name in queries.load(group):
        assert f'"{name}"' in code, f"{group}.{name}"
