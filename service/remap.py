"""Lets records that are loaded follow a map that has changed since.

Of each phase whose rows come out differently the source is read again; what does not differ in the end
is not sent. Which map the loaded records follow is a fact of its own: `retry` may put a map in force
that only the rows it sends are made by.
"""

import structlog

from connectors.salesforce.client import SalesforceClient
from service.config import Config
from service.crash_points import reach
from service.map_functions import digests_of
from service.mapped import (
    FOLLOWED,
    MAPPING_FILE,
    accept,
    default_mapping,
    map_text,
    parsed,
    read_mapping,
    text_digest,
)
from service.passes import read_again
from state.ledger import Ledger
from state.maps import MapEntry
from transforms.converters.function import function_named
from transforms.map_diff import affected
from transforms.mapping import Mapping, parse_mapping

_log = structlog.get_logger()


async def follow_map(config: Config, ledger: Ledger, salesforce: SalesforceClient) -> list[str]:
    """Put the workspace's map in force for what is loaded too; durable when this returns.

    Returns the phases that are read again. Raises as `mapped.read_mapping` does.
    """
    known = await ledger.maps.current()
    if known is None:
        return []  # nothing was made by any map yet
    text = map_text(config)
    followed = await ledger.facts.get(FOLLOWED) or str(known.number)
    digest = text_digest(text, digests_of(config, parsed(text)))
    if digest == known.digest and followed == str(known.number):
        return []
    loaded = await read_mapping(config, ledger, salesforce)
    before = next(each for each in await ledger.maps.history() if str(each.number) == followed)
    names = {phase.name for phase in loaded.phases}
    concerned = _affected(before, text, names)
    async with ledger.write() as tx:
        await accept(tx, ledger, loaded, by="migrate")
        again = await read_again(tx, ledger, loaded.phases, concerned)
        await ledger.facts.set(tx, FOLLOWED, str(await ledger.maps.newest(tx)))
    reach("map-followed")
    if again:
        _log.info("map-followed", phases=again)
    return again


def _affected(before: MapEntry, text: str, names: set[str]) -> set[str]:
    """The phases whose rows come out differently; all of them when the earlier map is not known."""
    earlier = before.text
    if not earlier and before.digest == text_digest(default_mapping()):
        earlier = default_mapping()
    if not earlier:
        return names
    mapping = parsed(text)
    found = affected(parse_mapping(earlier, MAPPING_FILE), mapping).keys() | _by_functions(mapping)
    return names & found


def _by_functions(mapping: Mapping) -> set[str]:
    """Phases with lines that call functions: which of these have changed is not told apart."""
    return {
        name
        for name, line in mapping.phases.items()
        for table in line.tables.values()
        if any(function_named(each.convert) for each in table.fields.values())
    }
