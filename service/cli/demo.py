"""`deskferry demo`: the whole journey against the shipped stand-ins."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

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
workspace: ./ferry
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo")(demo)


def demo(
    size: int = typer.Option(2000, min=10, help="Conversations in the demo org."),
    keep: bool = typer.Option(False, help="Keep workspace and report in ./ferry-demo."),
) -> None:
    """Run the whole journey on the shipped stand-ins, in about a minute."""
    with ExitStack() as stack:
        if keep:
            folder = Path("ferry-demo")
            number = 1
            while folder.exists():
                number += 1
                folder = Path(f"ferry-demo-{number}")
            folder.mkdir()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskferry-")))
        code = _journey(stack, folder, size)
        report = (folder / "ferry" / "reports" / "report.html").absolute()
        if keep:
            typer.echo(f"The report: {report}")
        elif report.exists():
            typer.echo("The workspace is gone again; --keep leaves it, with the report.")
    raise typer.Exit(code)


def _journey(stack: ExitStack, folder: Path, size: int) -> int:
    sizes = {
        "conversations": size,
        "messages": size * 5,
        "notes": size // 2,
        "customers": size // 2,
        "companies": max(10, size // 20),
    }
    arguments = [f"--{name}={count}" for name, count in sizes.items()]
    # A real org allows 1,000 requests a minute; the demo has as much in six seconds.
    arguments += ["--rate-window=6", "--search-window=6"]
    typer.echo("Starting both stand-ins ...")
    source = stack.enter_context(_stand_in("kustomer", arguments))
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
    for command, told in (
        ("check", "Is everything ready?"),
        ("migrate", "The full load:"),
        ("migrate", "Once more: nothing is left to do, and nothing is written."),
        ("report", ""),
    ):
        typer.echo(f"\n$ deskferry {command}    {told}".rstrip())
        code = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "service", "--config", str(config), command],
            env=environment,
            check=False,
        ).returncode
        if code not in (0, 5):
            return code
    return 0


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
            typer.echo(f"The stand-in for {name} did not start.", err=True)
            raise typer.Exit(1)
        yield json.loads(line)
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
