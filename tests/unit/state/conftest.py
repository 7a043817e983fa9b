"""A ledger in a fresh workspace, with a clock that stands still until a test moves it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from state.ledger import Ledger


class Clock:
    """Epoch seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "ferry"


@pytest.fixture
async def ledger(workspace: Path, clock: Clock) -> AsyncIterator[Ledger]:
    async with Ledger.open(workspace, clock=clock) as opened:
        yield opened
