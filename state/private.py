"""Files and folders for their owner only, whatever the umask of the process is."""

import os
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


def private_file(path: Path, flags: int = _FRESH) -> int:
    """Open `path` with mode 0600 and return its descriptor; an existing file is tightened too.

    By default it is emptied for writing, and a symbolic link in its place is not followed. Raises
    `OSError`.
    """
    handle = os.open(path, flags, FILE_MODE)
    try:
        os.fchmod(handle, FILE_MODE)
    except PermissionError:  # another user's file that we may write: its rights are theirs
        pass
    except BaseException:
        os.close(handle)
        raise
    return handle


def private_folder(path: Path) -> None:
    """Make a folder with mode 0700, and those above it; what is there stays. Raises `OSError`."""
    if path.is_dir():
        return
    if not path.parent.exists():
        private_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(FOLDER_MODE)


def write_private(path: Path, data: bytes) -> None:
    """Write a small file with mode 0600. Raises `OSError`."""
    with os.fdopen(private_file(path), "wb") as file:
        file.write(data)
