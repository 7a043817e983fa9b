"""After the switch: what `delta` may still do, and for how long."""

from typing import Literal

from service.config import Config
from service.cutover.record import CutOver, CutoverRecord, current
from state.ledger import Ledger

Hypercare = Literal["", "report", "apply"]
_DAY_S = 86_400.0
_STEP = "deskferry cutover status shows it; cutover.hypercare says what may follow."


async def hypercare(config: Config, ledger: Ledger, *, now: float) -> Hypercare:
    """Return how a delta goes: '' before the switch, else as the config says.

    Raises `CutOver` when hypercare is off or over.
    """
    record = await current(ledger)
    if record is None or record.seal is None:
        return ""
    until = hypercare_until(config, record)
    if until is None:
        raise CutOver("The switch has been made, and hypercare is off.", next_step=_STEP)
    if now > until:
        raise CutOver("The switch has been made, and hypercare is over.", next_step=_STEP)
    return "apply" if config.cutover.hypercare == "apply" else "report"


def hypercare_until(config: Config, record: CutoverRecord) -> float | None:
    """The end of hypercare in epoch seconds; None before the switch and where there is none."""
    if record.seal is None or config.cutover.hypercare == "off":
        return None
    return record.seal.at + config.cutover.hypercare_days * _DAY_S


async def refuse_after_switch(ledger: Ledger) -> None:
    """Raise `CutOver` once the switch has been made."""
    record = await current(ledger)
    if record is not None and record.seal is not None:
        raise CutOver("The switch has been made; a full load would bring nothing.", next_step=_STEP)


async def looked_to_ms(ledger: Ledger) -> int:
    """Up to which moment the proof of the last cutover looked, in epoch ms."""
    record = await current(ledger)
    assert record is not None and record.proof is not None
    return int(record.proof.looked_to * 1000)
