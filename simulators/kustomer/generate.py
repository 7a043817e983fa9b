"""A seeded generator of a realistic org: the same seed and sizes give the same records."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulators.kustomer.furnish import furnished
from simulators.kustomer.people import PeopleMaker
from simulators.kustomer.resource import link, org_link
from simulators.kustomer.settings import KustomerSettings
from simulators.kustomer.texts import SUBJECTS, Texts
from simulators.kustomer.wild import Wilderness

CHANNELS = (
    "email",
    "email",
    "email",
    "chat",
    "sms",
    "voice",
    "facebook",
    "twitter-dm",
    "twitter-tweet",
    "instagram",
    "whatsapp",
)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STORM = NOW - timedelta(days=200)


def stamp(moment: datetime) -> str:
    """A moment in the API's form."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Generator:
    """Makes all records of one org."""

    def __init__(self, settings: KustomerSettings) -> None:
        self.settings = settings
        self.random = Random(settings.seed)  # noqa: S311
        self.texts = Texts(self.random, settings.texts)
        self._serial = 0
        self.users: list[str] = []
        self.names: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.teams: list[str] = []
        self.tags: list[str] = []
        self.companies: list[str] = []
        self.customers: list[str] = []
        self.conversations: list[tuple[str, str, datetime, str]] = []

    def new_id(self, moment: datetime) -> str:
        """An id that begins with its creation time, as the source's ids do."""
        self._serial += 1
        return f"{int(moment.timestamp()):08x}{self.settings.seed & 0xFFFF:04x}{self._serial:012x}"

    def moment(self) -> datetime:
        """A creation time: most within two years, a tenth older (only the archive has them)."""
        days = self.random.uniform(1, 700)
        if self.random.random() < 0.1:
            days = self.random.uniform(760, 1800)
        moment = NOW - timedelta(days=days)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def touched(self, created: datetime) -> datetime:
        """An update time after `created`; a share of all falls on one very millisecond."""
        if created < STORM and self.random.random() < 0.05:
            return STORM
        if (NOW - created).days > 750:
            return created + timedelta(hours=1)
        return created + (NOW - created) * self.random.random() * 0.5

    def times(self) -> tuple[datetime, dict[str, Any]]:
        """The creation time, and the time attributes of a record."""
        created = self.moment()
        updated = self.touched(created)
        return created, {
            "createdAt": stamp(created),
            "updatedAt": stamp(updated),
            "modifiedAt": stamp(created),
        }

    def org_link(self) -> dict[str, Any]:
        """The relationship that every record has."""
        return org_link(self.settings.org_id)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record; parents before their children."""
        yield from PeopleMaker(self).records()
        for _ in range(self.settings.conversations):
            yield self._conversation()
        yield from self._children("message", self.settings.messages)
        yield from self._children("note", self.settings.notes)

    def _conversation(self) -> dict[str, Any]:
        random = self.random
        created, times = self.times()
        conversation_id = self.new_id(created)
        status = random.choice(("open", "snoozed", "done", "done", "done"))
        channel = random.choice(CHANNELS)
        name = random.choice(SUBJECTS) or self.texts.body()[:200]
        if random.random() < 0.01:
            name = ("Ünïcödé " * 40)[:256]
        attributes: dict[str, Any] = {
            "name": name,
            "status": status,
            "priority": random.randint(1, 5),
            "direction": random.choice(("in", "out")),
            "channels": [channel],
            "messageCount": 0,
            "tags": random.sample(self.tags, k=min(random.randint(0, 3), len(self.tags))),
            "assignedUsers": self._some(self.users, random.choice((0, 1, 1, 2))),
            "assignedTeams": self._some(self.teams, random.choice((0, 0, 1))),
            "custom": {"orderNumberStr": str(random.randint(1, 9999)), "amountNum": 41.5},
            "spam": random.random() < 0.02,
            "ended": False,
            "rev": random.randint(1, 40),
            "satisfactionLevel": {"sentByTeams": [], "answers": []},
            **times,
        }
        self._add_rare(attributes)
        customer = random.choice(self.customers or [""])
        if not attributes.get("deleted"):
            self.conversations.append((conversation_id, customer, created, channel))
        return self._talk(conversation_id, customer, attributes)

    def _talk(
        self, conversation_id: str, customer: str, attributes: dict[str, Any]
    ) -> dict[str, Any]:
        relationships: dict[str, Any] = {
            "org": self.org_link(),
            "messages": {"links": {"self": f"/v1/conversations/{conversation_id}/messages"}},
        }
        if customer:
            relationships["customer"] = link("customer", customer, "customers")
        return {
            "type": "conversation",
            "id": conversation_id,
            "attributes": attributes,
            "relationships": relationships,
            "links": {"self": f"/v1/conversations/{conversation_id}"},
        }

    def _add_rare(self, attributes: dict[str, Any]) -> None:
        """What only some conversations have."""
        if attributes["status"] == "done":
            attributes["lastDone"] = {"createdAt": attributes["updatedAt"], "assignedUsers": []}
        if self.random.random() < 0.3:
            attributes["externalId"] = f"t-{self._serial}"
        if self.random.random() < 0.1:
            attributes["brandNewKey"] = {"nobody": ["knows", "it"]}
        if self.settings.odd_records and self.random.random() < 0.005:
            attributes["deleted"] = True

    def _some(self, ids: list[str], count: int) -> list[str]:
        return self.random.sample(ids, k=min(count, len(ids)))

    def _children(self, kind: str, count: int) -> Iterator[dict[str, Any]]:
        for _ in range(count if self.conversations else 0):
            conversation, customer, begun, channel = self.random.choice(self.conversations)
            created = begun + timedelta(milliseconds=self.random.randint(0, 86_400_000))
            make = self._message if kind == "message" else self._note
            record_id = self.new_id(created)
            attributes, relationships = make(created, channel)
            if kind == "message" and channel == "email":
                self._copy_in(attributes["meta"], customer)
            relationships |= {
                "org": self.org_link(),
                # Messages name the type in the plural (kustomer facts, 6.4).
                "customer": link(
                    "customers" if kind == "message" else "customer", customer, "customers"
                ),
                "conversation": link("conversation", conversation, "conversations"),
            }
            yield {
                "type": kind,
                "id": record_id,
                "attributes": attributes,
                "relationships": relationships,
                "links": {"self": f"/v1/{kind}s/{record_id}"},
            }

    def _message(self, created: datetime, channel: str) -> tuple[dict[str, Any], dict[str, Any]]:
        random = self.random
        direction = random.choice(("in", "out"))
        attributes: dict[str, Any] = {
            "channel": channel,
            "app": "postmark" if channel == "email" else channel,
            "size": 0,
            "direction": direction,
            "directionType": f"{random.choice(('initial', 'response', 'followup'))}-{direction}",
            "preview": self.texts.body(),
            "status": "received" if direction == "in" else "sent",
            "auto": False,
            "meta": self._meta(channel),
            "sentAt": stamp(created),
            "createdAt": stamp(created),
            "updatedAt": stamp(created),
            "redacted": False,
            "rev": 1,
        }
        if channel == "email":
            attributes["subject"] = random.choice(SUBJECTS)
            attributes["externalId"] = f"<m{self._serial}@mail.example.test>"
        if random.random() < 0.01:
            attributes["status"] = "error"
            attributes["error"] = {"status": 400, "code": "invalid-recipient", "meta": {}}
        relationships: dict[str, Any] = {}
        if direction == "out" and self.users:
            relationships["createdBy"] = link("user", random.choice(self.users), "users")
        return attributes, relationships

    def _meta(self, channel: str) -> dict[str, Any]:
        """Recipients in the three shapes that occur."""
        if channel != "email":
            return {"from": "+15555550101", "to": "+15555550199"}
        to: Any = self.random.choice(
            (
                [{"email": "help@acme.example", "name": "Help"}, {"email": "ö@kaputt"}],
                {"email": "help@acme.example"},
                "help@acme.example",
                "Help Desk <help@acme.example>",
            )
        )
        return {"from": "ada@example.test", "to": to, "cc": [], "subject": "Order 12"}

    def _copy_in(self, meta: dict[str, Any], customer: str) -> None:
        """Copies of some mails go to its customer, another one, an agent, or somebody unknown."""
        turn = self._serial % 8
        if turn > 4 or not (self.settings.correspondents and self.users and self.customers):
            return
        own = self.addresses.get(customer)
        other = self.addresses.get(self.customers[self._serial % len(self.customers)])
        agent = self.addresses.get(self.users[self._serial % len(self.users)])
        meta["cc"] = [{"email": each} for each in (own, agent) if each and turn < 3]
        if turn == 2:
            meta["cc"].append({"email": agent, "name": "Twice"})
        if turn > 1:
            meta["bcc"] = [each for each in (other, "Nobody <nobody@else.example>") if each]

    def _note(self, created: datetime, _: str) -> tuple[dict[str, Any], dict[str, Any]]:
        body = f"Checked with __Sam__: {self.texts.body()}"
        chance = self.random.random()
        if chance < 0.02:
            body = ("Größe – 寸法 🎈 " * 900)[:10_240]
        elif chance < 0.05:
            body, created = "Same words, same moment.", STORM
        attributes = {
            "body": body,
            "createdAt": stamp(created),
            "updatedAt": stamp(created),
            "createdByTeams": [],
        }
        if not self.users:
            return attributes, {}
        relationships: dict[str, Any] = {}
        if self.settings.correspondents and self._serial % 5 == 0 and "__Sam__" in body:
            mentioned = self.users[self._serial % len(self.users)]
            if self._serial % 10:
                attributes["body"] = body.replace("__Sam__", f"__{self.names[mentioned]}__")
            relationships["userMentions"] = {"data": [{"type": "user", "id": mentioned}]}
        author = link("user", self.random.choice(self.users), "users")
        return attributes, {"createdBy": author, **relationships}


def generate(settings: KustomerSettings) -> Iterator[dict[str, Any]]:
    """Yield the records of the org that `settings` describe."""
    records = Generator(settings).records()
    if settings.wild:
        records = Wilderness(settings, STORM).over(records)
    return furnished(records, settings, NOW)
