"""The stored workspaces, and how to stand them up again."""

import tarfile
from pathlib import Path

FOLDER = Path(__file__).parent
# Generation is deterministic: the same options make the same org, whenever.
SOURCE_OPTIONS = [
    "--seed=11",
    "--conversations=40",
    "--messages=200",
    "--notes=20",
    "--customers=24",
    "--companies=8",
    "--rate-limit=1000000",
    "--search-limit=1000000",
    "--no-correspondents",
]
TARGETS = ("Account", "Contact", "Lead", "Case", "EmailMessage", "CaseComment")


def stored(name: str = "*") -> list[Path]:
    """The stored files, oldest form first; at least one of each name."""
    return sorted(FOLDER.glob(f"form-*-{name}.tar.xz"))


def unpack(stored_file: Path, folder: Path) -> None:
    """Put `ferry` and `target.json` into `folder`."""
    with tarfile.open(stored_file) as packed:
        packed.extractall(folder, filter="data")
