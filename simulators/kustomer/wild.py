"""Makes generated records as odd as the facts allow: what real orgs gather over the years."""

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import Any

from simulators.kustomer.settings import KustomerSettings

FULL_NAMES = (
    ("Ελένη", "Παπαδοπούλου"),
    ("שרה", "כהן"),
    ("สมชาย", "ใจดี"),
    ("प्रिया", "शर्मा"),
    ("민준", "김"),
    ("Zoe\u0308", "Mu\u0308ller"),
    ("\u200fأحمد\u200f", "الزهراني"),
    ("Mary;Ann", 'O"Neil, Jr.'),
    ("", "Madonna"),
    ("👩\u200d👩\u200d👧", "🦄"),
    ("N/A", "null"),
    ("=1+1", "@SUM(A1)"),
)
ODD_MAIL = (
    "no-at-sign.example",
    "two@@example.test",
    "spaces in@example.test",
    "UPPER.Case@Example.TEST",
    '"quoted local"@example.test',
    "späße@bücher.example",
    "trailing.dot.@example.test",
    " padded@example.test ",
    "a" * 64 + "@" + "b" * 60 + ".example",
)
ODD_TEXT = (
    "One; two; three;\r\nfour, \"five\" and 'six'\r\n\r\n",
    "Form feed \f, bell \a, escape \u001b[31mred\u001b[0m, backspace \b.",
    "Lone surrogate's cousin: \ufffd; separators \u2028 and \u2029; nbsp\u00a0here.",
    "<p>Markup &amp; entities</p><script>alert(1)</script>",
    "-----\n> quoted\n>> twice\n",
    " ",
    "0",
)
LONG = ("Größe – 寸法 – размер 🎈 " * 600)[:10_240]
MACHINE_CHANNELS = ("form", "instagram-comment")
# Keys that newer records have and older ones lack (kustomer facts, section 9, 28).
NEWER = ("billingStatus", "phase", "aiAgent", "locale", "satisfactionLevel", "modifiedAt", "app")


