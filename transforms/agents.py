"""Which target user an agent is: by mail address, by rule, and never the first of several.

Three rules, from exact to lenient. An address counts as a user's mail address or federation id, letter
case aside; the first rule that finds anybody decides, and only if it finds one.

1. The address itself.
2. The address after the operator's aliases: former addresses and former domains.
3. The same without a `+tag`, on both sides.

Of several users that a rule finds, those that are active count before those that are not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetUser:
    """A user of the target: id of 18 characters, mail address, federation id, whether active."""

    id: str
    email: str
    federation: str = ""
    active: bool = True


class UserBook:
    """All users of the target, by the addresses they go by."""

    def __init__(self, users: Iterable[TargetUser], aliases: Mapping[str, str]) -> None:
        """Take the users; `aliases`: by a former address or domain, what it is now."""
        self._users = {user.id: user for user in users}
        self._aliases = {normal(old): normal(new) for old, new in aliases.items()}
        self._exact: dict[str, set[str]] = defaultdict(set)
        self._untagged: dict[str, set[str]] = defaultdict(set)
        for user in self._users.values():
            for address in {normal(user.email), normal(user.federation)} - {""}:
                self._exact[address].add(user.id)
                self._untagged[untagged(address)].add(user.id)

    def get(self, target_id: str) -> TargetUser | None:
        """Return the user of an id."""
        return self._users.get(target_id)

    def find(self, address: str) -> list[TargetUser]:
        """Return those that an address may stand for, by id: one is a match, several are in doubt."""
        own = normal(address)
        if not own:
            return []
        now = self._renamed(own)
        for book, form in (
            (self._exact, own),
            (self._exact, now),
            (self._untagged, untagged(now)),
        ):
            found = sorted(book.get(form, ()))
            if found:
                users = [self._users[each] for each in found]
                return [user for user in users if user.active] or users
        return []

    def _renamed(self, address: str) -> str:
        if address in self._aliases:
            return self._aliases[address]
        local, _, domain = address.rpartition("@")
        return f"{local}@{self._aliases[domain]}" if domain in self._aliases else address


def normal(address: str) -> str:
    """The form in which addresses are compared."""
    return address.strip().lower()


def untagged(address: str) -> str:
    """The address without the `+tag` of its local part; one that is nothing but a tag stays."""
    local, at, domain = address.rpartition("@")
    plain = local.partition("+")[0]
    return f"{plain}{at}{domain}" if plain else address
