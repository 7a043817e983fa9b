"""The kinds of writes that churn makes, with their weights: what agents and customers do in a day."""

from collections.abc import Callable
from typing import Any

from simulators.kustomer.cascade import Cascade
from simulators.kustomer.changes import Changes, Given
from simulators.kustomer.churn_made import Maker
from simulators.kustomer.desk import Desk
from simulators.kustomer.org import Row, related
from simulators.kustomer.resource import link

# Of a thousand writes, about. Messages and edits of conversations are most of what happens.
WEIGHTS = {
    "customer.create": 30,
    "company.create": 5,
    "conversation.create": 60,
    "message.create": 180,
    "note.create": 60,
    "customer.name": 20,
    "customer.emails": 20,
    "customer.phones": 15,
    "customer.tags": 15,
    "customer.custom": 30,
    "company.custom": 10,
    "kobject.edit": 15,
    "kobject.hard_delete": 2,
    "conversation.name": 20,
    "conversation.status": 120,
    "conversation.priority": 30,
    "conversation.assigned_users": 50,
    "conversation.assigned_teams": 30,
    "conversation.tags": 50,
    "conversation.custom": 40,
    "message.edit": 15,
    "message.redact": 5,
    "note.edit": 20,
    "conversation.delete": 8,
    "conversation.hard_delete": 3,
    "message.delete": 6,
    "message.hard_delete": 3,
    "note.delete": 10,
    "note.hard_delete": 3,
    "customer.delete": 4,
    "customer.hard_delete": 2,
    "customer.merge": 8,
    "conversation.merge": 8,
    "conversation.relink": 10,
    "customer.relink": 12,
    "customer.unlink": 5,
    "customer.noise": 60,
    "conversation.noise": 30,
    "message.noise": 20,
}
_HISTORY = {
    "name": "nameAt",
    "priority": "priorityAt",
    "assignedTeams": "assignedTeamsAt",
    "assignedUsers": "assignedUsersAt",
    "status": "statusAt",
    "tags": "tagsAt",
    "custom": "customAt",
}
_TRIES = 20


