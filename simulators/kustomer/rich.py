"""A rich schema for a generated org: klasses that refer to each other, attributes of every type.

Drawn by a source of its own and by each record's id, so that the records are otherwise those of the
plain org. Klasses: `order` (of a customer), `order-item` (of an order, cannot be without one),
`product` (many for many orders; replaced by another product), `warranty-claim` (disabled). An order's
main item points back at the items, which point at the order: a cycle.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

from simulators.kustomer.klasses import plural
from simulators.kustomer.resource import link, resource

KLASSES = (
    ("order", "enabled", 4),
    ("order-item", "enabled", 4),
    ("product", "existing_only", 1),
    ("warranty-claim", "disabled", 1),
)
TIERS = ("gold", "silver", "bronze", "Größe XL; and more")
REGIONS = ("emea.germany.berlin", "emea.france", "apac.japan.tokyo.shibuya", "amer")
_LONG = "Lange Geschichte – 長い話 🎈. "
Value = Callable[[Random], Any]


def property_of(kind: str, label: str, **more: Any) -> dict[str, Any]:
    """An attribute's metadata."""
    return {"type": kind, "displayName": label, **more}


_COMMON: dict[str, tuple[dict[str, Any], Value]] = {
    "loyaltyTierStr": (
        property_of("string", "Loyalty tier", enumeration=list(TIERS)),
        lambda random: random.choice(TIERS),
    ),
    "nicknameStr": (
        property_of("string", "Spitzname"),
        lambda random: random.choice(("Ada", "Zoë", "太郎", "🦄", "a" * 255)),
    ),
    "storyStr": (
        property_of("string", "Story"),
        lambda random: _LONG * (1_500 if random.random() < 0.02 else 3),
    ),
    "summaryTxt": (property_of("string", "Summary"), lambda random: _LONG * random.randint(1, 30)),
    "ordersNum": (property_of("number", "Orders"), lambda random: random.randint(0, 5_000)),
    "balanceNum": (
        property_of("number", "Balance"),
        lambda random: round(random.uniform(-9_000, 9_000), 2),
    ),
    "totalSpentNum": (
        property_of("number", "Total spent (€)"),
        lambda random: round(random.uniform(0, 1e9), 2),
    ),
    "dueAt": (
        property_of("string", "Due"),
        lambda random: f"20{random.randint(10, 29)}-0{random.randint(1, 9)}-11T10:00:00.000+02:00",
    ),
    "birthdayAt": (
        property_of("string", "Birthday"),
        lambda random: f"19{random.randint(10, 99)}-12-0{random.randint(1, 9)}T00:00:00.000Z",
    ),
    "vipBool": (property_of("boolean", "VIP?"), lambda random: random.random() < 0.5),
    "profileUrl": (
        property_of("string", "Profile"),
        lambda random: f"https://example.test/p/{random.randint(1, 99)}?ü=1",
    ),
    "regionTree": (
        property_of("string", "Region", tree=True),
        lambda random: random.choice(REGIONS),
    ),
    "backupEmailStr": (
        property_of("string", "Backup e-mail"),
        lambda random: f"b{random.randint(1, 999)}@example.test",
    ),
    "hotlineStr": (
        property_of("string", "Hotline"),
        lambda random: f"+1555555{random.randint(1000, 9999)}",
    ),
    "idStr": (property_of("string", "Id"), lambda random: f"x-{random.randint(1, 99)}"),
    "order_refStr": (property_of("string", "Order ref"), lambda random: "under_score"),
    "orderRefStr": (property_of("string", "Order ref"), lambda random: "camelCase"),
    "thisIsAnExceedinglyLongAttributeNameThatNobodyCanReadStr": (
        property_of("string", "This is an exceedingly long attribute name that nobody can read"),
        lambda random: "long name",
    ),
    "messyNum": (
        property_of("number", "Messy"),
        lambda random: random.choice((1, 2.5, "1,5", "1.234,56", " 7 ", "12")),
    ),
    "flagsStr": (
        property_of("string", "Flags", array=True),
        lambda random: random.sample(("a", "b", "c"), k=random.randint(0, 3)),
    ),
    "secretStr": (
        property_of("string", "Secret", hasSensitiveAttributes=True),
        lambda random: f"ssn-{random.randint(1000, 9999)}",
    ),
    "oldStr": (
        property_of("string", "Old", deletedAt="2024-01-01T00:00:00.000Z"),
        lambda random: "still here",
    ),
}
# Which kinds have which attributes: about forty in all, none has every one.
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "customer": tuple(_COMMON),
    "company": ("loyaltyTierStr", "totalSpentNum", "profileUrl", "regionTree", "vipBool"),
    "conversation": ("regionTree", "dueAt", "balanceNum", "summaryTxt", "orderRefStr"),
    "message": ("flagsStr", "vipBool"),
    "kobject.order": ("ordersNum", "totalSpentNum", "dueAt", "loyaltyTierStr", "messyNum"),
    "kobject.order-item": ("ordersNum", "balanceNum"),
    "kobject.product": ("nicknameStr", "summaryTxt", "profileUrl"),
    "kobject.warranty-claim": ("dueAt", "vipBool"),
}
# References: attribute, label, target, whether it holds several ids, whether it is never empty.
_REFERENCES: dict[str, tuple[tuple[str, str, str, bool, bool], ...]] = {
    "customer": (("favouriteProductId", "Favourite product", "kobject.product", False, False),),
    "conversation": (("aboutOrderId", "About order", "kobject.order", False, False),),
    "kobject.order": (
        ("productsId", "Products", "kobject.product", True, False),
        ("mainItemId", "Main item", "kobject.order-item", False, False),
    ),
    "kobject.order-item": (
        ("orderId", "Order", "kobject.order", False, True),
        ("productId", "Product", "kobject.product", False, False),
    ),
    "kobject.product": (("replacedById", "Replaced by", "kobject.product", False, False),),
}


