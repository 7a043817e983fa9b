"""One process of the real service in the machine's world: opened on the ledger, run, ended."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import structlog.testing

import connectors.salesforce.results
import service.harvest
import service.lanes
import service.unsealed
from connectors.errors import ConnectorError
from connectors.salesforce.client import SalesforceClient
from service.config import DeltaConfig
from service.errors import DeskferryError
from service.flow import Flow
from service.gate import BooksUnbalanced
from service.harvest import NoProgress
from service.job import JobRefused
from service.pages import PageQueue
from service.phases import PHASES
from service.progress import PhaseProgress
from service.seal import Sealer
from service.unsealed import Transformer
from state.ledger import Ledger
from tests.property.machine_salesforce import ME, Salesforce
from tests.property.machine_source import TABLES, Source, mapping
from tests.property.machine_world import Death, JumpingLoop, LoopClock, World, one_thread
from transforms.lookups import Lookups

LANES = 2


@dataclass(frozen=True)
class Ending:
    """How a process ended: `done`, `dead`, or the errors that it stopped with."""

    done: bool
    dead: bool
    errors: tuple[BaseException, ...] = ()


@contextmanager
def small_sizes() -> Iterator[None]:
    """Limits so small that a handful of records makes several batches, jobs and lanes."""
    sizes = (
        (service.unsealed, "FLUSH_ROWS", 2),
        (service.lanes, "SERVER_BATCH_ROWS", 2),
        (service.lanes, "JOB_ROWS", 6),
        (service.harvest, "LEARN_ROWS", 2),
        (connectors.salesforce.results, "_BATCH", 2),
    )
    with ExitStack() as stack:
        for module, name, size in sizes:
            stack.enter_context(patch.object(module, name, size))
        yield


def run_process(
    world: World,
    folder: Path,
    source: Source,
    org: Salesforce,
    *,
    crash_in: Death = None,
    order: int = 0,
) -> Ending:
    """Start the service on what is durable, and let it run until it is done, stops, or dies."""
    world.begin(crash_in, order)
    org.sessions += 1
    with one_thread(world), structlog.testing.capture_logs():
        try:
            with asyncio.Runner(loop_factory=lambda: JumpingLoop(world)) as runner:
                runner.run(_voyage(folder, source, org, order))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return _ending(error, world)
    return Ending(done=True, dead=False)


async def _voyage(folder: Path, source: Source, org: Salesforce, order: int) -> None:
    clock = LoopClock()
    async with Ledger.open(folder, clock=clock.now) as ledger:
        phases = [
            phase
            for phase in PHASES
            if phase.name in TABLES and not await ledger.gates.closed(phase.name)
        ]
        if not phases:
            return
        queue = PageQueue(300)
        room = 1_000_000 if order % 2 else 2_000
        rules = mapping()
        lookups = Lookups()
        read = [phase for phase in PHASES if phase.name in TABLES]
        transformer = Transformer(read, rules, lookups, lanes=LANES)
        sealer = Sealer(ledger, queue, transformer, spool_limit_bytes=room)
        sealer.spool_bytes = await ledger.batches.open_bytes()
        config: Any = SimpleNamespace(
            salesforce=SimpleNamespace(lanes=LANES, live_jobs=2, default_owner=ME),
            kustomer=SimpleNamespace(connections=2),
            delta=DeltaConfig(),
            unmatched_users=None,
            mail_aliases={},
        )
        kustomer: Any = SimpleNamespace(client=source)
        client = cast("SalesforceClient", org)
        flow = Flow(config, clock, ledger, kustomer, client, rules, queue, sealer, lookups, PHASES)
        await flow.run(phases, {phase.name: PhaseProgress(phase.name) for phase in phases})


def _ending(error: BaseException, world: World) -> Ending:
    """Sort an end out; what no operator should ever see is raised again as it is."""
    leaves = list(_leaves(error))
    if world.dead:
        leaves = [each for each in leaves if isinstance(each, AssertionError)]
    for each in leaves:
        honest = isinstance(each, ConnectorError | DeskferryError)
        if isinstance(each, BooksUnbalanced) or not honest:
            raise each
    return Ending(done=False, dead=world.dead, errors=tuple(leaves))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def refused(ending: Ending) -> bool:
    """True when Salesforce ended a whole job: the next process tries again."""
    return any(isinstance(error, JobRefused | NoProgress) for error in ending.errors)
