"""`map diff`: what differs from the map that was confirmed, and whose rows that affects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.clock import Clock
from service.config import Config
from service.confirm import edited_functions
from service.errors import REFUSED, DeskferryError
from service.ledger import open_ledger
from service.map_functions import digests_of
from service.mapped import MAPPING_FILE, map_text, parsed
from state.errors import NoWorkspace
from transforms.map_diff import affected, changes
from transforms.mapping import parse_mapping


class NothingConfirmed(DeskferryError):
    """There is no confirmed map to compare with."""

    code = "nothing-confirmed"
    exit_code = REFUSED


@dataclass(frozen=True)
class LineChange:
    """One line that differs: its place in the file, and the phase it belongs to ('' for none)."""

    path: str
    kind: str
    phase: str


@dataclass(frozen=True)
class MapDifference:
    """What differs. `affected`: tables by phase of which rows come out differently."""

    against: str
    changes: list[LineChange]
    affected: Mapping[str, frozenset[str]]


async def compare_map(config: Config, clock: Clock) -> MapDifference:
    """Compare the workspace's map with the confirmed one; neither org is asked.

    Raises `NothingConfirmed`, `MappingInvalid`.
    """
    try:
        async with open_ledger(config, clock.now, read_only=True) as ledger:
            known = await ledger.confirmations.latest()
    except NoWorkspace:
        known = None
    if known is None:
        raise NothingConfirmed(
            "No map was confirmed in this workspace.",
            next_step="Look at the map with deskferry map show, then run map confirm --by YOUR-NAME.",
        )
    old, new = parse_mapping(known.text, MAPPING_FILE), parsed(map_text(config))
    when = datetime.fromtimestamp(known.confirmed_at, UTC)
    edited = [f"python:{name}" for name in edited_functions(known, digests_of(config, new))]
    found = [LineChange(".".join(c.path), c.kind, c.phase) for c in changes(old, new)]
    found += [LineChange(name, "changed", "") for name in edited]
    against = f"the map that {known.confirmed_by} confirmed on {when:%Y-%m-%d %H:%M} UTC"
    return MapDifference(against, found, affected(old, new, edited))
