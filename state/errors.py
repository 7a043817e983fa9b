"""What can be wrong with a workspace, one class per thing an operator would do differently."""

from typing import ClassVar, Literal

Recovery = Literal["retry", "hold", "stop", "refuse"]


class StateError(Exception):
    """The root of the tree; the message is one plain sentence without record contents."""

    code: ClassVar[str] = "state-error"
    recovery: ClassVar[Recovery] = "stop"
    next_step: str = "Look at the workspace folder, then run the command again."

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        """`next_step` takes the place of the class's own where this case needs another."""
        super().__init__(message)
        self.message = message
        if next_step is not None:
            self.next_step = next_step


class StateTooNew(StateError):
    """The state was written by a newer Deskferry."""

    code = "state-too-new"
    recovery = "refuse"
    next_step = "Use the Deskferry version that wrote this workspace, or a newer one."


class StateTooOld(StateError):
    """The state has an earlier form, and was opened for looking only, which changes nothing."""

    code = "state-too-old"
    recovery = "refuse"
    next_step = (
        "Run deskferry migrate: it brings the state up and keeps a copy of the earlier form."
    )


class StateDamaged(StateError):
    """The database or a batch file is not what was written."""

    code = "state-damaged"
    recovery = "refuse"
    next_step = (
        "Run deskferry state check: it tells what is damaged. Then restore the workspace from a copy, "
        "or run deskferry state rebuild, which keeps the damaged files for support."
    )


class WorkspaceLocked(StateError):
    """Another process works in this workspace."""

    code = "workspace-locked"
    recovery = "refuse"
    next_step = "Wait for the other run to end, or stop it; it can be resumed."


class WorkspaceUnusable(StateError):
    """The folder cannot be written: rights, a read-only disk, or no such place."""

    code = "workspace-unusable"
    recovery = "refuse"
    next_step = "Give the user that runs Deskferry write access to the workspace folder."


class WorkspaceGone(StateError):
    """The workspace was there when the run began and is not there, or not the same one, any more."""

    code = "workspace-gone"
    recovery = "stop"
    next_step = (
        "Put the folder back where it was and run the command again; if it is lost, see `workspace "
        "deleted` in docs/promises.md."
    )


class WorkspaceCannotLock(StateError):
    """The workspace's file system has no locks, as some network file systems: nothing is safe there."""

    code = "workspace-cannot-lock"
    recovery = "refuse"
    next_step = "Put the workspace on a local disk (setting workspace in the config)."


class DiskFailed(StateError):
    """The workspace's disk refused to read or write, and not for want of room."""

    code = "disk-failed"
    recovery = "stop"
    next_step = "Look at the disk and the system's log; then run the command again, or use a copy."


class DiskFull(StateError):
    """No room is left for state, spool, report or log, or a quota or file size limit is reached."""

    code = "disk-full"
    recovery = "stop"
    next_step = "Make room on the workspace's disk, then run the command again."


class NoWorkspace(StateError):
    """There is no state yet to look at."""

    code = "no-workspace"
    recovery = "refuse"
    next_step = "Run deskferry migrate first, or check the workspace path in the config."


class IllegalStep(StateError):
    """A job was asked to take a step that its state does not allow: a fault of the program."""

    code = "illegal-step"
