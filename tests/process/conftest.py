"""What the crash, signal and soak tests of one worker share."""

from collections.abc import Iterator

import pytest

from tests.process.crash_org import Source
from tests.process.crash_rig import Rig, Whole, rig_for


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    with rig_for(Source()) as made:
        yield made


@pytest.fixture(scope="session")
def uninterrupted(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """What a migration leaves that nobody disturbs."""
    case = rig.case(tmp_path_factory.mktemp("uninterrupted"))
    whole = case.finish()
    case.assert_whole(whole, whole)
    for phase in ("customers", "messages", "notes"):
        assert whole.books[phase]["failed"], "the org's own rule refuses a row of each"
    assert whole.books["companies"]["matched"] >= 3
    assert sum(whole.effects.values()) > 400
    return whole
