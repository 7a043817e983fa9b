"""What an org has beside its people and talks: klasses, custom objects, metadata, brands, files."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from random import Random
from typing import Any
from zlib import crc32

from simulators.kustomer.klasses import plural
from simulators.kustomer.resource import resource
from simulators.kustomer.rich import RichSchema
from simulators.kustomer.settings import KustomerSettings
from simulators.kustomer.setup import Setup

KLASSES = (("order", "enabled"), ("delivery", "enabled"), ("warranty", "existing_only"))
FILES = (
    ("invoice.pdf", "application/pdf", 48_211),
    ("photo of the box (1).jpg", "image/jpeg", 182_006),
    ("Größe_寸法.txt", "text/plain", 40),
    ('log;file, "new".csv', "text/csv", 9_001),
    ("empty.bin", "application/octet-stream", 0),
)
# One custom attribute of each suffix, on each object that has custom attributes.
PROPERTIES: dict[str, dict[str, Any]] = {
    "orderNumberStr": {"type": "string", "displayName": "Order number"},
    "amountNum": {"type": "number", "displayName": "Amount"},
    "customerTypeStr": {"type": "string", "displayName": "Type", "enumeration": ["b2b", "b2c"]},
    "tierStr": {"type": "string", "displayName": "Tier"},
    "dueAt": {"type": "string", "displayName": "Due"},
    "vipBool": {"type": "boolean", "displayName": "VIP"},
    "summaryTxt": {"type": "string", "displayName": "Summary"},
    "trackingUrl": {"type": "string", "displayName": "Tracking"},
    "reasonTree": {"type": "string", "displayName": "Reason", "tree": True},
    "primaryOrderId": {"type": "string", "displayName": "Order", "target": "kobject.order"},
    "oldStr": {"type": "string", "displayName": "Old", "deletedAt": "2024-01-01T00:00:00.000Z"},
}
_METADATA = ("company", "conversation", "customer", "message")


def furnished(
    records: Iterator[dict[str, Any]], settings: KustomerSettings, now: datetime
) -> Iterator[dict[str, Any]]:
    """Pass records on; then yield what goes with them."""
    maker = _Furniture(settings, now)
    for record in records:
        maker.notice(record)
        if maker.rich is not None:
            maker.rich.fill(record)
        yield record
    yield from maker.records()
    yield from Setup(settings, now).records()


class _Furniture:
    """Draws from a source of its own, so that it changes no other record."""

    def __init__(self, settings: KustomerSettings, now: datetime) -> None:
        self._settings = settings
        self._random = Random(settings.seed ^ 0xF00D)  # noqa: S311
        self._now = now
        self._serial = 0
        self._customers: list[str] = []
        self._with_files: list[tuple[str, str]] = []
        rich = RichSchema(settings.seed, settings.kobjects, settings.org_id, now)
        self.rich = rich if settings.rich else None

    def notice(self, record: dict[str, Any]) -> None:
        """Remember what later records hang on: about one message in seventeen has files."""
        if record["type"] == "customer":
            self._customers.append(record["id"])
        elif record["type"] == "message" and crc32(record["id"].encode()) % 17 == 0:
            self._with_files.append((record["id"], record["attributes"]["createdAt"]))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield klasses first, their records after them."""
        yield from self._klasses()
        yield from self._settings_of_the_org()
        for message, created in self._with_files:
            for _ in range(self._random.choice((1, 1, 2))):
                yield self._file(message, created)
        yield from self._metadata()

    def _record(
        self, kind: str, path: str, attributes: dict[str, Any], **relations: Any
    ) -> dict[str, Any]:
        created = self._now - timedelta(days=self._random.uniform(1, 690))
        stamp = f"{created:%Y-%m-%dT%H:%M:%S}.{created.microsecond // 1000:03d}Z"
        self._serial += 1
        seed = self._settings.seed & 0xFFFF
        record_id = f"{int(created.timestamp()):08x}{seed:04x}f{self._serial:011x}"
        timed = {**attributes, "createdAt": stamp, "updatedAt": stamp}
        return resource(kind, record_id, path, timed, relations, org_id=self._settings.org_id)

    def _klasses(self) -> Iterator[dict[str, Any]]:
        if self.rich is not None:
            yield from self.rich.klasses()
            yield from self.rich.kobjects(self._customers)
            return
        for name, status in KLASSES:
            attributes = {
                "name": name,
                "displayName": name.title(),
                "icon": "cart",
                "color": "teal",
                "status": status,
                "mixins": [],
            }
            link = {"links": {"self": f"/v1/klasses/{plural(name)}"}}
            yield self._record("klass", "klasses", attributes, kobjects=link)
        for number in range(self._settings.kobjects if self._customers else 0):
            yield self._kobject(number)

    def _kobject(self, number: int) -> dict[str, Any]:
        name = KLASSES[number % len(KLASSES)][0]
        customer = self._random.choice(self._customers)
        attributes = {
            "externalId": f"o-{number}",
            "title": f"{name.title()} {number}",
            "description": "2 items",
            "icon": "cart",
            "images": [],
            "data": {"lineItems": [{"sku": "A1", "quantity": 2}]},
            "custom": {"orderNumberStr": str(number), "amountNum": 41.5, "vipBool": False},
            "tags": [],
            "roleGroupVersions": [],
            "rev": 0,
        }
        # The key is `link` here, and the id is the klass's name (kustomer facts, section 6.7).
        klass = {"link": {"self": f"/v1/klasses/{name}"}, "data": {"type": "klass", "id": name}}
        holder = {
            "links": {"self": f"/v1/customers/{customer}"},
            "data": {"type": "customer", "id": customer},
        }
        path = f"klasses/{plural(name)}"
        return self._record(f"kobject.{name}", path, attributes, klass=klass, customer=holder)

    def _settings_of_the_org(self) -> Iterator[dict[str, Any]]:
        for name in ("Acme", "Acme Pro"):
            brand = {"name": name, "iconUrl": "", "default": name == "Acme"}
            yield self._record("brand", "brands", brand)
        days = {str(day): None if day in (0, 6) else [[540, 1020]] for day in range(7)}
        hours = {"name": "Office", "timezone": "Europe/Berlin", "default": True, "hours": days}
        yield self._record("schedule", "schedules", hours)
        for number, name in enumerate(("Default", "VIP")):
            queue = {"name": name.lower(), "displayName": name, "priority": number, "system": False}
            yield self._record("queue", "routing/queues", queue)
        for number in range(6):
            shortcut = {
                "name": f"Greeting {number}",
                "isPrivate": False,
                "deleted": number == 5,
                "draft": {"text": "Hello {{customer.name}}"},
                "payload": {"text": {"blocks": [], "entityMap": {"0": {}}}},
                "rev": 1,
            }
            yield self._record("shortcut", "shortcuts", shortcut)

    def _file(self, message: str, created: str) -> dict[str, Any]:
        name, content_type, length = self._random.choice(FILES)
        attributes = {
            "name": name,
            "contentType": content_type,
            "contentLength": length,
            "redacted": False,
        }
        data = {"type": "message", "id": message}
        made = self._record("attachment", "attachments", attributes, message={"data": data})
        made["attributes"] |= {"createdAt": created, "updatedAt": created}
        made["links"] = {"self": f"/v1/messages/{message}/attachments/{made['id']}"}
        return made

    def _metadata(self) -> Iterator[dict[str, Any]]:
        plain = ((f"kobject.{klass}", PROPERTIES) for klass, _ in KLASSES)
        told = chain(((name, PROPERTIES) for name in _METADATA), plain)
        for name, properties in told if self.rich is None else self.rich.metadata():
            made = self._record("metadata", "metadata", {"properties": properties})
            yield {**made, "id": name, "links": {"self": f"/v1/metadata/{name}"}}
