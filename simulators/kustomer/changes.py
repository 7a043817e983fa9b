"""Changes to an org while it runs, with what they do to other records (kustomer facts, section 7)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from simulators.kustomer.desk import PLURALS, Desk
from simulators.kustomer.merging import joined
from simulators.kustomer.org import PARENTS, Row, related
from simulators.kustomer.resource import resource
from simulators.kustomer.truth import Write

CHILDREN = {
    "conversation": ("message", "note"),
    "customer": ("conversation", "message", "note", "kobject"),
    "message": ("attachment",),
}
_PATHS = {kind: plural for plural, kind in PLURALS.items()} | {"customer_merge": "customers/merges"}
# What a new record has beside its times: `modifiedAt` and `rev` are not on each kind.
_NOT_MODIFIED = frozenset(("kobject", "customer_merge"))
_NO_REV = frozenset(("note", "customer_merge"))
# `edit` is the write of a user or key. `system` moves `updatedAt` and `rev` but not `modifiedAt`;
# `derived` moves `rev` alone, as counters were seen to; `none` leaves all three.
Stamps = Literal["edit", "system", "derived", "none"]
Given = dict[str, Any]


class Changes:
    """Writes as they reach the org, each with its line in the log of the truth.

    `by` says in that log whose writes they are. What a write does beyond its own record is done
    here only where the write cannot be without it: a deletion's and a merge's children.
    """

    def __init__(self, desk: Desk, by: str = "admin") -> None:
        self._desk = desk
        self._by = by
        self._open: Write | None = None

    def stamp(self) -> str:
        """Now, by the org's own clock, in the API's form."""
        return self._desk.stamp(self._desk.now_ms())

    @contextmanager
    def written(self, name: str, kind: str, record_id: str) -> Iterator[Write]:
        """Everything changed inside is one write; it is part of the outer one where there is one."""
        if self._open is not None:
            yield self._open
            return
        write = self._open = Write(name, kind, record_id, self._by)
        try:
            yield write
        finally:
            self._open = None
        self._desk.truth.append(write, self.stamp())

    def create(self, kind: str, given: Given) -> Row:
        """Make a record; an id is made unless one is given."""
        record_id = str(given.get("id") or self._desk.new_id())
        now = self.stamp()
        timed: Given = {"createdAt": now, "updatedAt": now}
        if kind not in _NOT_MODIFIED:
            timed["modifiedAt"] = now
        if kind not in _NO_REV:
            timed["rev"] = 0 if kind == "kobject" else 1
        record = resource(
            given.get("type", kind),
            record_id,
            _PATHS.get(kind, f"{kind}s"),
            {**timed, **given.get("attributes", {})},
            given.get("relationships", {}),
            org_id=self._desk.settings.org_id,
        )
        with self.written(f"{kind}.create", kind, record_id) as write:
            row = self._put(record, "create")
            if (write.kind, write.id) == (kind, record_id):
                write.attributes += given.get("attributes", {})
            for name in PARENTS:
                self._note_move(write, record, name, None, related(record, name))
            self._audit("create", kind, record_id, user=related(record, "createdBy"))
        return row

    def update(
        self, kind: str, record_id: str, given: Given, *, stamps: Stamps = "edit"
    ) -> Row | None:
        """Merge attributes and relationships into a record; None when there is none.

        A relationship given as None is taken away. `updatedAt` may be given.
        """
        row = self._desk.org.shelves[kind].rows.get(record_id)
        if row is None:
            return None
        record = row.resource
        attributes, relations = record["attributes"], record.setdefault("relationships", {})
        wanted, linked = given.get("attributes", {}), given.get("relationships", {})
        with self.written(f"{kind}.update", kind, record_id) as write:
            if stamps == "edit" and "deleted" not in wanted:
                changes = {
                    "attributes": _changed(attributes, wanted),
                    "relationships": _changed(relations, linked),
                }
                by = linked.get("modifiedBy") or {}
                user = (by.get("data") or {}).get("id")
                self._audit("update", kind, record_id, user=user, changes=changes)
            for name in PARENTS:
                if name in linked:
                    new = ((linked[name] or {}).get("data") or {}).get("id")
                    self._note_move(write, record, name, related(record, name), new)
            if (write.kind, write.id) == (kind, record_id):
                write.attributes += (each for each in wanted if each not in write.attributes)
            attributes.update(wanted)
            relations.update(linked)
            for name in [each for each, value in linked.items() if value is None]:
                del relations[name]
            self._stamp(kind, attributes, wanted, stamps)
            return self._put(record, "update")

    def _stamp(self, kind: str, attributes: Given, wanted: Given, stamps: Stamps) -> None:
        if stamps == "none":
            return
        if kind not in _NO_REV:
            attributes["rev"] = int(attributes.get("rev") or 0) + 1
        if stamps != "derived":
            if "updatedAt" not in wanted:
                attributes["updatedAt"] = self.stamp()
            if stamps == "edit" and kind not in _NOT_MODIFIED:
                attributes["modifiedAt"] = attributes["updatedAt"]

    def delete(self, kind: str, record_id: str, *, hard: bool = False) -> bool:
        """Delete a record, and a conversation's messages and notes with it; False for none.

        A soft delete leaves a tombstone for `includeDeleted`; a hard one leaves nothing.
        """
        row = self._desk.org.shelves[kind].rows.get(record_id)
        if row is None or (row.deleted and not hard):
            return False
        with self.written(f"{kind}.{'hard_delete' if hard else 'delete'}", kind, record_id):
            for child in CHILDREN.get(kind, ()) if kind != "customer" else ():
                for each in list(self._desk.org.children(child, record_id)):
                    self.delete(child, each.id, hard=hard)
            if hard:
                self._desk.org.drop(kind, record_id)
                self._told("hard_delete", kind, record_id)
            else:
                gone = {"deleted": True, "deletedAt": self.stamp()}
                self.update(kind, record_id, {"attributes": gone})
            self._desk.truth.ended(kind, record_id, "hard_deleted" if hard else "deleted")
            told = self._desk.settings.audit_deletions
            if told == "all" or (told == "soft" and not hard):
                self._audit("delete", kind, record_id)
        return True

    def merge(self, kind: str, source: str, target: str) -> Row | None:
        """Merge one customer or conversation into another; the children move, the source goes.

        Returns the record of the merge for customers, the survivor for conversations; None when
        either is missing or gone.
        """
        rows = self._desk.org.shelves[kind].rows
        pair = [rows[each] for each in (source, target) if each in rows]
        if len(pair) < 2 or source == target or any(row.deleted for row in pair):
            return None
        with self.written(f"{kind}.merge", kind, source) as write:
            write.into = target
            self.move(kind, source, target)
            lost, kept = (row.resource for row in pair)
            self.update(kind, target, joined(kind, lost, kept, self._desk.org))
            self.delete(kind, source)
            self._desk.truth.ended(kind, source, "merged", into=target)
            ends = {"source": source, "target": target}
            told = {name: {"op": "add", "after": each} for name, each in ends.items()}
            self._audit("merge", kind, target, changes={"attributes": {}, "relationships": told})
            if kind == "conversation":
                return rows[target]
            pairs = {"source": _data(kind, source), "target": _data(kind, target)}
            given = {"attributes": {"status": "success"}, "relationships": pairs}
            return self.create("customer_merge", given)

    def move(self, kind: str, source: str, target: str) -> None:
        """Give every child of one record to another; what they were made and sent at stays.

        With the setting `moved_keep_times` their `updatedAt` stays as well.
        """
        self.give(kind, source, kind, target)

    def give(self, kind: str, record_id: str, parent: str, target: str) -> None:
        """Let every child of a record lead to another `parent`: its own, or one higher up."""
        stamps: Stamps = "none" if self._desk.settings.moved_keep_times else "edit"
        for child in CHILDREN[kind]:
            for row in list(self._desk.org.children(child, record_id)):
                self.update(child, row.id, relinked(child, parent, target), stamps=stamps)

    def _put(self, record: Given, verb: str) -> Row:
        kind = str(record["type"]).partition(".")[0]
        old = self._desk.org.shelves[kind].rows.get(record["id"])
        row = self._desk.org.put(record)
        if not row.deleted:
            self._desk.truth.lives(row.kind, row.id)
        elif verb == "update" and old is not None and not old.deleted:
            verb = "delete"
        self._told(verb, row.kind, row.id)
        return row

    def _told(self, verb: str, kind: str, record_id: str) -> None:
        self._desk.journal.write(at=self._desk.clock(), change=verb, kind=kind, id=record_id)
        if self._open is not None:
            self._open.changed.append((kind, record_id, verb))

    def _note_move(
        self, write: Write, record: Given, name: str, old: str | None, new: str | None
    ) -> None:
        if old != new:
            kind = str(record["type"]).partition(".")[0]
            moved = {"kind": kind, "id": record["id"], "parent": name, "from": old, "to": new}
            write.moved.append(moved)

    def _audit(
        self,
        verb: str,
        kind: str,
        record_id: str,
        *,
        user: str | None = None,
        changes: Given | None = None,
    ) -> None:
        at, entry = self._desk.now_ms(), self._desk.new_id()
        self._desk.audit.note(entry, kind, record_id, verb, at=at, user=user, changes=changes)


def relinked(child: str, kind: str, target: str) -> Given:
    """What makes a child one of another parent; messages name a customer's type in the plural."""
    named = "customers" if (kind, child) == ("customer", "message") else kind
    held = {"links": {"self": f"/v1/{_PATHS[kind]}/{target}"}, **_data(named, target)}
    return {"relationships": {kind: held}}


def _changed(held: Given, wanted: Given) -> Given:
    """Per name the operation and the values, in the form that events have (facts, 6.17)."""
    found: Given = {}
    for name, value in wanted.items():
        if value != held.get(name):
            before = {"before": held[name]} if held.get(name) is not None else {}
            after = {} if value is None else {"after": value}
            op = "remove" if value is None else "replace" if before else "add"
            found[name] = {"op": op, **before, **after}
    return found


def _data(kind: str, record_id: str) -> Given:
    return {"data": {"type": kind, "id": record_id}}
