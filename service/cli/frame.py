"""What every command shares: the config, JSON output, plain errors, exit codes."""

import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import anyio
import orjson
import typer
from pydantic import BaseModel

from service.cli.documents import ErrorDocument
from service.config import Config, LogConfig
from service.config_load import load_config
from service.crash_points import VARIABLE, arm
from service.errors import UNEXPECTED, DeskferryError, Problem, explain
from service.logging import start_logging
from state.private import write_private


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
    guarded(options, lambda: anyio.run(work, backend_options={"use_uvloop": True}))


def guarded(options: GlobalOptions, work: Callable[[], int]) -> NoReturn:
    """Run plain work as `run_command` does; SIGTERM ends it as Ctrl-C would."""
    signal.signal(signal.SIGTERM, as_interrupt)
    start_logging(
        LogConfig()
    )  # stdout is for documents, also where a command logs without a config
    try:
        arm(os.environ.get(VARIABLE, ""))
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        code = UNEXPECTED
    except BaseException as error:  # noqa: BLE001 - the last place where an error can be said plainly
        code = _end_with(options, error)
    raise SystemExit(code)


def as_interrupt(_: int, __: FrameType | None) -> NoReturn:
    """Take a signal as Ctrl-C."""
    raise KeyboardInterrupt


def _end_with(options: GlobalOptions, error: BaseException) -> int:
    problem = explain(error)
    tell(options, problem)
    if problem.exit_code == UNEXPECTED:
        _write_crash_file(error, _crash_folder(options))
    return problem.exit_code


def _forget_output() -> None:
    """Our output cannot be taken any more; what is left of it must not fail again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def tell(options: GlobalOptions, problem: Problem) -> None:
    """Say a problem: one sentence and the next step; as JSON too when asked.

    An output that takes nothing any more (its reader has gone, its disk is full) does not silence
    the other one, nor change the exit code.
    """
    for say in (_say_words, _say_document) if options.json else (_say_words,):
        try:
            say(problem)
        except OSError:
            _forget_output()


def _say_words(problem: Problem) -> None:
    typer.echo(f"{problem.code}: {problem.sentence}", err=True)
    if problem.next_step:
        typer.echo(f"Next: {problem.next_step}", err=True)


def _say_document(problem: Problem) -> None:
    facts = {
        "code": problem.code,
        "message": problem.sentence,
        "next_step": problem.next_step,
        "exit_code": problem.exit_code,
        "recovery": problem.recovery,
    }
    print_document(ErrorDocument, {"error": facts})


def print_document(kind: type[BaseModel], facts: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout, as its published schema has it."""
    document = kind.model_validate(facts).model_dump()
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _crash_folder(options: GlobalOptions) -> Path:
    """The workspace when there is one; the folder we are in otherwise."""
    try:
        workspace = options.config().workspace
    except DeskferryError:
        return Path()
    return workspace if workspace.is_dir() else Path()


def _write_crash_file(error: BaseException, folder: Path) -> None:
    """Keep where it happened: file, line and function names, no messages and no values."""
    path = folder / f"deskferry-crash-{os.getpid()}.txt"
    lines: list[str] = []
    _frames(error, lines)
    try:
        write_private(path, ("\n".join(lines) + "\n").encode())
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
