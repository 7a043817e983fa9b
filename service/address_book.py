"""Whose mail address it is: learned as customers are sealed, asked as what names them is transformed.

Customers are read before all that names them, so a page of messages finds every customer whose page was
sealed. In memory are the addresses of one page at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from state.ledger import Ledger, Tx
from state.profiles import Token
from transforms.compile import CompiledMapping, CompiledPhase
from transforms.lookups import Lookups


class AddressBook:
    """The addresses of one workspace's customers."""

    def __init__(self, ledger: Ledger, token: Token) -> None:
        self._ledger = ledger
        self._token = token

    async def note(self, tx: Tx, entries: Iterable[tuple[str, str]]) -> None:
        """Store (address in small letters, source id), with the pages that tell of them."""
        await self._ledger.addresses.learn(tx, [(self._token(a), each) for a, each in entries])

    async def lookups(
        self, phase: CompiledPhase, records: Sequence[Any], lookups: Lookups
    ) -> Lookups:
        """Return `lookups` with the customers that `records` name by address, for a phase that asks."""
        if phase.asks is None:
            return lookups
        asked = {address for row in records if isinstance(row, dict) for address in phase.asks(row)}
        tokens = {self._token(address): address for address in asked}
        owners = await self._ledger.addresses.owners(list(tokens))
        return replace(lookups, customer_emails={tokens[t]: ids for t, ids in owners.items()})


async def open_address_book(ledger: Ledger, mapping: CompiledMapping) -> AddressBook | None:
    """Make ready to learn and ask; None where no phase asks, so that nothing is learned either."""
    if not any(phase.asks for phase in mapping.phases.values()):
        return None
    return AddressBook(ledger, await ledger.profiles.begin())
