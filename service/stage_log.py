"""The stages of a plan so far, as the ledger has them: which one is done, and which is under way."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from service.declared import recall
from service.marks import narrow_fact
from service.move_plan import followed_plan
from service.narrowing import CUSTOMER, Narrowing, narrowing_of
from service.phases import Phase
from state.ledger import Ledger, Tx
from transforms.compile import CompiledMapping

StageName = Literal["sample", "hot", "all"]
BY_ID, BY_FILTER, WHOLE = "by id", "by filter", "whole"
_FACT = "stages"


class StratumFacts(BaseModel):
    """How many conversations a stratum has, and how many of them were picked."""

    channel: str
    status: str
    age: str
    attachments: str
    conversations: int
    picked: int


class Stage(BaseModel):
    """One stage, under way or done. Times are epoch seconds.

    `way`: what the streams of conversations and theirs are narrowed by. `conversations`: how many were
    chosen by id. `asked` and `seed` are those of a sample. `cutoff_ms`: what was touched since is hot.
    `calls`: requests that the choice took; `files`: of how many conversations it was known whether
    they have attachments.
    """

    model_config = ConfigDict(frozen=True)

    name: StageName
    way: str
    began: float
    done_at: float | None = None
    conversations: int | None = None
    asked: int | None = None
    seed: int | None = None
    cutoff_ms: int | None = None
    calls: int = 0
    files: Literal["all", "part", "none"] | None = None
    strata: list[StratumFacts] = []


_FORM = TypeAdapter(list[Stage])


async def read_stages(ledger: Ledger) -> list[Stage]:
    """Return the stages so far, the last one under way or done.

    A migration that was begun without any is in the stage `all`.
    """
    told = await ledger.facts.get(_FACT)
    if told:
        return _FORM.validate_json(told)
    if not await ledger.slices.of("conversations"):
        return []
    gates = [await ledger.gates.get(phase.name) for phase in await recall(ledger)]
    closed = [each.closed_at for each in gates if each is not None]
    done = max(closed) if closed and len(closed) == len(gates) else None
    return [Stage(name="all", way=WHOLE, began=0.0, done_at=done)]


async def open_narrowing(ledger: Ledger) -> Narrowing | None:
    """Return what narrows the stage that the ledger is in; None when nothing is left out."""
    stages = await read_stages(ledger)
    if stages and stages[-1].way == BY_ID:
        return None  # all that is read was chosen
    cutoff = stages[-1].cutoff_ms if stages else None
    return narrowing_of(ledger, await followed_plan(ledger), cutoff)


async def postponed(
    ledger: Ledger, phases: Sequence[Phase], mapping: CompiledMapping
) -> frozenset[str]:
    """Phases that wait for a later stage: they name customers by address, and not all are known.

    A relation of an e-mail cannot be changed once it is made (salesforce facts, 7.3).
    """
    stages = await read_stages(ledger)
    narrow: list[object] = [
        phase
        for phase in phases
        if phase.kind == CUSTOMER and await ledger.facts.get(narrow_fact(phase.name))
    ]
    if stages and stages[-1].name != "all" and (await followed_plan(ledger)).people == "chosen":
        narrow.append(stages[-1])
    asking = {name for name, each in mapping.phases.items() if each.asks is not None}
    return frozenset(asking if narrow else ())


async def all_moved(ledger: Ledger) -> bool:
    """Whether no stage is still to come: changes can be followed then."""
    told = await ledger.facts.get(_FACT)
    if not told:
        return True  # without a plan the gates alone tell
    last = _FORM.validate_json(told)[-1]
    return last.name == "all" and last.done_at is not None


async def store_stages(tx: Tx, ledger: Ledger, stages: Sequence[Stage]) -> None:
    """Note all stages, the last one under way or done."""
    await ledger.facts.set(tx, _FACT, _FORM.dump_json(list(stages)).decode())
