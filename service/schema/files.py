"""The source files in the workspace: to read, to keep under version control, to deploy by hand.

`source/` is all that the map needs, `deploy/` what the org lacks of it now, and `removal/` what takes
back all that was made. Each is written anew by every plan; what else lies in the folder stays.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from state.plain import plain_errors

FOLDER = "schema"


def write_files(workspace: Path, packages: Mapping[str, Mapping[str, str]]) -> Path:
    """Write packages (folder to files) below `workspace/schema`, readable by their owner only.

    Each folder is swapped whole, so that none is ever a mixture. Raises `DiskFull`,
    `WorkspaceUnusable`. Returns the folder of all.
    """
    home = workspace / FOLDER
    with plain_errors():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, files in packages.items():
            aside = home / f".{name}.part"
            shutil.rmtree(aside, ignore_errors=True)
            for path, text in files.items():
                _put(aside / path, text)
            shutil.rmtree(home / name, ignore_errors=True)
            if files:
                aside.replace(home / name)
    return home


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
