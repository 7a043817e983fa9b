"""Forks the command out of a process that has loaded it, so that a test need not wait for imports.

Run as a program: reads one JSON request a line, answers with one JSON line. The forked child is the
command from its first line on (`service.cli.main.run`), with its own arguments, folder, environment
and output files; nothing was started before the fork. `sizes` sets limits of the code, such as rows in a
job, so low that a small org has many of what a large one has.
"""

import gc
import importlib
import json
import os
import random
import sys
from typing import Any, NoReturn

from service.cli import main

LATE = ("anyio._backends._asyncio", "httpcore", "uvloop")  # what a run imports as it goes


def serve() -> None:
    """Answer `start` with a pid, `wait` with how that process ended (negative: the signal)."""
    for name in main.COMMANDS:
        importlib.import_module(f"service.cli.{name}")
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "start":
            answer = _start(asked)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["pid"], 0)[1])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _start(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become(asked)
    return pid


def _become(asked: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        for number, path in enumerate((os.devnull, asked["out"], asked["err"])):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
        random.seed()
        for place, value in asked["sizes"].items():
            module, _, name = place.rpartition(".")
            assert isinstance(getattr(sys.modules[module], name), int)
            setattr(sys.modules[module], name, value)
        sys.argv = ["deskferry", *asked["arguments"]]
        main.run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
