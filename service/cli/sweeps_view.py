"""Sweeps in plain words: when each stream was swept last, and what holds one."""

from datetime import UTC, datetime

import typer

from service.sweep_notes import SweepView


def print_stopped(view: SweepView) -> None:
    """Say that a sweep is held or cannot be made, and what to do; nothing for any other."""
    if view.state == "held":
        typer.echo(
            f"The sweep of {view.stream} is held: {view.why} If they were deleted, run deskferry delta "
            f"--accept {view.stream}; each is asked for by its id before anything is removed."
        )
    elif view.state == "unreadable":
        typer.echo(f"{view.stream} could not be swept: {view.why} Nothing was taken for deleted.")


def print_last(view: SweepView) -> None:
    """Say when a stream was swept last."""
    if view.finished_at is not None:
        at = datetime.fromtimestamp(view.finished_at, UTC)
        typer.echo(
            f"{view.stream:<14}swept at {at:%Y-%m-%d %H:%M} UTC: {view.missing:,} missing, "
            f"{view.deleted:,} of them deleted; {view.unseen:,} never read before"
        )
    print_stopped(view)
