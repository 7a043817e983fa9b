"""`deskferry demo`: the whole journey against the shipped stand-ins."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import typer

from service.cli.documents import DemoDocument
from service.cli.frame import GlobalOptions, guarded, print_document
from service.errors import ATTENTION, DONE, DeskferryError

CONFIG = """\
kustomer:
  base_url: {kustomer}
  api_key: env:DESKFERRY_DEMO_KUSTOMER_KEY
  search_per_minute: 100
salesforce:
  login_url: {salesforce}
  client_id: env:DESKFERRY_DEMO_CLIENT_ID
  client_secret: env:DESKFERRY_DEMO_CLIENT_SECRET
  org_id: {org_id}
  default_owner: integration@acme.example
delta: {{lag_seconds: 0, overlap_seconds: 60}}
cutover: {{quiet_minutes: 0.02, look_seconds: 1, verify_sample: 50, sweep: false}}
workspace: ./ferry
"""
AGENTS = "(100 writes in Kustomer)"
STEPS = (
    ("check", "Is everything ready?"),
    ("map propose", "What becomes of the org's own attributes?"),
    ("map show --proposed", "The proposal, with real values side by side:"),
    ("schema deploy", "The fields that the map makes:"),
    ("map confirm --by demo", "Nothing moves before somebody has confirmed the map:"),
    ("users sync", "Who are the agents? The config names a fallback for those without a match:"),
    ("users list", ""),
    ("migrate", "The full load:"),
    ("migrate", "Once more: nothing is left to do, and nothing is written."),
    (AGENTS, "Meanwhile agents go on in Kustomer."),
    ("delta", "What they did comes over; nothing else is written:"),
    ("cutover start --by demo", "The switch: check list, freeze, final delta, proof, verdict:"),
    ("cutover finish --by demo", "A last look, the sealed reports, and it is done:"),
    ("report", ""),
)
# What agents do on an ordinary day, as the stand-in can do it by itself.
DAY = (
    "conversation.create",
    "message.create",
    "note.create",
    "customer.create",
    "customer.name",
    "conversation.name",
    "conversation.status",
    "conversation.assigned_users",
    "conversation.noise",
)
WRITES = 100
Step = dict[str, str | int | float]


class StandInFailed(DeskferryError):
    """A stand-in of the demo ended before it listened."""

    code = "stand-in-failed"
    exit_code = 1


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo")(demo)


def demo(
    context: typer.Context,
    size: int = typer.Option(2000, min=10, help="Conversations in the demo org."),
    keep: bool = typer.Option(False, help="Keep workspace and report in ./ferry-demo."),
) -> None:
    """Run the whole journey on the stand-ins, in a minute and a half."""
    options: GlobalOptions = context.obj

    def work() -> int:
        with ExitStack() as stack:
            return _journey(stack, options, _folder(stack, keep=keep), size, keep=keep)

    guarded(options, work)


def _folder(stack: ExitStack, *, keep: bool) -> Path:
    """A new folder in the current one, or one that is gone afterwards."""
    if not keep:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskferry-")))
    number = 1
    folder = Path("ferry-demo")
    while folder.exists():
        number += 1
        folder = Path(f"ferry-demo-{number}")
    folder.mkdir()
    return folder


def _journey(
    stack: ExitStack, options: GlobalOptions, folder: Path, size: int, *, keep: bool
) -> int:
    typer.echo("Starting both stand-ins ...", err=options.json)
    source = stack.enter_context(_stand_in("kustomer", _sizes(size)))
    target = stack.enter_context(_stand_in("salesforce", []))
    config = folder / "deskferry.yaml"
    config.write_text(
        CONFIG.format(kustomer=source["url"], salesforce=target["url"], org_id=target["org_id"]),
        encoding="utf-8",
    )
    environment = {
        **os.environ,
        "DESKFERRY_DEMO_KUSTOMER_KEY": source["api_key"],
        "DESKFERRY_DEMO_CLIENT_ID": "deskferry-demo",
        "DESKFERRY_DEMO_CLIENT_SECRET": "demo-secret",
    }
    agents = partial(_agents_write, source["url"])
    steps, code = _steps(config, environment, agents, quiet=options.json)
    report = (folder / "ferry" / "reports" / "report.html").absolute()
    kept = str(report) if keep and report.exists() else None
    if options.json:
        facts = {"exit_code": code, "steps": steps, "report": kept}
        print_document(DemoDocument, facts)
    elif kept:
        typer.echo(f"The report: {kept}")
    elif not keep:
        typer.echo("The workspace is gone again; --keep leaves it, with the report.")
    return code


def _sizes(size: int) -> list[str]:
    sizes = {
        "conversations": size,
        "messages": size * 5,
        "notes": size // 2,
        "customers": size // 2,
        "companies": max(10, size // 20),
    }
    # A real org allows 1,000 requests a minute; the demo has as much in six seconds.
    windows = ["--rate-window=6", "--search-window=6"]
    return [*(f"--{name}={count}" for name, count in sizes.items()), *windows]


def _steps(
    config: Path, environment: Mapping[str, str], agents: Callable[[], None], *, quiet: bool
) -> tuple[list[Step], int]:
    """Run the commands one by one; the first that fails ends the journey with its code."""
    done: list[Step] = []
    for command, told in STEPS:
        if command == AGENTS:
            typer.echo(f"\n{told} {command}", err=quiet)
            agents()
            continue
        typer.echo(f"\n$ deskferry {command}    {told}".rstrip(), err=quiet)
        start = time.monotonic()
        code = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "service", "--config", str(config), *command.split()],
            env=environment,
            check=False,
            stdout=sys.stderr if quiet else None,
        ).returncode
        seconds = round(time.monotonic() - start, 3)
        done.append({"command": command, "exit_code": code, "seconds": seconds})
        if code not in (DONE, ATTENTION):
            return done, code
    return done, DONE


def _agents_write(url: str) -> None:
    """Let the Kustomer stand-in write what agents would."""
    asked = {"burst": WRITES, "seed": 1, "weights": dict.fromkeys(DAY, 1)}
    httpx.post(f"{url}/__admin/churn", json=asked, timeout=60).raise_for_status()


@contextmanager
def _stand_in(name: str, arguments: list[str]) -> Iterator[dict[str, str]]:
    """Run a stand-in as a child process; it ends with the demo, whatever happens."""
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "service", "simulate", name, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise StandInFailed(
                f"The stand-in for {name} did not start.",
                next_step="Run deskferry simulate alone to see why.",
            )
        yield json.loads(line)
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
