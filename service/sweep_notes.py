"""What the ledger remembers of sweeps: the one under way, the last that ended, what stopped one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from service.phases import Phase
from service.sweep_reading import swept
from state.ledger import Ledger, Tx

FIRST_DUE = "sweep.counted_from"  # epoch s: a first sweep is due so long after it

SweepState = Literal["never", "reading", "held", "unreadable", "finished"]


@dataclass(frozen=True)
class Under:
    """A sweep under way. `began_at` in epoch s; `job`: the newest job then; `loaded`: what it compares.

    `read`: all ids are read. `held`: how many are missing, when that was too many to go on by itself;
    `accepted`: somebody has said that it may go on.
    """

    began_at: float
    job: int
    loaded: int
    read: bool = False
    held: int = 0
    accepted: bool = False


@dataclass(frozen=True)
class Ended:
    """A sweep that ended. Times in epoch s. Of `loaded` records `missing` were asked for by id.

    `unseen`: records that no reading had met before.
    """

    began_at: float
    at: float
    loaded: int
    missing: int
    deleted: int
    merged: int
    unseen: int = 0


@dataclass(frozen=True)
class SweepView:
    """How the sweeps of one stream stand, for those who look. `why`: what stopped or holds it."""

    stream: str
    state: SweepState
    finished_at: float | None
    loaded: int
    missing: int
    deleted: int
    merged: int
    unseen: int
    why: str


class SweepNotes:
    """Facts of sweeps, by the name of the stream."""

    def __init__(self, ledger: Ledger) -> None:
        self._facts = ledger.facts

    async def under(self, stream: str) -> Under | None:
        """The sweep under way, if any."""
        said = await self._facts.get(f"sweep.{stream}")
        return Under(**orjson.loads(said)) if said else None

    async def ended(self, stream: str) -> Ended | None:
        """The last sweep that ended, if any."""
        said = await self._facts.get(f"swept.{stream}")
        return Ended(**orjson.loads(said)) if said else None

    async def set_under(self, tx: Tx, stream: str, under: Under) -> None:
        """Note how the sweep under way stands."""
        await self._facts.set(tx, f"sweep.{stream}", _text(asdict(under)))

    async def set_ended(self, tx: Tx, stream: str, ended: Ended) -> None:
        """Note that a sweep ended; none is under way then, and nothing stops one."""
        await self._facts.set(tx, f"swept.{stream}", _text(asdict(ended)))
        await self._facts.drop(tx, [f"sweep.{stream}", f"unswept.{stream}"])

    async def set_stopped(self, tx: Tx, stream: str, at: float, why: str) -> None:
        """Note what stopped a sweep."""
        await self._facts.set(tx, f"unswept.{stream}", _text({"at": at, "why": why}))

    async def drop_under(self, tx: Tx, stream: str) -> None:
        """Forget the sweep under way."""
        await self._facts.drop(tx, [f"sweep.{stream}", f"unswept.{stream}"])

    async def last_tried(self, stream: str) -> float | None:
        """When a sweep last ended, was held or was stopped (epoch s); None for never."""
        ended, stopped = await self.ended(stream), await self._stopped(stream)
        moments = [ended.at] if ended else []
        moments += [float(stopped["at"])] if stopped else []
        return max(moments, default=None)

    async def view(self, phases: Sequence[Phase]) -> list[SweepView]:
        """How the sweeps of every stream stand that can be swept."""
        return [await self._view(phase.name) for phase in phases if swept(phase)]

    async def _view(self, stream: str) -> SweepView:
        under, ended = await self.under(stream), await self.ended(stream)
        stopped = await self._stopped(stream)
        state: SweepState = "finished" if ended else "never"
        if under is not None:
            state = "held" if under.held else "reading"
        if stopped and state != "held":
            state = "unreadable"
        last = ended or Ended(0, 0, 0, 0, 0, 0)
        return SweepView(
            stream=stream,
            state=state,
            finished_at=ended.at if ended else None,
            loaded=under.loaded if under else last.loaded,
            missing=under.held if under and under.held else last.missing,
            deleted=last.deleted,
            merged=last.merged,
            unseen=last.unseen,
            why=str(stopped["why"]) if stopped else "",
        )

    async def _stopped(self, stream: str) -> dict[str, Any] | None:
        said = await self._facts.get(f"unswept.{stream}")
        return orjson.loads(said) if said else None


def _text(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
