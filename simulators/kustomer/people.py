"""Users, teams, tags, companies and customers of a generated org."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simulators.kustomer.resource import resource
from simulators.kustomer.texts import NAMES

if TYPE_CHECKING:
    from simulators.kustomer.generate import Generator


def _link(kind: str, record_id: str, plural: str) -> dict[str, Any]:
    return {
        "links": {"self": f"/v1/{plural}/{record_id}"},
        "data": {"type": kind, "id": record_id},
    }


class PeopleMaker:
    """Makes the people of the org that a generator builds."""

    def __init__(self, generator: "Generator") -> None:
        self._make = generator
        self._random = generator.random

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield users, teams, tags, companies, customers."""
        settings = self._make.settings
        for number in range(settings.users):
            yield self._user(number)
        for number in range(settings.teams):
            yield self._team(number)
        for number in range(settings.tags):
            yield self._tag(number)
        for number in range(settings.companies):
            yield self._company(number)
        for number in range(settings.customers):
            yield self._customer(number)

    def _record(self, kind: str, plural: str, attributes: dict[str, Any]) -> dict[str, Any]:
        created, times = self._make.times()
        record_id = self._make.new_id(created)
        org_id = self._make.settings.org_id
        return resource(kind, record_id, plural, {**attributes, **times}, {}, org_id=org_id)

    def _user(self, number: int) -> dict[str, Any]:
        """Agents 0..; some deactivated, one a machine, two with one mail address."""
        first, last = NAMES[number % len(NAMES)]
        attributes: dict[str, Any] = {
            "displayName": f"{first} {last}",
            "name": f"{first} {last}",
            "email": f"agent{number if number != 3 else 2}@acme.example",
            "userType": "machine" if number == 5 else "user",
            "roles": [],
        }
        if number % 11 == 7:
            attributes["deletedAt"] = "2025-01-01T00:00:00.000Z"
            attributes["deleted"] = True
        record = self._record("user", "users", attributes)
        self._make.users.append(record["id"])
        self._make.names[record["id"]] = attributes["displayName"]
        self._make.addresses[record["id"]] = attributes["email"]
        return record

    def _team(self, number: int) -> dict[str, Any]:
        members = self._random.sample(self._make.users, k=min(3, len(self._make.users)))
        attributes = {"name": f"Team {number}", "displayName": f"Team {number}", "members": members}
        record = self._record("team", "teams", attributes)
        self._make.teams.append(record["id"])
        return record

    def _tag(self, number: int) -> dict[str, Any]:
        names = ("VIP", "refund", "Größe", "a;b", "late delivery", "bug/UI")
        attributes = {"name": f"{names[number % len(names)]} {number}", "deleted": number % 6 == 5}
        record = self._record("tag", "tags", attributes)
        self._make.tags.append(record["id"])
        return record

    def _company(self, number: int) -> dict[str, Any]:
        domain = f"firm{number}.example"
        if number % 10 == 9:
            domain = f"firm{number - 1}.example"  # shares the domain of the one before
        if number % 13 == 12:
            domain = "gmail.com"
        attributes = {
            "name": f"Firm {number} {'GmbH' if number % 2 else '株式会社'}",
            "domains": [{"domain": domain}] if number % 7 else [],
            "phones": [{"type": "work", "phone": "+4930555010"}],
            "tags": [],
            "custom": {"tierStr": "gold"},
            "rev": 1,
        }
        record = self._record("company", "companies", attributes)
        self._make.companies.append(record["id"])
        return record

    def _customer(self, number: int) -> dict[str, Any]:
        first, last = NAMES[number % len(NAMES)]
        attributes: dict[str, Any] = {
            "name": f"{first} {last}",
            "displayName": f"{first} {last}",
            "firstName": first,
            "lastName": last,
            "emails": [{"type": "home", "email": f"c{number}@example.test", "verified": False}],
            "phones": [{"type": "mobile", "phone": f"+1555{number:07d}"}],
            "locations": [],
            "tags": [],
            "custom": {"customerTypeStr": self._random.choice(("b2b", "b2c"))},
            "deleted": False,
            "rev": self._random.randint(1, 20),
        }
        self._make_odd(number, attributes)
        record = self._record("customer", "customers", attributes)
        record["relationships"]["messages"] = {
            "links": {"self": f"/v1/customers/{record['id']}/messages"}
        }
        if self._make.companies and number % 3:
            company = self._random.choice(self._make.companies)
            record["relationships"]["company"] = _link("company", company, "companies")
        self._make.customers.append(record["id"])
        if attributes["emails"]:
            self._make.addresses[record["id"]] = attributes["emails"][0]["email"]
        return record

    def _make_odd(self, number: int, attributes: dict[str, Any]) -> None:
        """Names and contact points as they really occur."""
        match number % 17:
            case 1:
                for name in ("firstName", "lastName"):
                    attributes.pop(name)
            case 2:
                attributes |= {"firstName": None, "lastName": None, "displayName": "", "name": ""}
            case 3:
                attributes |= {
                    "firstName": "",
                    "lastName": "",
                    "displayName": "🦄🦄",
                    "name": "🦄🦄",
                }
            case 4:
                attributes["emails"].append({"type": "work", "email": "not an address@"})
            case 5:
                attributes["emails"] = [{"type": "home", "email": "späße@bücher.example"}]
            case 6:
                long = ("Wolfeschlegelsteinhausenbergerdorff " * 8)[:256]
                attributes |= {"displayName": long, "name": long, "lastName": long}
            case 7:
                attributes["emails"] = []
            case 8:
                attributes["locations"] = [
                    {
                        "type": "home",
                        "address": "1 Main St",
                        "address2": "Apt 4",
                        "cityName": "Köln",
                        "zipCode": "50667",
                        "countryCode": "DE",
                    },
                    {"type": "work", "address": "2 Side St", "cityName": "Bonn"},
                ]
