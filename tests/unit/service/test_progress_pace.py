"""The progress without a terminal says what is ours of Kustomer's budgets, each time it changes."""

from collections.abc import Iterator

import pytest

from service.cli import progress_view
from service.progress import RunProgress, RunSnapshot


class Enough(Exception):
    """The test has seen what it wanted."""


async def test_a_share_is_told_when_it_is_new_and_only_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_view, "LIVE_S", 0)
    shares: Iterator[str | None] = iter(["30 %, until 18:00", "30 %, until 18:00", "70 %", "70 %"])
    progress = RunProgress({}, started_at=0.0)

    def snapshot() -> RunSnapshot:
        share = next(shares, "")
        if share == "":
            raise Enough
        progress.pace = lambda _: share
        return progress.snapshot(5.0)

    with pytest.raises(Enough):
        await progress_view.show_progress(snapshot)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("kustomer")]
    assert told == ["kustomer: 30 %, until 18:00", "kustomer: 70 %"]
