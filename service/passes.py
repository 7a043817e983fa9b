"""A further pass over a stream: its records are read again, and what they became follows them.

A pass goes through the same flow as the first reading. What is new is made, what comes out as before is
counted as a duplicate, and what comes out differently changes the record that it became.
"""

from collections.abc import Iterable, Sequence

from service.marks import narrow_fact
from service.narrowing import count_anew
from service.phases import Phase
from service.planner import Plan
from service.reasons import PARENT_MISSING
from state.ledger import Ledger, Tx

_NOTES = ("extracted", "way", "gap", "source_total")


async def read_again(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], names: Iterable[str]
) -> list[str]:
    """Let the streams that feed the phases `names` be read from their start, in `tx`.

    One of which chosen records were read is read like that again. Returns all phases that those streams
    feed: their gates are open then.
    """
    return await _reopen(tx, ledger, phases, names)


async def _reopen(
    tx: Tx,
    ledger: Ledger,
    phases: Sequence[Phase],
    names: Iterable[str],
    *,
    keep: bool = True,
    recount: bool = True,
) -> list[str]:
    """Open the streams; `keep`: slices of chosen records stay. `recount`: all left out is met again."""
    by_name = {phase.name: phase for phase in phases}
    streams = {by_name[name].of or name for name in names}
    concerned = [phase for phase in phases if (phase.of or phase.name) in streams]
    marks = [key for key in await ledger.facts.all() if key.startswith("marks.")]
    gone = [key for key in marks if key.split(".")[1] in streams]
    taken = await count_anew(tx, ledger, concerned) if recount else {}
    for phase in concerned:
        book = await ledger.books.read(phase.name)
        await ledger.facts.set(
            tx, _before(phase.name), str(book.extracted - taken.get(phase.name, 0))
        )
        await ledger.gates.reopen(tx, phase.name)
        await ledger.books.forget(tx, phase.name, "chosen")
        kept = keep and await ledger.facts.get(narrow_fact(phase.of or phase.name))
        gone += [f"{note}.{phase.name}" for note in _NOTES if note != "way" or not kept]
    for stream in sorted(streams):
        if keep and await ledger.facts.get(narrow_fact(stream)):
            await ledger.slices.again(tx, stream)
        else:
            await ledger.slices.forget(tx, stream)
    await ledger.facts.drop(tx, gone)
    return [phase.name for phase in concerned]


async def read_whole(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], streams: Iterable[str]
) -> None:
    """Let streams be read whole, in `tx`, also those of which chosen records alone were read."""
    names = list(streams)
    await _reopen(tx, ledger, phases, names, keep=False)
    await ledger.facts.drop(tx, [narrow_fact(name) for name in names])


async def read_window(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], stream: str, plan: Plan
) -> None:
    """Let a stream be read by `plan` alone, in `tx`: the gates of all phases it feeds are open then."""
    await _reopen(tx, ledger, phases, [stream], keep=False, recount=False)
    await ledger.slices.plan(tx, stream, plan.slices)
    await ledger.facts.set(tx, f"way.{stream}", plan.way)


async def read_chosen(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], stream: str, plan: Plan
) -> None:
    """Let chosen records of a stream be read, in `tx`; the stream is not whole before `read_whole`."""
    await read_window(tx, ledger, phases, stream, plan)
    await ledger.facts.set(tx, narrow_fact(stream), plan.way)


async def let_go_waiting(tx: Tx, ledger: Ledger) -> None:
    """Let rows that wait for parents be looked at again, in `tx`: what is read now may bring them."""
    await ledger.rows.release(tx, PARENT_MISSING)
    for name in await ledger.rows.pending_phases(tx):
        await ledger.gates.reopen(tx, name)


async def sighted_before(ledger: Ledger, phase: str) -> int:
    """How many sightings the book of a phase had when its pass began; 0 for the first one."""
    return int(await ledger.facts.get(_before(phase)) or 0)


def _before(phase: str) -> str:
    return f"sighted_before.{phase}"