class Wilderness:
    """Turns records odd, one kind at a time, by a seeded source of its own.

    Of customers some are deleted, some merged away: what hung on those hangs on the survivor. Of
    notes some come twice, equal in all but the id.
    """

    def __init__(self, settings: KustomerSettings, storm: datetime) -> None:
        self._random = Random(settings.seed ^ 0x5EED)  # noqa: S311
        self._storm = f"{storm:%Y-%m-%dT%H:%M:%S}.000Z"
        self._old = f"{storm.year - 2}"
        self._merged: dict[str, str] = {}
        self._survivor: str | None = None
        self._serial = 0
        self._org = {"data": {"type": "org", "id": settings.org_id}}
        self._turn: dict[str, Callable[[dict[str, Any]], None]] = {
            "user": self._user,
            "company": self._company,
            "customer": self._customer,
            "conversation": self._conversation,
            "message": self._message,
            "note": self._note,
        }

    def over(self, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the records, turned; the records of merges come last."""
        for record in records:
            turn = self._turn.get(record["type"])
            if turn is not None:
                self._follow(record)
                turn(record)
                self._age(record)
            yield record
            if record["type"] == "note" and self._chance(0.02):
                yield self._twin(record)
        for source, target in self._merged.items():
            yield self._merge(source, target)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _follow(self, record: dict[str, Any]) -> None:
        """Hang a record on the survivor when its customer was merged away."""
        relation = record["relationships"].get("customer")
        target = self._merged.get(relation["data"]["id"]) if relation else None
        if relation and target:
            relation["data"]["id"] = target
            relation["links"]["self"] = f"/v1/customers/{target}"

    def _age(self, record: dict[str, Any]) -> None:
        """Old records lack newer keys; any may have a key nobody has heard of; some form a storm."""
        attributes = record["attributes"]
        if attributes["updatedAt"] < self._old:
            for key in NEWER:
                attributes.pop(key, None)
        elif (
            record["type"] != "user"
            and attributes["createdAt"] < self._storm
            and self._chance(0.06)
        ):
            attributes["updatedAt"] = self._storm
        if self._chance(0.02):
            attributes["futureKey-2"] = {"0": {"x-y": [None, True, 1.5e-7]}}

    def _custom(self) -> dict[str, Any]:
        """A value for each suffix, some empty, one not what its suffix says."""
        made: dict[str, Any] = {
            "dueAt": self._random.choice(("2025-03-01T10:00:00-05:00", "2025-03-01", None)),
            "vipBool": self._random.choice((True, False, None)),
            "summaryTxt": self._random.choice((*ODD_TEXT, "s" * 1024)),
            "trackingUrl": "https://track.example/?q=1&r=ü",
            "reasonTree": "returns.size.too_small",
            "primaryOrderId": self._random.choice(("66f0a1b2c3d4e5f6010203cc", None)),
            "amountNum": self._random.choice((0, -1, 41.5, 1e15, "09832402u0942", None)),
        }
        keys = self._random.sample(sorted(made), k=self._random.randint(0, len(made)))
        return {key: made[key] for key in keys}

    def _user(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        if self._chance(0.1):
            attributes["userType"] = self._random.choice(("limited", "hourly", "machine"))
        if self._chance(0.1):
            attributes["displayName"] = None
        if self._chance(0.05):
            attributes["email"] = attributes["email"].upper()
        if self._chance(0.05):
            attributes["pending"] = True

    def _company(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        attributes["custom"] |= self._custom()
        if self._chance(0.05):
            attributes["name"] = ("Überlandwerk & Söhne; 株式会社 " * 12)[:256]
        if self._chance(0.05):
            attributes["domains"] = [{"domain": f"d{each}.firm.example"} for each in range(10)]
        if self._chance(0.05):
            attributes["domains"] = [{"domain": "WWW.Firm0.EXAMPLE"}]
        if self._chance(0.03):
            attributes.pop("phones", None)

    def _customer(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        attributes["custom"] |= self._custom()
        if self._chance(0.3):
            first, last = self._random.choice(FULL_NAMES)
            shown = f"{first} {last}".strip()
            attributes |= {"firstName": first, "lastName": last, "name": shown}
            attributes["displayName"] = shown
        if self._chance(0.1):
            mail = self._random.choice(ODD_MAIL)
            attributes["emails"] = [{"type": "other", "email": mail}, *attributes["emails"]][:10]
        if self._chance(0.03):
            attributes["sharedEmails"] = [{"type": "home", "email": "office@shared.example"}]
        if self._chance(0.05):
            attributes["phones"] = [{"type": "home", "phone": "call me"}, {"type": "fax"}]
        if self._chance(0.05):
            attributes["externalIds"] = [{"externalId": f"crm;{record['id']}", "verified": True}]
            attributes["externalId"] = f"crm;{record['id']}"
        self._end_some(record)

    def _end_some(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        if self._survivor and self._chance(0.01):
            self._merged[record["id"]] = self._survivor
            attributes["deleted"] = True
        elif self._chance(0.005):
            attributes["deleted"] = True
        elif self._survivor is None or self._chance(0.2):
            self._survivor = record["id"]

    def _conversation(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        attributes["custom"] |= self._custom()
        if self._chance(0.04):
            attributes["channels"] = [self._random.choice(MACHINE_CHANNELS)]
        if self._chance(0.05):
            attributes["channels"] = [*attributes["channels"], "chat", "sms"]
        if self._chance(0.03):
            attributes["name"] = self._random.choice((*ODD_TEXT, None))
        if self._chance(0.02):
            attributes.pop(self._random.choice(("priority", "assignedUsers", "tags")), None)
        if self._chance(0.01):
            attributes["mergedTarget"] = True
        if attributes["status"] == "snoozed":
            attributes["snooze"] = {"status": "scheduled", "time": "2027-01-01T00:00:00.000Z"}
        if self._chance(0.005):
            record["relationships"].pop("customer", None)

    def _message(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        roll = self._random.random()
        if roll < 0.1:
            attributes["preview"] = self._random.choice(ODD_TEXT)
        elif roll < 0.105:
            attributes["preview"] = LONG
        elif roll < 0.11:
            attributes |= {"preview": "", "redacted": True, "meta": {}}
        if attributes["channel"] == "email":
            record["links"]["related"] = f"/v1/postmark/messages/{record['id']}"
            if attributes["meta"]:
                attributes["meta"] |= {"cc": self._recipients(), "bcc": self._recipients()}
        if self._chance(0.01):
            attributes.pop("sentAt", None)

    def _recipients(self) -> Any:
        """In each of the shapes that occur (kustomer facts, section 6.4)."""
        return self._random.choice(
            (
                [],
                "Ann Lee <ann@copy.example>, bob@copy.example",
                {"email": "ann@copy.example", "name": "Lee; Ann"},
                [{"email": f"copy{each}@copy.example"} for each in range(12)],
                None,
            )
        )

    def _note(self, record: dict[str, Any]) -> None:
        attributes = record["attributes"]
        if self._chance(0.01):
            attributes["body"] = LONG
        if self._chance(0.01):
            attributes |= {"deleted": True, "deletedAt": attributes["updatedAt"]}

    def _twin(self, record: dict[str, Any]) -> dict[str, Any]:
        twin = self._new_id(record["id"])
        return {**record, "id": twin, "links": {"self": f"/v1/notes/{twin}"}}

    def _new_id(self, like: str) -> str:
        self._serial += 1
        return f"{like[:12]}e{self._serial:011x}"

    def _merge(self, source: str, target: str) -> dict[str, Any]:
        made = self._new_id(source)
        return {
            "type": "customer_merge",
            "id": made,
            "attributes": {
                "status": "success",
                "createdAt": self._storm,
                "updatedAt": self._storm,
            },
            "relationships": {
                "org": self._org,
                "source": {"data": {"type": "customer", "id": source}},
                "target": {"data": {"type": "customer", "id": target}},
            },
            "links": {"self": f"/v1/customers/merges/{made}"},
        }
