"""Writes to few records over REST that are made once, however often they are sent.

What is to be written is read before each try: what is there already is not written again. So a reply that
was lost, or a row that was locked, is simply tried again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.clock import Clock
from connectors.errors import OutcomeUnknown
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.records import MOST_ROWS
from service.reading import BUSY

TRIES = 6
FIRST_PAUSE_S = 0.5
# The record, or one that it is to name, went meanwhile: what is left to be written is read again.
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})


@dataclass(frozen=True)
class Write:
    """Values to set on one record, for the source record `source_id`; none for one to be deleted."""

    source_id: str
    object: str
    id: str
    values: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """The record as a collection takes it."""
        return {"attributes": {"type": self.object}, "Id": self.id, **self.values}


Wanted = Callable[[], Awaitable[Sequence[Write]]]


async def write_until_done(
    client: SalesforceClient,
    clock: Clock,
    method: Literal["PATCH", "DELETE"],
    wanted: Wanted,
    sent: Callable[[], None],
) -> dict[str, str]:
    """Write all that `wanted` still asks for; returns the refusals, Salesforce's code by source id.

    `sent` is called after each call. Rows that are locked are tried again, with growing pauses. Raises
    `OutcomeUnknown` when replies stay lost, and the connectors' errors.
    """
    pause = FIRST_PAUSE_S
    for left in reversed(range(TRIES)):
        refused: dict[str, str] = {}
        again = False
        for chunk in _chunks(await wanted()):
            try:
                outcomes = await client.collections(method, [each.body() for each in chunk])
            except OutcomeUnknown:
                if not left:
                    raise
                again = True
                continue
            sent()
            for write, outcome in zip(chunk, outcomes, strict=True):
                if not outcome.success:
                    refused[write.source_id] = outcome.code
                    again |= outcome.code in BUSY | _GONE
        if not again or not left:
            return refused
        await clock.sleep(pause * (0.5 + clock.random() / 2))
        pause *= 2
    return {}


def _chunks(writes: Sequence[Write]) -> Sequence[Sequence[Write]]:
    return [writes[start : start + MOST_ROWS] for start in range(0, len(writes), MOST_ROWS)]
