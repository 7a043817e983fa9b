"""A run that moves records, as a command shows it: logged from start to end, seen on stderr."""

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
import structlog

from connectors.clock import Clock, SystemClock
from service.cli.progress_view import show_progress
from service.cli.signals import stop_on_signal
from service.config import Config
from service.errors import explain
from service.logging import start_logging
from service.run import Migration, Outcome
from service.version import VERSION

RunT = TypeVar("RunT", bound=Migration)


async def watch(
    config: Config, begin: Callable[[Clock, anyio.Event], RunT]
) -> tuple[RunT, Outcome]:
    """Run what `begin` makes of the clock and the event that a signal sets; raises what it raises."""
    clock = SystemClock()
    start_logging(config.log, run=f"{int(clock.now())}-{os.getpid()}")
    log = structlog.get_logger()
    async with stop_on_signal() as stop:
        run = begin(clock, stop)
        log.info("run-started", command=run.command, version=VERSION)
        async with anyio.create_task_group() as group:
            group.start_soon(show_progress, run.snapshot)
            try:
                outcome = await run.run()
            except BaseException as error:  # told in the log also when it is a stop; raised on
                log.info("run-ended", exit_code=explain(error).exit_code, error=error)
                raise
            finally:
                group.cancel_scope.cancel()
    log.info("run-ended", exit_code=outcome.exit_code, jobs=outcome.summary.jobs_sent)
    return run, outcome
