"""A small org with every way that a record can go, and a target that refuses some of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulators.kustomer.generate import generate
from simulators.kustomer.org import Org
from simulators.kustomer.settings import KustomerSettings
from simulators.salesforce.org import Org as Target
from simulators.salesforce.outcomes import FieldError, Outcome, WriteContext

SETTINGS = KustomerSettings(
    companies=12,
    customers=30,
    conversations=50,
    messages=250,
    notes=110,
    users=12,
    teams=4,
    kobjects=0,
    rate_limit=1_000_000,
    search_limit=1_000_000,
)
REFUSED = "please refuse"
REFUSED_PART = "refuse a part"
LOCKED = "locked at first"
_LOCK = FieldError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
_RULE = FieldError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Our own rule forbids it")


class Source:
    """The org, and what of it can never arrive."""

    def __init__(self, settings: KustomerSettings = SETTINGS, copies: int = 1) -> None:
        made = list(generate(settings))
        by_kind: dict[str, list[Any]] = {}
        for record in made:
            by_kind.setdefault(record["type"], []).append(record)
        self._serial = 0
        self._by_kind = by_kind
        for _ in range(copies):
            made += self._extras()
        self.org = Org(made)
        self.already_there = by_kind["company"][1]["id"]
        self.never = {
            row.id
            for kind in ("customer", "message", "note")
            for row in self.org.shelves[kind].everything
            if REFUSED.encode() in row.body or REFUSED_PART.encode() in row.body
        }

    def records(self, kind: str) -> dict[str, dict[str, Any]]:
        """The records that must arrive."""
        rows = self.org.shelves[kind].everything
        return {row.id: row.resource for row in rows if row.id not in self.never}

    def _like(self, kind: str, **attributes: Any) -> dict[str, Any]:
        """A further record of a kind, alike but for its id and what is named."""
        record: dict[str, Any] = json.loads(json.dumps(self._by_kind[kind][3]))
        self._serial += 1
        record["id"] = f"6a0000000000{self._serial:012x}"
        record["attributes"] |= attributes
        return record

    def _extras(self) -> Iterator[dict[str, Any]]:
        for _ in range(3):
            yield self._like("note", body="Equal in all but the id.")
        for _ in range(2):
            yield self._like("note", body="Long and equal. " * 600)
        yield self._like("note", body=REFUSED)
        yield self._like("note", body=f"{REFUSED_PART} " * 600)
        yield self._like("note", body=LOCKED)
        yield self._like("message", preview=REFUSED)
        yield self._like("message", preview=LOCKED)
        yield self._like("conversation", name=LOCKED, deleted=False)
        yield self._like("customer", name=REFUSED, displayName=REFUSED, deleted=False)
        yield self._like("customer", name=LOCKED, displayName=LOCKED, deleted=False)
        yield self._like("company", name=LOCKED, domains=["locked.example"])
        for name in ("One", "Two", "Three"):
            domain = f"shared{self._serial // 20}.example"
            yield self._like("company", name=f"{name} of one domain", domains=[domain])


class Moody:
    """Stands before a target's store: a rule of the org's own, and locks that pass."""

    def __init__(self, target: Target, times: int) -> None:
        self._chunk = target.store.chunk
        self._times = times
        self._locked: Counter[str] = Counter()

    def chunk(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        operation: str,
        context: WriteContext,
        *,
        external_field: str = "",
    ) -> list[Outcome]:
        """As the store's own; struck rows do not get there."""
        struck = [self._strike(row) for row in rows]
        good = [row for row, error in zip(rows, struck, strict=True) if error is None]
        outcomes = iter(self._chunk(name, good, operation, context, external_field=external_field))
        return [next(outcomes) if error is None else Outcome(errors=(error,)) for error in struck]

    def _strike(self, row: Mapping[str, Any]) -> FieldError | None:
        text = " ".join(value for value in row.values() if isinstance(value, str))
        if LOCKED in text and self._locked[text] < self._times:
            self._locked[text] += 1
            return _LOCK
        part = REFUSED_PART in text and "(2/" in text
        return _RULE if REFUSED in text or part else None


def put_moods(target: Target, source: Source, *, times: int) -> None:
    """Let the target refuse as `Moody` says, and have one record already, with its key."""
    target.store.chunk = Moody(target, times).chunk  # type: ignore[method-assign]
    target.store.seed("Account", {"Name": "Here already", "Kustomer_Id__c": source.already_there})
