"""Reads the small tables that rows name by id: tags, users, teams."""

from collections import Counter
from typing import Any

from connectors.kustomer.client import KustomerClient
from service.phases import STREAMS
from transforms.lookups import Lookups

_DELETED: tuple[dict[str, str], ...] = ({"deleted": "false"}, {"deleted": "true"})


async def read_lookups(kustomer: KustomerClient) -> Lookups:
    """Read tags, users and teams, deleted ones included; a few pages each."""
    teams: dict[str, str] = {}
    users: dict[str, str] = {}
    emails: dict[str, str] = {}
    for variant in _DELETED:
        found = await _rows(kustomer, "/v1/users", variant)
        users |= _names(found)
        # Whoever is there now has the address, not one who left it behind.
        emails = _emails(found) | emails
    teams |= _names(await _rows(kustomer, "/v1/teams", {}))
    tags = await read_tags(kustomer)
    return Lookups(tags, users, teams, {each: user for each, user in emails.items() if user})


async def read_tags(kustomer: KustomerClient) -> dict[str, str]:
    """Return the names of all tags by id, deleted ones included; raises the connectors' errors."""
    found: dict[str, str] = {}
    for variant in STREAMS["tag"].variants:
        found |= _names(await _rows(kustomer, STREAMS["tag"].path, dict(variant)))
    return found


async def read_names(kustomer: KustomerClient, path: str) -> dict[str, str]:
    """Return the names of all records of a small list by id; raises the connectors' errors."""
    return _names(await _rows(kustomer, path, {}))


async def _rows(
    kustomer: KustomerClient, path: str, params: dict[str, str]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        page = await kustomer.list_page(path, number, params=params)
        found += page.rows
        if not page.has_next or not page.rows:
            return found
        number += 1


def _names(rows: list[dict[str, Any]]) -> dict[str, str]:
    names = {}
    for row in rows:
        attributes = row.get("attributes") or {}
        name = attributes.get("displayName") or attributes.get("name")
        if isinstance(row.get("id"), str) and isinstance(name, str):
            names[row["id"]] = name
    return names


def _emails(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Ids by mail address; "" for an address of several users."""
    pairs = [
        (address.strip().lower(), row["id"])
        for row in rows
        if isinstance(row.get("id"), str)
        and isinstance(address := (row.get("attributes") or {}).get("email"), str)
        and address.strip()
    ]
    counts = Counter(address for address, _ in pairs)
    return {address: user if counts[address] == 1 else "" for address, user in pairs}
