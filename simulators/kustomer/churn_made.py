"""What churn writes into records: new ones, and new values for old ones."""

from random import Random
from typing import Any

from simulators.kustomer.desk import Desk
from simulators.kustomer.org import Row, related
from simulators.kustomer.resource import link
from simulators.kustomer.texts import NAMES, SUBJECTS, Texts

_STATUSES = ("open", "snoozed", "done")
_CHANNELS = ("email", "email", "chat", "sms", "whatsapp")
_DAY_MS = 86_400_000


class Maker:
    """Draws values by `seed`. It counts on from `serial`, so that addresses are unique."""

    def __init__(self, desk: Desk, seed: int, serial: int = 0) -> None:
        self._desk = desk
        self._seed = seed
        self.random = self._random = Random(seed)  # noqa: S311
        self._texts = Texts(self.random, desk.settings.texts)
        self.serial = serial

    def new(
        self, kind: str, *, talk: Row | None, customer: Row | None, company: Row | None
    ) -> dict[str, Any]:
        """Attributes and relationships of a new record of `kind`."""
        self.serial += 1
        match kind:
            case "customer":
                return self._customer(company)
            case "company":
                return self._company()
            case "conversation":
                return self._conversation(customer)
        assert talk is not None
        return self._child(kind, talk)

    def edit(self, name: str, row: Row) -> dict[str, Any]:
        """New values for what `name` says; what a user would change, not what follows from it."""
        self.serial += 1
        kind, _, what = name.partition(".")
        held = row.resource["attributes"]
        if kind == "kobject":
            return self._kobject(held)
        match what:
            case "name":
                return self._named(kind)
            case "emails":
                mail = {"type": "work", "email": self._mail(), "verified": False}
                return {"emails": [mail, *(held.get("emails") or ())][:10]}
            case "phones":
                return {"phones": [{"type": "mobile", "phone": f"+1555{self.serial:07d}"}]}
            case "tags":
                return {"tags": self._some("tag", 3)}
            case "custom":
                return {"custom": {**(held.get("custom") or {}), **self._custom(kind)}}
            case "priority":
                priority = self._random.randint(1, 4)
                return {"priority": priority + (priority >= (held.get("priority") or 5))}
            case "assigned_users":
                return {"assignedUsers": self._some("user", 2)}
            case "assigned_teams":
                return {"assignedTeams": self._some("team", 1)}
        text = f"{self._texts.body()} [{self.serial}]"[-10_240:]
        return {"body": text} if kind == "note" else {"preview": text}

    def _kobject(self, held: dict[str, Any]) -> dict[str, Any]:
        """Another title, and other numbers where it has some: klasses differ in what they have."""
        custom = held.get("custom") or {}
        numbers = {
            name: self.serial
            for name, value in custom.items()
            if name.endswith("Num") and type(value) in (int, float)
        }
        return {"title": f"Changed {self.serial}", "custom": {**custom, **numbers}}

    def status(self, held: dict[str, Any], now: str) -> dict[str, Any]:
        """Another status than `held` has, with what the API keeps of the change."""
        status = self._random.choice([each for each in _STATUSES if each != held.get("status")])
        made: dict[str, Any] = {"status": status}
        if status == "open":
            made["open"] = {"statusAt": now}
            made["reopenCount"] = int(held.get("reopenCount") or 0) + 1
            if held.get("status") == "done":
                again = int(held.get("reopenFromDoneCount") or 0) + 1
                made["reopenFromDoneCount"] = again
        elif status == "snoozed":
            until = self._desk.stamp(self._desk.now_ms() + _DAY_MS)
            made["snooze"] = {"status": "scheduled", "time": until, "statusAt": now}
            made["snoozeCount"] = int(held.get("snoozeCount") or 0) + 1
        else:
            counts = {name: held.get(name) for name in ("messageCount", "noteCount")}
            users = held.get("assignedUsers") or []
            made["lastDone"] = {"createdAt": now, "assignedUsers": users, **counts}
            made["doneCount"] = int(held.get("doneCount") or 0) + 1
        return made

    def _named(self, kind: str) -> dict[str, Any]:
        if kind == "conversation":
            return {"name": f"{self._random.choice(SUBJECTS)} ({self.serial})".strip()}
        first, last = self._random.choice(NAMES)
        full = f"{first} {last} {self.serial}"
        return {
            "name": full,
            "displayName": full,
            "firstName": first,
            "lastName": f"{last} {self.serial}",
        }

    def _custom(self, kind: str) -> dict[str, Any]:
        if kind == "conversation":
            return {"orderNumberStr": str(self.serial), "amountNum": self.serial / 4}
        if kind == "company":
            return {"tierStr": self._random.choice(("gold", "silver")) + f" {self.serial}"}
        return {"customerTypeStr": self._random.choice(("b2b", "b2c"))}

    def _mail(self) -> str:
        return f"churn{self._seed}-{self.serial}@example.test"

    def _some(self, kind: str, most: int) -> list[str]:
        ids = [row.id for row in self._desk.org.shelves[kind].live]
        count = min(self._random.randint(0, most), len(ids))
        return self._random.sample(ids, k=count)

    def _author(self) -> dict[str, Any]:
        users = self._desk.org.shelves["user"].live
        if not users:
            return {}
        user = users[self._random.randrange(len(users))]
        return {"createdBy": link("user", user.id, "users")}

    def _customer(self, company: Row | None) -> dict[str, Any]:
        attributes = {
            **self._named("customer"),
            "emails": [{"type": "home", "email": self._mail(), "verified": False}],
            "phones": [],
            "locations": [],
            "tags": [],
            "custom": self._custom("customer"),
            "deleted": False,
        }
        linked: dict[str, Any] = {}
        if company is not None and self._random.random() < 0.6:
            linked["company"] = link("company", company.id, "companies")
        return {"attributes": attributes, "relationships": linked}

    def _company(self) -> dict[str, Any]:
        attributes = {
            "name": f"Churned Firm {self.serial}",
            "domains": [{"domain": f"churned{self._seed}-{self.serial}.example"}],
            "tags": [],
            "custom": self._custom("company"),
        }
        return {"attributes": attributes, "relationships": {}}

    def _conversation(self, customer: Row | None) -> dict[str, Any]:
        attributes = {
            **self._named("conversation"),
            "status": "open",
            "priority": self._random.randint(1, 5),
            "direction": "in",
            "channels": [self._random.choice(_CHANNELS)],
            "messageCount": 0,
            "inboundMessageCount": 0,
            "outboundMessageCount": 0,
            "noteCount": 0,
            "tags": [],
            "assignedUsers": self._some("user", 1),
            "assignedTeams": [],
            "custom": {},
            "spam": False,
            "ended": False,
        }
        linked: dict[str, Any] = {}
        if customer is not None:
            linked["customer"] = link("customer", customer.id, "customers")
        return {"attributes": attributes, "relationships": linked}

    def _child(self, kind: str, talk: Row) -> dict[str, Any]:
        record = talk.resource
        linked: dict[str, Any] = {"conversation": link("conversation", talk.id, "conversations")}
        customer = related(record, "customer")
        if customer:
            named = "customers" if kind == "message" else "customer"
            linked["customer"] = link(named, customer, "customers")
        text = f"{self._texts.body()} [{self.serial}]"[-10_240:]
        if kind == "note":
            return {
                "attributes": {"body": text, "createdByTeams": []},
                "relationships": linked | self._author(),
            }
        attributes = self._message(text, record["attributes"])
        author = self._author() if attributes["direction"] == "out" else {}
        return {"attributes": attributes, "relationships": linked | author}

    def _message(self, text: str, talk: dict[str, Any]) -> dict[str, Any]:
        channel = next(iter(talk.get("channels") or ()), "email")
        way = self._random.choice(("in", "out"))
        now = self._desk.stamp(self._desk.now_ms())
        made = {
            "channel": channel,
            "app": "postmark" if channel == "email" else channel,
            "size": 0,
            "direction": way,
            "directionType": f"followup-{way}",
            "preview": text,
            "status": "received" if way == "in" else "sent",
            "auto": False,
            "meta": {"from": "+15555550101", "to": "+15555550199"},
            "sentAt": now,
            "redacted": False,
            # The same reading of the clock as `sentAt`: it is not before it.
            "createdAt": now,
            "updatedAt": now,
        }
        if channel == "email":
            made["subject"] = talk.get("name") or ""
            made["meta"] = {"from": "ada@example.test", "to": [{"email": "help@acme.example"}]}
            made["externalId"] = f"<churn{self._seed}-{self.serial}@example>"
        return made
