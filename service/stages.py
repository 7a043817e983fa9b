"""The stages of a plan: a sample, then what is hot, then all; one crosswalk and one flow for them.

A stage narrows what each stream reads and is driven to closed gates like any run. What it has loaded
stays and is met again by the next one, as a duplicate or a change. Streams that were read whole are
followed by what changed since, so that new parents are there before those that name them. The marks
of streams of which a part was read begin with the first stage and hold after the last one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from service.changed import changes_since
from service.chosen import chosen_plans
from service.config import Config
from service.crash_points import reach
from service.errors import REFUSED, DeskferryError, UsageInvalid
from service.marks import begin_mark, mark_of, narrow_fact, plan_mark, settle_marks
from service.move_plan import DAY_MS, MovePlan, follow_plan, followed_plan, read_plan
from service.narrowing import is_narrowed
from service.passes import let_go_waiting, read_chosen, read_whole, read_window
from service.phases import Phase
from service.picking import Picked, Picking
from service.planner import Plan, Planner
from service.reread import Rereader
from service.stage_log import (
    BY_FILTER,
    BY_ID,
    WHOLE,
    Stage,
    StageName,
    StratumFacts,
    read_stages,
    store_stages,
)
from state.ledger import Ledger

_EARLIER = "sample.picked"


class SampleTooLate(DeskferryError):
    """Everything is being moved already, or what is hot."""

    code = "sample-too-late"
    exit_code = REFUSED


class Asked(BaseModel):
    """What a run was asked for: a sample of so many, or to end behind the hot stage."""

    sample: int | None = None
    seed: int = 0
    hot_only: bool = False


class Stages:
    """Begins and ends the stages of one run."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        ledger: Ledger,
        client: KustomerClient,
        phases: Sequence[Phase],
    ) -> None:
        self._config = config
        self._clock = clock
        self._ledger = ledger
        self._client = client
        self._source = Rereader(client, readers=config.kustomer.connections)
        self._phases = phases
        self._streams = [phase for phase in phases if phase.of is None]

    async def next(self, asked: Asked) -> bool:
        """Begin the next stage, or go on with the one under way; False when nothing is left to do.

        Durable when this returns. Raises `SampleTooLate`, `UsageInvalid` and the connectors' errors.
        """
        await settle_marks(self._ledger, self._phases)
        plan, followed = await read_plan(self._ledger), await followed_plan(self._ledger)
        stages = await read_stages(self._ledger)
        last = stages[-1] if stages else None
        _refuse(asked, plan, last)
        if last is not None and last.done_at is None:
            if plan.scope() != followed.scope():
                await self._begin(last.name, plan, stages[:-1], anew=True, asked=_of(last, asked))
            return True
        if asked.sample is not None:
            return await self._sample(plan, stages, asked)
        wider = not plan.within(followed) and last is not None
        if last is None or last.name != "all" or wider:
            hot_done = last is not None and last.name in ("hot", "all")
            if plan.recent_days is not None and not hot_done:
                await self._begin("hot", plan, stages, anew=False, asked=asked)
                return True
            if asked.hot_only:
                return False
            anew = wider or (last is not None and last.way == BY_FILTER)
            await self._begin("all", plan, stages, anew=anew, asked=asked)
            return True
        if plan != followed:
            async with self._ledger.write() as tx:
                await follow_plan(tx, self._ledger, plan)
        return False

    async def ended(self) -> None:
        """Note that the stage under way is done: all gates are closed."""
        stages = await read_stages(self._ledger)
        done = stages[-1].model_copy(update={"done_at": self._clock.now()})
        async with self._ledger.write() as tx:
            await store_stages(tx, self._ledger, [*stages[:-1], done])
        reach("stage-ended")

    async def _sample(self, plan: MovePlan, stages: list[Stage], asked: Asked) -> bool:
        wanted = max(asked.sample or 0, *(each.asked or 0 for each in stages), 0)
        same = bool(stages) and (stages[-1].asked, stages[-1].seed) == (wanted, asked.seed)
        if same and plan.scope() == (await followed_plan(self._ledger)).scope():
            return False
        larger = asked.model_copy(update={"sample": wanted})
        await self._begin("sample", plan, stages, anew=False, asked=larger)
        return True

    async def _begin(
        self, name: StageName, plan: MovePlan, before: list[Stage], *, anew: bool, asked: Asked
    ) -> None:
        """Choose what the stage reads, and make it durable in one step.

        `anew`: what was left out of streams that were read whole is looked at again.
        """
        now = self._clock.now()
        stage, picked = await self._choose(name, plan, asked, now)
        chosen: Mapping[str, Plan] = {}
        if picked is not None:
            people = name == "sample" or plan.people == "chosen"
            chosen = await chosen_plans(picked, self._streams, self._source, people=people)
        narrow = [each for each in self._streams if await self._is_narrow(each)]
        whole = {each.name for each in narrow} - chosen.keys()
        if anew:
            people = "chosen" in (plan.people, (await followed_plan(self._ledger)).people)
            some = {e.name for e in self._streams if is_narrowed(e.kind, people=people)}
            whole |= {each for each in some - chosen.keys() if await self._was_planned(each)}
        changed = await self._changed(whole | chosen.keys(), int(now * 1000)) if before else {}
        reach("stage-planned")
        ledger = self._ledger
        async with ledger.write() as tx:
            await read_whole(tx, ledger, self._phases, whole)
            for stream, slices in chosen.items():
                await read_chosen(tx, ledger, self._phases, stream, slices)
                await begin_mark(tx, ledger, stream, int(now * 1000))
            for stream, (slices, high) in changed.items():
                await plan_mark(tx, ledger, stream, high)
                if slices.slices:
                    await read_window(tx, ledger, self._phases, stream, slices)
            if before:
                await let_go_waiting(tx, ledger)
            if name == "sample" and picked is not None:
                await ledger.facts.set(tx, _EARLIER, ",".join(sorted(picked.customers)))
            await follow_plan(tx, ledger, plan)
            await store_stages(tx, self._ledger, [*before, stage])
            reach("stage-uncommitted")
        reach("stage-begun")

    async def _choose(
        self, name: StageName, plan: MovePlan, asked: Asked, now: float
    ) -> tuple[Stage, Picked | None]:
        readers = self._config.kustomer.connections
        picking = Picking(self._ledger, self._client, self._clock, self._phases, readers=readers)
        if name == "sample":
            assert asked.sample is not None  # a sample has a size
            earlier = await self._ledger.facts.get(_EARLIER) or ""
            ids = frozenset(each for each in earlier.split(",") if each)
            picked = await picking.sample(plan, asked.sample, asked.seed, ids)
            reach("sample-picked")
            told: dict[str, Any] = {"asked": asked.sample, "seed": asked.seed}
            told |= {"files": picked.files, "strata": _strata(picked)}
            return _by_id(name, now, picked, told), picked
        if name == "hot" and plan.recent_days is not None:
            cutoff = int(now * 1000) - plan.recent_days * DAY_MS
            most = self._config.plans.by_conversation
            hot = await picking.hot(plan, cutoff, most)
            if hot is not None:
                return _by_id(name, now, hot, {"cutoff_ms": cutoff}), hot
            return Stage(name=name, way=BY_FILTER, began=now, cutoff_ms=cutoff), None
        return Stage(name="all", way=BY_FILTER if plan.filters else WHOLE, began=now), None

    async def _changed(self, but: set[str], now_ms: int) -> dict[str, tuple[Plan, int]]:
        """What changed in streams that were read whole since their marks."""
        planner = Planner(self._client, now_ms=now_ms)
        found = {}
        for phase in self._streams:
            mark = await mark_of(self._ledger, phase.name)
            if phase.name in but or mark is None or not await self._is_closed(phase):
                continue
            found[phase.name] = await changes_since(
                self._config.delta, planner, phase, mark, now_ms=now_ms
            )
        return found

    async def _is_narrow(self, phase: Phase) -> bool:
        return await self._ledger.facts.get(narrow_fact(phase.name)) is not None

    async def _is_closed(self, phase: Phase) -> bool:
        return await self._ledger.gates.closed(phase.name)

    async def _was_planned(self, stream: str) -> bool:
        return bool(await self._ledger.slices.of(stream))


