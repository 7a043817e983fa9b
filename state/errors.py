"""What can be wrong with a workspace, one class per thing an operator would do differently."""

from typing import ClassVar, Literal

Recovery = Literal["retry", "hold", "stop", "refuse"]


class StateError(Exception):
    """The root of the tree; the message is one plain sentence without record contents."""

    code: ClassVar[str] = "state-error"
    recovery: ClassVar[Recovery] = "stop"
    next_step: ClassVar[str] = "Look at the workspace folder, then run the command again."

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StateTooNew(StateError):
    """The state was written by a newer Deskferry."""

    code = "state-too-new"
    recovery = "refuse"
    next_step = "Use the Deskferry version that wrote this workspace, or a newer one."


class StateDamaged(StateError):
    """The database or a batch file is not what was written."""

    code = "state-damaged"
    recovery = "refuse"
    next_step = "Restore the workspace from a copy; keep the damaged one for support."


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


class DiskFull(StateError):
    """No room is left for state or spool."""

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
