"""A ledger and a Salesforce for recovery's tests; the process as it was after each test."""

import gc
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from state.ledger import Ledger
from tests.unit.service.remote import NOW, Remote


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """The command changes the process it runs in."""
    handler, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    yield
    signal.signal(signal.SIGTERM, handler)
    gc.set_threshold(*threshold)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def remote() -> Remote:
    return Remote()
