"""What every command shares: the config, JSON output, plain errors, exit codes."""

import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import anyio
import orjson
import typer

from service.config import Config
from service.config_load import load_config
from service.errors import INTERRUPTED, UNEXPECTED, Problem, explain


@dataclass(frozen=True)
class GlobalOptions:
    """Options that every command has."""

    config_path: Path
    json: bool

    def config(self) -> Config:
        """Load the config file."""
        return load_config(self.config_path)


def run_command(options: GlobalOptions, work: Callable[[], Awaitable[int]]) -> NoReturn:
    """Run a command's work and end with its exit code; errors are said plainly on stderr.

    No traceback reaches the user: that of an unexpected error goes to a crash file, without values.
    """
    try:
        code = anyio.run(work, backend_options={"use_uvloop": True})
    except (KeyboardInterrupt, SystemExit):
        code = INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the last place where an error can be said plainly
        problem = explain(error)
        tell(options, problem)
        if problem.exit_code == UNEXPECTED:
            _write_crash_file(error)
        code = problem.exit_code
    sys.stdout.flush()
    raise SystemExit(code)


def tell(options: GlobalOptions, problem: Problem) -> None:
    """Say a problem: one sentence and the next step; as JSON too when asked."""
    typer.echo(f"{problem.code}: {problem.sentence}", err=True)
    if problem.next_step:
        typer.echo(f"Next: {problem.next_step}", err=True)
    if options.json:
        print_json(
            {
                "error": {
                    "code": problem.code,
                    "message": problem.sentence,
                    "next_step": problem.next_step,
                    "exit_code": problem.exit_code,
                }
            }
        )


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _write_crash_file(error: BaseException) -> None:
    """Keep where it happened: file, line and function names, no messages and no values."""
    path = Path(f"deskferry-crash-{os.getpid()}.txt")
    lines: list[str] = []
    _frames(error, lines)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return
    typer.echo(f"Where it happened was written to {path}.", err=True)


def _frames(error: BaseException, lines: list[str]) -> None:
    lines.append(type(error).__name__)
    lines.extend(
        f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for each in (*inner, *([error.__cause__] if error.__cause__ else [])):
        _frames(each, lines)