class RichSchema:
    """Fills custom attributes, and makes klasses, their records and all metadata."""

    def __init__(self, seed: int, kobjects: int, org_id: str, now: datetime) -> None:
        self._seed = seed
        self._org_id = org_id
        self._now = now
        self._counts = {name: kobjects * share // 10 for name, _, share in KLASSES}

    def fill(self, record: dict[str, Any]) -> None:
        """Give a record of a plain kind its custom attributes."""
        kind = record["type"]
        if kind in _ATTRIBUTES:
            record["attributes"]["custom"] = {
                **record["attributes"].get("custom", {}),
                **self._custom(kind, record["id"]),
            }

    def klasses(self) -> Iterator[dict[str, Any]]:
        """The klasses themselves."""
        for number, (name, status, _) in enumerate(KLASSES):
            attributes = {
                "name": name,
                "displayName": name.replace("-", " ").title(),
                "icon": "cart",
                "color": "teal",
                "status": status,
                "mixins": [],
            }
            link = {"links": {"self": f"/v1/klasses/{plural(name)}"}}
            record_id = f"{0x60000000 + number:08x}{self._seed & 0xFFFF:04x}b{number:011x}"
            yield self._record("klass", record_id, "klasses", attributes, {"kobjects": link})

    def kobjects(self, customers: list[str]) -> Iterator[dict[str, Any]]:
        """The records of all klasses, whatever the klass's status."""
        if not customers:
            return
        for name, count in self._counts.items():
            for number in range(count):
                yield self._kobject(name, number, customers)

    def metadata(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """For each kind, the metadata of its attributes."""
        for kind, names in _ATTRIBUTES.items():
            told = {name: _COMMON[name][0] for name in names}
            for name, label, target, several, _ in _REFERENCES.get(kind, ()):
                many = {"multi": True} if several else {}
                told[name] = property_of("string", label, target=target, **many)
            yield kind, told

    def _kobject(self, name: str, number: int, customers: list[str]) -> dict[str, Any]:
        record_id = self._id(name, number)
        attributes = {
            "externalId": f"{name}-{number}",
            "title": f"{name.title()} {number} – Größe",
            "description": _LONG * 3,
            "icon": "cart",
            "images": [],
            "data": {"lineItems": [{"sku": "A1", "quantity": 2}]},
            "custom": self._custom(f"kobject.{name}", record_id),
            "tags": [],
            "roleGroupVersions": [],
            "rev": 0,
        }
        klass = {"link": {"self": f"/v1/klasses/{name}"}, "data": {"type": "klass", "id": name}}
        relations: dict[str, Any] = {"klass": klass}
        if name in ("order", "warranty-claim"):
            customer = customers[crc32(record_id.encode()) % len(customers)]
            relations["customer"] = link("customer", customer, "customers")
        path = f"klasses/{plural(name)}"
        return self._record(f"kobject.{name}", record_id, path, attributes, relations)

    def _custom(self, kind: str, record_id: str) -> dict[str, Any]:
        random = Random(crc32(record_id.encode()) ^ self._seed)  # noqa: S311
        made = {
            name: None if random.random() < 0.05 else _COMMON[name][1](random)
            for name in _ATTRIBUTES[kind]
            if random.random() < 0.8
        }
        for name, _, target, several, always in _REFERENCES.get(kind, ()):
            klass = target.removeprefix("kobject.")
            count = self._counts[klass]
            if count and (always or random.random() < 0.6):
                ids = [
                    self._id(klass, random.randrange(count)) for _ in range(random.randint(1, 4))
                ]
                made[name] = list(dict.fromkeys(ids)) if several else ids[0]
        return made

    def _id(self, klass: str, number: int) -> str:
        """An id that can be told before its record is made."""
        place = [name for name, _, _ in KLASSES].index(klass)
        return f"{0x65000000 + number:08x}{self._seed & 0xFFFF:04x}c{place:x}{number:010x}"

    def _record(
        self,
        kind: str,
        record_id: str,
        path: str,
        attributes: dict[str, Any],
        relations: dict[str, Any],
    ) -> dict[str, Any]:
        created = self._now - timedelta(days=crc32(record_id.encode()) % 690 + 1)
        stamp = f"{created:%Y-%m-%dT%H:%M:%S}.000Z"
        timed = {**attributes, "createdAt": stamp, "updatedAt": stamp}
        return resource(kind, record_id, path, timed, relations, org_id=self._org_id)
