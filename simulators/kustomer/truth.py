"""The log of the truth: what was written to the org, in order, and what became of what is gone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simulators.kustomer.journal import Journal
from simulators.kustomer.org import Org, Row, related

Fate = dict[str, str]


@dataclass
class Write:
    """One write with all that it did. `kind` and `id` name the record that it was meant for.

    `changed` lists every record touched, in order: kind, id, and `create`, `update`, `delete` or
    `hard_delete`. `moved` lists records that got another parent: the parent's kind, the old and
    the new id, None for none. `into` is the survivor of a merge. `attributes` are the names, never
    the values, of what changed in the record itself.
    """

    name: str
    kind: str
    id: str
    by: str
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    moved: list[dict[str, str | None]] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    into: str | None = None

    def line(self, sequence: int, at: str) -> bytes:
        """The line of the log; ids alone, no content."""
        told: dict[str, Any] = {
            "seq": sequence,
            "at": at,
            "write": self.name,
            "by": self.by,
            "kind": self.kind,
            "id": self.id,
            "attributes": self.attributes,
            "changed": [
                {"kind": kind, "id": record_id, "change": change}
                for kind, record_id, change in self.changed
            ],
            "moved": self.moved,
        }
        if self.into is not None:
            told["into"] = self.into
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


class Truth:
    """Append-only. Kept in memory for the side-door (some 400 bytes a write), and in a file if told.

    The fate of a record is known from its first deletion or merge on: `deleted` (a tombstone is
    left), `hard_deleted` (nothing is), or `merged` into another.
    """

    def __init__(self, org: Org, path: Path | None) -> None:
        self._org = org
        self._lines: list[bytes] = []
        self._file = Journal(path)
        self._fates: dict[tuple[str, str], Fate] = {}
        for row in org.shelves["customer_merge"].everything:
            source, target = (related(row.resource, name) for name in ("source", "target"))
            if source and target:
                self.ended("customer", source, "merged", into=target)

    def append(self, write: Write, at: str) -> None:
        """Note one write; sequence numbers begin with 1 and have no gaps."""
        line = write.line(len(self._lines) + 1, at)
        self._lines.append(line)
        self._file.line(line)

    @property
    def count(self) -> int:
        """How many writes there were: the last sequence number."""
        return len(self._lines)

    def since(self, sequence: int) -> Iterator[bytes]:
        """The lines after a sequence number, those of now: what comes later is not among them."""
        yield from self._lines[max(0, sequence) :]

    def ended(self, kind: str, record_id: str, fate: str, *, into: str | None = None) -> None:
        """Note what became of a record."""
        self._fates[kind, record_id] = {"fate": fate} | ({"into": into} if into else {})

    def lives(self, kind: str, record_id: str) -> None:
        """Note that a record is there (again)."""
        self._fates.pop((kind, record_id), None)

    def fate(self, row: Row) -> Fate | None:
        """What became of a record that still has a row; None for one that lives."""
        if not row.deleted:
            return None
        return self._fates.get((row.kind, row.id)) or {"fate": "deleted"}

    def survivor(self, kind: str, record_id: str) -> str | None:
        """Where a merged record's children are, through every later merge; None for an unmerged."""
        seen = {record_id}
        found = None
        while (into := self._fates.get((kind, record_id), {}).get("into")) and into not in seen:
            seen.add(into)
            found = record_id = into
        return found

    def hard_deleted(self, kind: str) -> Iterator[str]:
        """Ids of the records of a kind that have no row any more."""
        for (each, record_id), told in list(self._fates.items()):
            if each == kind and told["fate"] == "hard_deleted":
                yield record_id

    def close(self) -> None:
        """Write out what is left. Blocks."""
        self._file.close()
