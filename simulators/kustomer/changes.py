"""Changes to an org while it runs, with what they do to other records (kustomer facts, section 7)."""

from datetime import UTC, datetime
from typing import Any

from simulators.kustomer.desk import PLURALS, Desk
from simulators.kustomer.org import Row
from simulators.kustomer.resource import resource

_CHILDREN = {
    "conversation": ("message", "note"),
    "customer": ("conversation", "message", "note", "kobject"),
    "message": ("attachment",),
}
_UNION = ("emails", "phones", "socials", "locations", "watchers", "tags", "urls", "externalIds")


class Changes:
    """Writes as agents would make them: `rev` and `updatedAt` move on with each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made = 0

    def stamp(self) -> str:
        """Now, by the org's own clock, in the API's form."""
        moment = datetime.fromtimestamp(self._desk.now_ms() // 1000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{self._desk.now_ms() % 1000:03d}Z"

    def create(self, kind: str, given: dict[str, Any]) -> Row:
        """Make a record; an id is made unless one is given."""
        self._made += 1
        now = self.stamp()
        made = f"{self._desk.now_ms() // 1000:08x}{'f' * 4}{self._made:012x}"
        record_id = str(given.get("id") or made)
        plural = next((name for name, each in PLURALS.items() if each == kind), f"{kind}s")
        timed = {"createdAt": now, "updatedAt": now, "modifiedAt": now, "rev": 1}
        record = resource(
            given.get("type", kind),
            record_id,
            plural,
            {**timed, **given.get("attributes", {})},
            given.get("relationships", {}),
            org_id=self._desk.settings.org_id,
        )
        return self._put(record, "create")

    def update(
        self, kind: str, record_id: str, given: dict[str, Any], *, touch: bool = True
    ) -> Row | None:
        """Merge attributes and relationships into a record; None when there is none.

        `touch=False` leaves `rev` and `updatedAt` alone, as derived counters do.
        """
        row = self._desk.org.shelves[kind].rows.get(record_id)
        if row is None:
            return None
        record = row.resource
        attributes = record["attributes"]
        attributes.update(given.get("attributes", {}))
        record.setdefault("relationships", {}).update(given.get("relationships", {}))
        if touch:
            attributes["rev"] = int(attributes.get("rev") or 0) + 1
            if "updatedAt" not in given.get("attributes", {}):
                attributes["updatedAt"] = self.stamp()
            attributes["modifiedAt"] = attributes["updatedAt"]
        return self._put(record, "update")

    def delete(self, kind: str, record_id: str, *, hard: bool = False) -> bool:
        """Delete a record, and a conversation's messages and notes with it; False for none.

        A soft delete leaves a tombstone for `includeDeleted`; a hard one leaves nothing.
        """
        if record_id not in self._desk.org.shelves[kind].rows:
            return False
        for child in _CHILDREN.get(kind, ()) if kind != "customer" else ():
            for row in list(self._desk.org.children(child, record_id)):
                self.delete(child, row.id, hard=hard)
        if hard:
            self._desk.org.drop(kind, record_id)
            self._log("delete", kind, record_id)
            return True
        gone = {"deleted": True, "deletedAt": self.stamp()}
        self.update(kind, record_id, {"attributes": gone})
        return True

    def merge(self, kind: str, source: str, target: str) -> Row | None:
        """Merge one customer or conversation into another; the children move, the source goes.

        Returns the record of the merge for customers, the survivor for conversations; None when
        either is missing.
        """
        rows = self._desk.org.shelves[kind].rows
        if source not in rows or target not in rows or source == target:
            return None
        self._move(kind, source, target)
        survivor = rows[target].resource["attributes"]
        if kind == "conversation":
            self.delete(kind, source)
            return self.update(kind, target, {"attributes": {"mergedTarget": True}})
        lost = rows[source].resource["attributes"]
        joined = {
            name: [
                *survivor.get(name, ()),
                *(x for x in lost[name] if x not in survivor.get(name, ())),
            ]
            for name in _UNION
            if lost.get(name)
        }
        custom = {**(lost.get("custom") or {}), **(survivor.get("custom") or {})}
        oldest = min(lost["createdAt"], survivor["createdAt"])
        self.update(kind, target, {"attributes": {**joined, "custom": custom, "createdAt": oldest}})
        self.delete(kind, source)
        return self.create(
            "customer_merge",
            {
                "attributes": {"status": "success"},
                "relationships": {"source": _data(kind, source), "target": _data(kind, target)},
            },
        )

    def _move(self, kind: str, source: str, target: str) -> None:
        for child in _CHILDREN[kind]:
            for row in list(self._desk.org.children(child, source)):
                # Messages name the type of their customer in the plural.
                named = "customers" if (kind, child) == ("customer", "message") else kind
                link = {"links": {"self": f"/v1/{kind}s/{target}"}, **_data(named, target)}
                self.update(child, row.id, {"relationships": {kind: link}})

    def _put(self, record: dict[str, Any], verb: str) -> Row:
        row = self._desk.org.put(record)
        self._log(verb, row.kind, row.id)
        return row

    def _log(self, verb: str, kind: str, record_id: str) -> None:
        self._desk.journal.write(at=self._desk.clock(), change=verb, kind=kind, id=record_id)


def _data(kind: str, record_id: str) -> dict[str, Any]:
    return {"data": {"type": kind, "id": record_id}}
