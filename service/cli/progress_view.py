"""Progress on stderr: a live table on a terminal, plain lines without one."""

import sys
from collections.abc import Callable

import anyio
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from service.progress import PhaseSnapshot, RunSnapshot

LIVE_S = 0.5
PLAIN_S = 10.0
BAR_WIDTH = 16


async def show_progress(snapshot: Callable[[], RunSnapshot]) -> None:
    """Show the run until cancelled."""
    if sys.stderr.isatty():
        await _live(snapshot)
    else:
        await _plain(snapshot)


async def _live(snapshot: Callable[[], RunSnapshot]) -> None:
    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        while True:
            live.update(_table(snapshot()))
            await anyio.sleep(LIVE_S)


async def _plain(snapshot: Callable[[], RunSnapshot]) -> None:
    states: dict[str, str] = {}
    due = 0.0
    waited = False
    pace: str | None = None
    while True:
        seen = snapshot()
        if seen.pace and seen.pace != pace:
            typer.echo(f"kustomer: {seen.pace}", err=True)
        pace = seen.pace
        for phase in seen.phases:
            changed = states.get(phase.name, "waiting") != phase.state
            working = phase.state in ("extracting", "loading", "checking")
            if changed or (working and seen.now >= due):
                typer.echo(plain_line(phase), err=True)
            states[phase.name] = phase.state
        if seen.waiting_for and (not waited or seen.now >= due):
            typer.echo(f"waiting for {seen.waiting_for}", err=True)
        waited = seen.waiting_for is not None
        if seen.now >= due:
            due = seen.now + PLAIN_S
        await anyio.sleep(LIVE_S)


def plain_line(phase: PhaseSnapshot) -> str:
    """One phase in one line."""
    total = f" of {phase.source_total:,}" if phase.source_total is not None else ""
    return (
        f"{phase.name}: {phase.state}, {phase.extracted:,}{total} extracted, "
        f"{phase.loaded:,} loaded, {phase.matched:,} matched, {phase.held:,} held, "
        f"{phase.failed:,} failed, {phase.rate_per_s:,.0f}/s, {eta(phase)}"
    )


def eta(phase: PhaseSnapshot) -> str:
    """The time left, or that it cannot be told."""
    if phase.state == "done":
        return "done"
    if phase.eta_s is None:
        return "time left unknown"
    minutes, seconds = divmod(int(phase.eta_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"about {hours}:{minutes:02d}:{seconds:02d} left at this pace"


def bar(phase: PhaseSnapshot) -> ProgressBar | str:
    """How far the phase is, of what the source counts; nothing where that is not known."""
    if phase.state == "done":
        return ProgressBar(total=1, completed=1, width=BAR_WIDTH)
    if not phase.source_total:
        return ""
    settled = phase.loaded + phase.matched + phase.skipped + phase.held + phase.failed
    return ProgressBar(
        total=2 * max(phase.source_total, phase.extracted),
        completed=phase.extracted + settled + phase.duplicates,
        width=BAR_WIDTH,
    )


def _table(seen: RunSnapshot) -> Group:
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    for name in ("extracted", "loaded", "matched", "held", "failed", "rate/s"):
        table.add_column(name, justify="right")
    table.add_column("")
    table.add_column("state")
    for phase in seen.phases:
        counts = (phase.extracted, phase.loaded, phase.matched, phase.held, phase.failed)
        table.add_row(
            phase.name,
            *(f"{count:,}" for count in counts),
            f"{phase.rate_per_s:,.0f}",
            bar(phase),
            phase.state if phase.state in ("waiting", "done") else f"{phase.state}, {eta(phase)}",
        )
    notes = [
        f"{budget.name}: {budget.used} of {budget.allowed} requests in this window"
        + (f", paused: {budget.paused_because}" if budget.paused_because else "")
        for budget in seen.requests
    ]
    if seen.pace:
        notes.append(f"kustomer: {seen.pace}")
    if seen.waiting_for:
        notes.append(f"waiting for {seen.waiting_for}")
    return Group(table, *notes)
