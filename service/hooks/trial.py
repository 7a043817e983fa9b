"""Tells hooks one sample, as `hooks test` does: every hook of a point, one after the other."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from connectors.clock import Clock
from service.config_hooks import HookConfig
from service.hooks.document import HookDocument, checked, moment, sample
from service.hooks.outcome import Told
from service.hooks.points import PointName
from service.hooks.teller import open_teller
from service.logging import run_name
from service.stopping import until_stopped


@dataclass(frozen=True)
class Trial:
    """How one hook took the sample."""

    hook: int
    ok: bool
    failure: str
    seconds: float


async def try_hooks(
    hooks: Sequence[HookConfig], point: PointName, clock: Clock, stop: anyio.Event
) -> list[Trial]:
    """Tell every hook of `point` its sample figures, marked as a test.

    Raises `Interrupted`, `SecretMissing` and `ConfigInvalid`.
    """
    run = run_name(clock.now(), os.getpid())
    document = HookDocument(
        id=f"{run}-1",
        point=point,
        at=moment(clock.now()),
        run=run,
        command="hooks test",
        figures=checked(point, sample(point)),
        merged=0,
        test=True,
    )
    trials = []
    for number, hook in enumerate(hooks, 1):
        if point not in hook.on:
            continue
        began = clock.monotonic()

        async def tell(number: int = number, hook: HookConfig = hook) -> Told:
            async with open_teller(number, hook, clock) as teller:
                return await teller.tell(document)

        told = await until_stopped(
            stop, tell, kept="Nothing was changed.", next_step="Run it again."
        )
        trials.append(Trial(number, told.ok, told.failure, round(clock.monotonic() - began, 3)))
    return trials