def _refuse(asked: Asked, plan: MovePlan, last: Stage | None) -> None:
    """Refuse what cannot be any more, or what the plan does not have."""
    if asked.hot_only and plan.recent_days is None:
        raise UsageInvalid(
            "By the plan nothing goes first.",
            next_step="Set it by deskferry plan set --open-first, or leave --hot-only away.",
        )
    if asked.sample is not None and last is not None and last.name != "sample":
        raise SampleTooLate(
            "More than a sample is being moved already.",
            next_step="Run migrate without --sample; or take a sample in another workspace.",
        )


def _by_id(name: StageName, began: float, picked: Picked, told: Mapping[str, Any]) -> Stage:
    count = len(picked.customers)
    return Stage(name=name, way=BY_ID, began=began, conversations=count, calls=picked.calls, **told)


def _strata(picked: Picked) -> list[StratumFacts]:
    return [
        StratumFacts(
            channel=channel,
            status=status,
            age=age,
            attachments=files,
            conversations=there,
            picked=some,
        )
        for (channel, status, age, files), (there, some) in picked.strata.items()
    ]


def _of(stage: Stage, asked: Asked) -> Asked:
    """What the run that began a stage was asked for."""
    return Asked(sample=stage.asked, seed=stage.seed or 0, hot_only=asked.hot_only)
