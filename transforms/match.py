"""How records of a match phase find their counterparts: a value of ours, a field of theirs."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from transforms.converters.cells import as_text, clean
from transforms.errors import Hold
from transforms.record import Getter, Record

MakeKind = Literal["queue", "group"]


@dataclass(frozen=True)
class MatchFacts:
    """What a match phase keeps of a record: the value it is matched by, and who or what it is.

    `state` is active, deactivated, pending or machine. `members`: source ids of a team's members.
    """

    value: str
    name: str = ""
    state: str = "active"
    members: tuple[str, ...] = ()

    def dump(self) -> str:
        """Return them as a payload."""
        return json.dumps(vars(self), ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def load(payload: bytes) -> "MatchFacts":
        """Read a payload; earlier versions kept the value alone."""
        text = payload.decode()
        try:
            told = json.loads(text) if text.startswith('{"value":') else None
        except json.JSONDecodeError:
            told = None
        if not isinstance(told, dict):
            return MatchFacts(text)
        return MatchFacts(told["value"], told["name"], told["state"], tuple(told["members"]))


@dataclass(frozen=True)
class MatchRule:
    """Records whose value at `get` equals the target's field `target`, letter case aside.

    `make`: what is made for a record that has no counterpart; None: nothing.
    """

    object: str
    target: str
    where: str
    get: Getter
    make: MakeKind | None = None

    def soql(self, *more: str) -> str:
        """The query for all possible counterparts, with `more` fields of theirs."""
        condition = f" WHERE {self.where}" if self.where else ""
        fields = ", ".join(dict.fromkeys(("Id", self.target, *more)))
        return f"SELECT {fields} FROM {self.object}{condition}"  # noqa: S608

    def value(self, record: Record) -> str:
        """The value a record is matched by, normalised; "" when it has none."""
        found = self.get(record)
        return self.normalise(clean(found)) if isinstance(found, str) else ""

    def payload(self, record: Record) -> str:
        """What is kept of a record until it is matched; see `MatchFacts`."""
        attributes = record.attributes
        members = attributes.get("members")
        listed = members if isinstance(members, list) else []
        return MatchFacts(
            self.value(record),
            _name(attributes),
            _state(attributes),
            tuple(each for each in listed if isinstance(each, str) and each),
        ).dump()

    @staticmethod
    def normalise(value: str) -> str:
        """The form in which both sides are compared."""
        return value.strip().lower()


def _name(attributes: dict[str, Any]) -> str:
    for key in ("displayName", "name"):
        try:
            found = clean(as_text(attributes.get(key))).strip()
        except Hold:
            continue  # a name is only shown; it must not keep a record from being matched
        if found:
            return found
    return ""


def _state(attributes: dict[str, Any]) -> str:
    if attributes.get("deleted") is True or attributes.get("deletedAt"):
        return "deactivated"
    if attributes.get("userType") == "machine":
        return "machine"
    return "pending" if attributes.get("pending") is True else "active"
