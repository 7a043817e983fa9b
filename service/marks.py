"""Watermarks: up to which moment everything that changed in a stream was seen.

A reading that is planned sets the mark that will hold when it has ended; a crash before leaves the
earlier one, so nothing is passed over. Marks are epoch milliseconds of our clock: windows overlap, so
clocks that differ by less than that do no harm (kustomer facts, section 7).
"""

from collections.abc import Iterable

from service.phases import Phase
from state.ledger import Ledger, Tx


async def plan_mark(tx: Tx, ledger: Ledger, stream: str, moment_ms: int) -> None:
    """Note the mark that holds for `stream` once the reading being planned has ended."""
    await ledger.facts.set(tx, f"next_mark.{stream}", str(moment_ms))


async def begin_mark(tx: Tx, ledger: Ledger, stream: str, moment_ms: int) -> None:
    """Note the mark of a whole reading, unless an earlier one is there: what follows it counts from that.

    What was deleted between an earlier reading and this one is seen by no list.
    """
    if not await ledger.facts.get(f"next_mark.{stream}") and await mark_of(ledger, stream) is None:
        await plan_mark(tx, ledger, stream, moment_ms)


async def mark_of(ledger: Ledger, stream: str) -> int | None:
    """Return the mark of a stream; None before its first reading has ended."""
    found = await ledger.facts.get(f"mark.{stream}")
    return int(found) if found else None


async def settle_marks(ledger: Ledger, phases: Iterable[Phase]) -> None:
    """Let the planned marks hold of streams that were read whole and whose phases closed their gates."""
    known = list(phases)
    for stream in (phase.name for phase in known if phase.of is None):
        fed = [phase.name for phase in known if stream in (phase.name, phase.of)]
        planned = await ledger.facts.get(f"next_mark.{stream}")
        if await ledger.facts.get(narrow_fact(stream)):
            continue  # a part of it was read, and the rest may be older
        if planned is None or not all([await ledger.gates.closed(name) for name in fed]):
            continue
        async with ledger.write() as tx:
            await ledger.facts.set(tx, f"mark.{stream}", planned)
            await ledger.facts.drop(tx, [f"next_mark.{stream}"])


def narrow_fact(stream: str) -> str:
    """The fact that a stream's last reading was of chosen records alone."""
    return f"narrow.{stream}"
