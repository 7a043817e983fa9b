"""Both sides go wrong all the time, and the migration lives through it without a person."""

from collections import Counter
from pathlib import Path

import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_journey import assert_once

pytestmark = pytest.mark.process


def add_to_config(run: Journey, text: str) -> None:
    path = run.folder / "deskferry.yaml"
    path.write_text(path.read_text() + text, encoding="utf-8")


def chaos_at(rate: float, seed: int) -> list[str]:
    return [f"--chaos={rate}", f"--chaos-seed={seed}"]


def live_through(folder: Path, size: list[str], rate: float, seed: int) -> Counter[str]:
    """Run one migration through chaos; returns what struck, by kind."""
    source = [*size, "--rate-window=1", *chaos_at(rate, seed)]
    with journey(folder, source, chaos_at(rate, seed + 1000)) as run:
        code, _, err = run.run("migrate")
        assert code == 5, err  # users without a counterpart are held, as without chaos
        assert "Traceback" not in err
        struck: Counter[str] = Counter()
        for url in (run.source, run.target):
            struck.update(run.stats(url)["chaos"])
        check_everything(run)
        assert_once(run)
        comments = sum(
            each["op"] == "insert" and each["object"] == "CaseComment" for each in run.effects()
        )
        assert comments == len(run.target_records("CaseComment"))
        return struck


@pytest.mark.parametrize("seed", [1, 2])
def test_a_migration_in_which_every_20th_call_fails_ends_as_if_none_had(
    tmp_path: Path, seed: int
) -> None:
    struck = live_through(tmp_path, sizes(400, 3000), 0.05, seed)
    assert sum(struck.values()) >= 10
    assert len(struck) >= 5


@pytest.mark.large
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [11, 12])
def test_a_long_migration_in_chaos_meets_every_kind_of_fault(tmp_path: Path, seed: int) -> None:
    struck = live_through(tmp_path, sizes(4_000, 30_000), 0.10, seed)
    assert len(struck) >= 20
