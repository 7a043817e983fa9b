"""The records of an org, ready to be served: each one's JSON is made once."""

import bisect
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

TYPES = {
    "customer": "customers",
    "company": "companies",
    "conversation": "conversations",
    "message": "messages",
    "note": "notes",
    "user": "users",
    "team": "teams",
    "tag": "tags",
    "klass": "klasses",
    "brand": "brands",
    "schedule": "schedules",
    "shortcut": "shortcuts",
    "attachment": "attachments",
}


class DatasetInvalid(ValueError):
    """A line of a dataset file is no record."""


def epoch_ms(stamp: Any) -> int:
    """An ISO moment as epoch ms; 0 for none."""
    if not isinstance(stamp, str):
        return 0
    try:
        return int(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError:
        return 0


@dataclass
class Shelf:
    """All records of one type, in ascending order of id."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    encoded: dict[str, bytes] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    _listed: list[str] | None = None

    def put(self, record: dict[str, Any]) -> None:
        """Add or replace a record."""
        record_id = record["id"]
        self._listed = None
        if record_id not in self.records:
            if self.order and record_id < self.order[-1]:
                bisect.insort(self.order, record_id)
            else:
                self.order.append(record_id)
        self.records[record_id] = record
        self.encoded[record_id] = orjson.dumps(record)

    def drop(self, record_id: str) -> None:
        """Remove a record for good, as a hard delete does."""
        self._listed = None
        del self.records[record_id]
        del self.encoded[record_id]
        self.order.remove(record_id)

    def listed(self) -> list[str]:
        """Ids that a list shows: deleted records are not among them."""
        if self._listed is None:
            self._listed = [each for each in self.order if not self.is_deleted(each)]
        return self._listed

    def is_deleted(self, record_id: str) -> bool:
        """Tell whether a record is marked deleted."""
        return self.records[record_id]["attributes"].get("deleted") is True


class Org:
    """Every record by type, and the children of conversations and customers."""

    def __init__(self, records: Iterable[dict[str, Any]]) -> None:
        self.shelves: dict[str, Shelf] = defaultdict(Shelf)
        self.version = 0
        for record in sorted(records, key=lambda each: str(each.get("id"))):
            self.shelves[record["type"].partition(".")[0]].put(record)

    def put(self, record: dict[str, Any]) -> None:
        """Add or replace a record."""
        self.version += 1
        self.shelves[record["type"].partition(".")[0]].put(record)

    def children(self, kind: str, relation: str, parent: str) -> list[str]:
        """Ids of the records of `kind` whose `relation` leads to `parent`."""
        return [
            record_id
            for record_id, record in self.shelves[kind].records.items()
            if related(record, relation) == parent
        ]

    def dump(self, kind: str) -> Iterator[bytes]:
        """Every record of a type as served, deleted ones too."""
        shelf = self.shelves[kind]
        for record_id in shelf.order:
            yield shelf.encoded[record_id]


def related(record: dict[str, Any], name: str) -> str | None:
    """The id that a relationship leads to."""
    relation = (record.get("relationships") or {}).get(name)
    data = relation.get("data") if isinstance(relation, dict) else None
    return data.get("id") if isinstance(data, dict) else None


def load_dataset(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines, one API resource a line; raises `DatasetInvalid` with the line's number."""
    records = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                raise DatasetInvalid(f"{path.name}:{number}: not JSON.") from None
            if not isinstance(record, dict) or not isinstance(record.get("type"), str):
                raise DatasetInvalid(f"{path.name}:{number}: a record needs a type.")
            record.setdefault("id", None)
            if record.get("id") is None:
                record["id"] = f"missing-{number}"
                record["__no_id"] = True
            record.setdefault("attributes", {})
            records.append(record)
    return records