class Writes:
    """Makes one write of a kind; the record is drawn by the same source as what is written.

    Neither the clock nor the order of calls has a say in what is drawn: the stamps alone differ.
    """

    def __init__(self, desk: Desk, make: Maker) -> None:
        self._desk = desk
        self._org = desk.org
        self._random = make.random
        self._changes = Changes(desk, "churn")
        self._cascade = Cascade(desk.org, self._changes)
        self._make = make

    def make(self, name: str) -> bool:
        """Make a write of this kind; False when the org has no record that it fits."""
        kind, _, what = name.partition(".")
        if what == "create":
            return self._create(kind)
        row = self._any(kind)
        if row is None:
            return False
        if what in ("delete", "hard_delete"):
            return self._delete(kind, row, hard=what == "hard_delete")
        if what == "noise":
            return self._noise(name, kind, row)
        special: dict[str, Callable[[Row], bool]] = {
            "customer.merge": self._merge_customers,
            "conversation.merge": self._merge_conversations,
            "conversation.relink": self._other_customer,
            "customer.relink": self._other_company,
            "customer.unlink": self._no_company,
            "message.redact": self._redact,
            "conversation.status": self._status,
        }
        if name in special:
            return special[name](row)
        return self._edit(name, kind, row)

    def _any(self, kind: str) -> Row | None:
        rows = self._org.shelves[kind].live
        return rows[self._random.randrange(len(rows))] if rows else None

    def _create(self, kind: str) -> bool:
        talk = self._any("conversation") if kind in ("message", "note") else None
        who = self._any("customer") if kind == "conversation" else None
        firm = self._any("company") if kind == "customer" else None
        if talk is None and kind in ("message", "note"):
            return False
        given = self._make.new(kind, talk=talk, customer=who, company=firm)
        record_id = given["id"] = self._desk.new_id()
        with self._changes.written(f"{kind}.create", kind, record_id):
            row = self._changes.create(kind, given)
            if kind == "message":
                self._cascade.message_made(row)
            elif kind == "note":
                self._cascade.note_made(row)
            elif who is not None:
                self._cascade.talks_changed(who.id)
        return True

    def _edit(self, name: str, kind: str, row: Row) -> bool:
        wanted = self._make.edit(name, row)
        if kind == "conversation":
            wanted |= self._history(row, wanted)
        with self._changes.written(name, kind, row.id):
            self._changes.update(kind, row.id, self._by_someone(wanted))
        return True

    def _history(self, row: Row, wanted: Given) -> Given:
        held = row.resource["attributes"].get("modificationHistory") or {}
        now = self._changes.stamp()
        at = {_HISTORY[each]: now for each in wanted if each in _HISTORY}
        return {"modificationHistory": {**held, **at}}

    def _by_someone(self, attributes: Given) -> Given:
        user = self._any("user")
        by = {} if user is None else {"modifiedBy": link("user", user.id, "users")}
        return {"attributes": attributes, "relationships": by}

    def _status(self, row: Row) -> bool:
        """Another status; the customer's counters follow."""
        record = row.resource
        wanted = self._make.status(record["attributes"], self._changes.stamp())
        wanted |= self._history(row, wanted)
        with self._changes.written("conversation.status", "conversation", row.id):
            self._changes.update("conversation", row.id, self._by_someone(wanted))
            self._cascade.talks_changed(related(record, "customer"))
        return True

    def _redact(self, row: Row) -> bool:
        """Text, addresses and files of a message are replaced; its conversation stays as it is."""
        at = self._changes.stamp()
        gone = {"redacted": True, "redactedAt": at, "preview": "", "meta": {}}
        if "subject" in row.resource["attributes"]:
            gone["subject"] = ""
        with self._changes.written("message.redact", "message", row.id):
            for each in list(self._org.children("attachment", row.id)):
                self._changes.update("attachment", each.id, {"attributes": {"redacted": True}})
            self._changes.update("message", row.id, self._by_someone(gone))
        return True

    def _delete(self, kind: str, row: Row, *, hard: bool) -> bool:
        record = row.resource
        name = f"{kind}.{'hard_delete' if hard else 'delete'}"
        with self._changes.written(name, kind, row.id):
            self._changes.delete(kind, row.id, hard=hard)
            if kind in ("message", "note"):
                self._cascade.child_gone(related(record, "conversation"))
            elif kind == "conversation":
                self._cascade.talks_changed(related(record, "customer"))
        return True

    def _noise(self, name: str, kind: str, row: Row) -> bool:
        """Nothing that anyone would call a change: an agent looks on, a delivery is noted."""
        wanted: dict[str, Any] = {}
        if kind == "customer" and (user := self._any("user")) is not None:
            looking = row.resource["attributes"].get("activeUsers")
            wanted = {"activeUsers": [] if looking else [user.id]}
        with self._changes.written(name, kind, row.id):
            self._changes.update(kind, row.id, {"attributes": wanted}, stamps="system")
        return True

    def _merge_customers(self, row: Row) -> bool:
        other = self._another("customer", row)
        return other is not None and self._changes.merge("customer", row.id, other.id) is not None

    def _merge_conversations(self, row: Row) -> bool:
        """Two conversations of one customer; most customers have but one, so several are tried."""
        for _ in range(_TRIES):
            customer = related(row.resource, "customer")
            held = self._org.children("conversation", customer) if customer else []
            others = [each.id for each in held if each.id != row.id]
            if others:
                target = others[self._random.randrange(len(others))]
                with self._changes.written("conversation.merge", "conversation", row.id):
                    self._changes.merge("conversation", row.id, target)
                    self._cascade.talks_changed(customer)
                return True
            row = self._any("conversation") or row
        return False

    def _other_customer(self, row: Row) -> bool:
        """A conversation is given to another customer, with its messages and notes."""
        old = related(row.resource, "customer")
        new = self._another("customer", row, but=old)
        if new is None:
            return False
        held = {"customer": link("customer", new.id, "customers")}
        with self._changes.written("conversation.relink", "conversation", row.id):
            self._changes.update("conversation", row.id, {"relationships": held})
            self._changes.give("conversation", row.id, "customer", new.id)
            self._cascade.talks_changed(old, new.id)
        return True

    def _other_company(self, row: Row) -> bool:
        new = self._another("company", row, but=related(row.resource, "company"))
        if new is None:
            return False
        held = {"company": link("company", new.id, "companies")}
        with self._changes.written("customer.relink", "customer", row.id):
            self._changes.update("customer", row.id, {"relationships": held})
        return True

    def _no_company(self, row: Row) -> bool:
        for _ in range(_TRIES):
            if related(row.resource, "company"):
                with self._changes.written("customer.unlink", "customer", row.id):
                    self._changes.update("customer", row.id, {"relationships": {"company": None}})
                return True
            row = self._any("customer") or row
        return False

    def _another(self, kind: str, row: Row, *, but: str | None = None) -> Row | None:
        for _ in range(_TRIES):
            other = self._any(kind)
            if other is None or other.id not in (row.id, but):
                return other
        return None
