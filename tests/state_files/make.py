"""Makes the two stored workspaces of the ledger's present form: `python -m tests.state_files.make`.

Run it once when a form is released, and never again for that form: stored files are evidence.
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from state import queries
from tests.process.stand_ins import Journey, journey
from tests.state_files.stored import SOURCE_OPTIONS, TARGETS

FOLDER = Path(__file__).parent
# The fourth job, that of the Cases: uploaded and not closed when the process dies.
STOP_AT = "job-upload-noted:4"


def make(name: str, crash_at: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with journey(folder, SOURCE_OPTIONS) as run:
            child = run.start("migrate", environment={"DESKFERRY_CRASH_AT": crash_at})
            _, err = child.communicate(timeout=120)
            print(name, "ended with", child.returncode, err[-200:])  # noqa: T201
            (folder / "target.json").write_text(json.dumps(target_of(run)), encoding="utf-8")
        path = FOLDER / f"form-{len(queries.migrations()):04d}-{name}.tar.xz"
        with tarfile.open(path, "x:xz") as packed:
            packed.add(folder / "ferry", "ferry")
            packed.add(folder / "target.json", "target.json")


def target_of(run: Journey) -> dict[str, list[dict[str, object]]]:
    return {name: run.target_records(name) for name in TARGETS}


if __name__ == "__main__":
    make("finished", "")
    make("stopped", STOP_AT)
    sys.exit(0)
