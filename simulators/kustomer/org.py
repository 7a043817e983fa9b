"""The records of an org, ready to be served: each one's JSON is made once."""

import bisect
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
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
PARENTS = ("conversation", "customer", "company", "message", "source", "target", "sla")
_BY_ID = attrgetter("id")


class DatasetInvalid(ValueError):
    """A line of a dataset file is no record."""

    code = "dataset-invalid"
    recovery = "refuse"
    next_step = "Correct the line that is named, then start the stand-in again."


def epoch_ms(stamp: Any) -> int:
    """An ISO moment as epoch ms; 0 for none."""
    if not isinstance(stamp, str):
        return 0
    try:
        return round(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a record: its JSON, and what lists and indexes need of it.

    `created` and `updated` in epoch ms. `parents` are the ids that its relationships lead to; a
    kobject's klass is among them as `klass:<name>`.
    """

    kind: str
    id: str
    body: bytes
    created: int
    updated: int
    deleted: bool
    parents: tuple[str, ...]

    @property
    def resource(self) -> dict[str, Any]:
        """A fresh copy of the record."""
        made: dict[str, Any] = orjson.loads(self.body)
        return made


NO_ID = "__no_id"
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


def make_row(record: dict[str, Any]) -> Row:
    """Encode a resource (`type`, `id`, `attributes`, `relationships`)."""
    kind = str(record["type"]).partition(".")[0]
    attributes = record.get("attributes") or {}
    parents = [parent for name in PARENTS if (parent := related(record, name))]
    klass = related(record, "klass")
    if klass:
        parents.append(f"klass:{klass}")
    gone = attributes.get("deleted") is True
    # Copied: orjson's result keeps several kilobytes of spare room for as long as it lives.
    body = bytes(memoryview(orjson.dumps(_as_served(record))))
    return Row(
        kind=kind,
        id=str(record["id"]),
        body=body,
        created=epoch_ms(attributes.get("createdAt")),
        updated=epoch_ms(attributes.get("updatedAt")),
        deleted=gone or (kind == "user" and bool(attributes.get("deletedAt"))),
        parents=tuple(parents),
    )


def _as_served(record: dict[str, Any]) -> dict[str, Any]:
    """A dataset's record without an id is served without one; it is kept under a stand-in id."""
    if NO_ID not in record:
        return record
    return {name: value for name, value in record.items() if name not in (NO_ID, "id")}


class Shelf:
    """All records of one type, in ascending order of id."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: dict[str, Row] = {row.id: row for row in rows}
        self._order: list[Row] = sorted(self.rows.values(), key=_BY_ID)
        self._live: list[Row] = [row for row in self._order if not row.deleted]
        self._children: dict[str, list[Row]] | None = None

    @property
    def everything(self) -> list[Row]:
        """Every row, deleted ones too."""
        return self._order

    @property
    def live(self) -> list[Row]:
        """The rows that a list shows: deleted records are not among them."""
        return self._live

    def put(self, row: Row) -> Row | None:
        """Add or replace a row; returns the one it replaces."""
        old = self.drop(row.id)
        self.rows[row.id] = row
        bisect.insort(self._order, row, key=_BY_ID)
        if not row.deleted:
            bisect.insort(self._live, row, key=_BY_ID)
        if self._children is not None:
            self._link(row)
        return old

    def drop(self, record_id: str) -> Row | None:
        """Remove a row for good, as a hard delete does; returns it."""
        old = self.rows.pop(record_id, None)
        if old is None:
            return None
        _remove(self._order, old)
        if not old.deleted:
            _remove(self._live, old)
            for parent in old.parents if self._children is not None else ():
                _remove((self._children or {})[parent], old)
        return old

    def children(self, parent: str) -> list[Row]:
        """The live rows whose relationships lead to `parent`, by ascending id."""
        if self._children is None:
            self._children = {}
            for row in self._live:
                self._link(row)
        return self._children.get(parent, [])

    def _link(self, row: Row) -> None:
        assert self._children is not None
        if not row.deleted:
            for parent in row.parents:
                bisect.insort(self._children.setdefault(parent, []), row, key=_BY_ID)


def _remove(rows: list[Row], row: Row) -> None:
    at = bisect.bisect_left(rows, row.id, key=_BY_ID)
    del rows[at]


Watcher = Callable[[Row | None, Row | None], None]


class Org:
    """Every record by type. `watch` tells of each change: the row before and the row after."""

    def __init__(self, records: Iterable[dict[str, Any]]) -> None:
        rows: dict[str, list[Row]] = defaultdict(list)
        # One record at a time: a large org never exists as Python objects all at once.
        for record in records:
            row = make_row(record)
            rows[row.kind].append(row)
        self.shelves: dict[str, Shelf] = defaultdict(Shelf)
        self.shelves.update((kind, Shelf(made)) for kind, made in rows.items())
        self._watchers: list[Watcher] = []

    def newest_second(self) -> int:
        """The latest creation time that an id begins with, epoch seconds; 0 without such ids."""
        newest = 0
        for shelf in self.shelves.values():
            ids = (row.id for row in reversed(shelf.everything) if _OBJECT_ID.fullmatch(row.id))
            newest = max(newest, int(next(ids, "0" * 8)[:8], 16))
        return newest

    def watch(self, watcher: Watcher) -> None:
        """Have every later change told."""
        self._watchers.append(watcher)

    def put(self, record: dict[str, Any]) -> Row:
        """Add or replace a record."""
        row = make_row(record)
        self._tell(self.shelves[row.kind].put(row), row)
        return row

    def drop(self, kind: str, record_id: str) -> Row | None:
        """Remove a record for good; None when there is none."""
        old = self.shelves[kind].drop(record_id)
        if old is not None:
            self._tell(old, None)
        return old

    def _tell(self, old: Row | None, new: Row | None) -> None:
        for watcher in self._watchers:
            watcher(old, new)

    def children(self, kind: str, parent: str) -> list[Row]:
        """The live records of `kind` whose relationships lead to `parent`."""
        return self.shelves[kind].children(parent)

    def dump(self, kind: str) -> Iterator[bytes]:
        """Every record of a type as served, deleted ones too (`deleted` is among the attributes)."""
        for row in list(self.shelves[kind].everything):
            yield row.body


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
            if not isinstance(record.setdefault("attributes", {}), dict):
                raise DatasetInvalid(f"{path.name}:{number}: attributes must be an object.")
            record.setdefault("id", None)
            if record.get("id") is None:
                record["id"] = f"missing-{number}"
                record[NO_ID] = True
            records.append(record)
    return records
