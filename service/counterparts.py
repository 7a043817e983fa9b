"""What a directory phase's records are matched with: users by mail address, teams by name.

Each kind has its own rule; the step that concludes a match (`service/directory.py`) is one for all.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connectors.salesforce.client import SalesforceClient
from state.ledger import Tx
from transforms.match import MatchFacts, MatchRule

Records = Mapping[str, MatchFacts]
"""What is known of the records to be matched, by source id."""


@dataclass(frozen=True)
class Unpaired:
    """Why a record has no counterpart; `candidates`: ids of those that it may be."""

    source_id: str
    reason: str
    candidates: Sequence[str] = ()


@dataclass
class Pairs:
    """Target ids by source id: `matched` were there, `made` were made by us; and what has none."""

    matched: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    unpaired: list[Unpaired] = field(default_factory=list)


class Counterparts(Protocol):
    """The rule of one kind. Everything it does in Salesforce may be repeated without harm."""

    async def pair(self, records: Records, gone: Sequence[str]) -> Pairs:
        """Find or make the counterparts; `gone` are records that Kustomer no longer has."""
        ...

    async def note(self, tx: Tx, records: Records, pairs: Pairs) -> None:
        """Make durable what is left to do, in the transaction that makes the pairs so."""
        ...

    async def follow(self) -> None:
        """Do what hangs on pairs that are durable, such as the members of a queue."""
        ...


class ByName:
    """Records whose value equals a field of exactly one target record."""

    def __init__(self, rule: MatchRule, client: SalesforceClient) -> None:
        self._rule = rule
        self._client = client

    async def pair(self, records: Records, gone: Sequence[str]) -> Pairs:
        """Find counterparts; none and several are told apart."""
        targets = await self._targets()
        found = Pairs()
        for source_id, facts in sorted(records.items()):
            hits = targets.get(facts.value, []) if facts.value else []
            if len(hits) == 1:
                found.matched[source_id] = hits[0]
            else:
                reason = "several-matches" if hits else "no-match"
                found.unpaired.append(Unpaired(source_id, reason, hits))
        return found

    async def note(self, tx: Tx, records: Records, pairs: Pairs) -> None:
        """Nothing is left to do."""

    async def follow(self) -> None:
        """Nothing hangs on these pairs."""

    async def _targets(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        async for page in self._client.query(self._rule.soql()):
            for record in page:
                value = record.get(self._rule.target)
                if isinstance(value, str) and value:
                    found[self._rule.normalise(value)].append(str(record["Id"]))
        return found
