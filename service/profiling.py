"""Profiles of all records: counted as pages are transformed, durable with the pages that they count.

A page is counted where it is made into rows, and its counts are added in the transaction that seals it:
a page that is read again because it was not sealed counts once. What is made anew later (held rows, a
retry) does not come by here. Records that a moving list shows twice count twice, as in the books.
"""

from collections.abc import Iterable, Mapping

import orjson

from service.config import Config
from service.mapped import map_text, parsed
from service.pages import SourcePage
from service.phases import Phase
from state.ledger import Ledger, Tx
from state.profiles import StoredProfile
from transforms.schema.profile import Profile
from transforms.schema.tally import Counted, PageTally, standard_paths

RECORDS = "records"
_KIND = ""


class Profiler:
    """Counts the pages of all streams of one run."""

    def __init__(self, ledger: Ledger, tallies: Mapping[str, tuple[str, PageTally]]) -> None:
        self._ledger = ledger
        self._tallies = tallies

    def add(self, page: SourcePage) -> None:
        """Count one page; in memory only."""
        mine = self._tallies.get(page.phase)
        if mine is not None:
            mine[1].add(page.rows)

    async def note(self, tx: Tx, stream: str) -> None:
        """Add what was counted since the last time to the ledger, with the pages of that time."""
        mine = self._tallies.get(stream)
        if mine is None:
            return
        kind, tally = mine
        counted = tally.take()
        known = await self._ledger.profiles.of(kind, tx)
        await self._ledger.profiles.put(tx, kind, _added(known, counted))


async def open_profiler(config: Config, ledger: Ledger, phases: Iterable[Phase]) -> Profiler | None:
    """Make ready to count the streams of `phases` that move; None where `profile` is off.

    Attributes that are sensitive by the schema that the map was confirmed for get no tokens.
    """
    if not config.profile:
        return None
    token = await ledger.profiles.begin()
    mapping = parsed(map_text(config))
    hidden = await _sensitive(ledger)
    tallies = {
        each.name: (
            each.kind,
            PageTally(token, standard_paths(mapping, each.name), hidden.get(each.kind, ())),
        )
        for each in phases
        if each.of is None and each.operation != "match"
    }
    return Profiler(ledger, tallies)


async def _sensitive(ledger: Ledger) -> dict[str, list[str]]:
    """By kind, the attributes that Kustomer masks, as far as somebody confirmed a schema."""
    known = await ledger.confirmations.latest()
    if known is None:
        return {}
    facts = orjson.loads(known.source)
    return {
        kind: [name for name, each in attributes.items() if each.get("sensitive")]
        for kind, attributes in facts.items()
    }


def _added(known: Mapping[str, StoredProfile], counted: Counted) -> dict[str, StoredProfile]:
    before = known.get(_KIND) or StoredProfile()
    records = before.counts.get(RECORDS, 0) + counted.records
    added = {_KIND: StoredProfile({RECORDS: records})}
    for path, fresh in counted.profiles.items():
        if path in known:
            whole = profile_of(known[path])
            whole.merge(fresh)
        else:
            whole = fresh
        added[path] = StoredProfile(whole.counts(), whole.open_ended, dict(whole.values))
    return added


def profile_of(stored: StoredProfile) -> Profile:
    """A stored profile in the form that maps are proposed by; its values are tokens."""
    return Profile.of_counts(stored.counts, stored.tokens, open_ended=stored.open)
