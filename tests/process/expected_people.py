"""Who wrote a message and whom it went to, worked out from the source and apart from the product."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.process.stand_ins import Journey

_MAIL = re.compile(r"[!-~]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_PARTS = {"to": "ToAddress", "cc": "CcAddress", "bcc": "BccAddress"}
Row = dict[str, Any]
Relation = tuple[str, str, str]
"""(e-mail's id, part, the person's id, or the address of somebody unknown in small letters)"""


def check_relations(
    run: Journey, emails: Mapping[str, Row], users: Mapping[str, str] | None = None
) -> int:
    """Compare the relations of all e-mails one by one; returns how many there are.

    `users`: Salesforce ids by Kustomer id, where not the addresses alone say who is who.
    """
    found = Counter(
        (each["EmailMessageId"], each["RelationType"], _who(each))
        for each in run.target_records("EmailMessageRelation")
        if not each["IsDeleted"]
    )
    people = _People(run, users)
    wanted: set[Relation] = set()
    for key, row in run.source_records("message").items():
        wanted |= {(emails[key]["Id"], part, who) for part, who in people.of(row)}
    assert found == Counter(wanted)
    return len(wanted)


def _who(made: Row) -> str:
    return made.get("RelationId") or made["RelationAddress"].lower()


class _People:
    """Everybody whom messages can name, and what each became."""

    def __init__(self, run: Journey, users: Mapping[str, str] | None = None) -> None:
        self._became = {
            each["Kustomer_Id__c"]: each["Id"]
            for name in ("Contact", "Lead")
            for each in run.target_records(name)
            if each.get("Kustomer_Id__c")
        }
        self._address = {
            key: row["attributes"]["email"].strip().lower()
            for key, row in run.source_records("user").items()
        }
        by_address = _turned(self._address.items())
        self._users = {each: keys[0] for each, keys in by_address.items() if len(keys) == 1}
        there = _turned(
            (each["Id"], each["Email"].lower())
            for each in run.target_records("User")
            if each["IsActive"]
        )
        for key, address in self._address.items():
            if len(there.get(address, ())) == 1:
                self._became[key] = there[address][0]
        if users is not None:
            self._became = {k: v for k, v in self._became.items() if k not in self._address}
            self._became |= users
        self._customers = _turned(
            (key, each["email"].strip().lower())
            for key, row in run.source_records("customer").items()
            if not row["attributes"].get("deleted")
            for each in row["attributes"].get("emails") or []
        )

    def of(self, row: Row) -> Iterator[tuple[str, str]]:
        """Yield (part, person or address) of one message."""
        meta = row["attributes"]["meta"]
        related = row["relationships"]
        own = related["customer"]["data"]["id"]
        (sender,) = [*_addresses(meta["from"]), ""][:1]
        author = ""
        if row["attributes"]["direction"] == "in":
            author = self._became.get(own, "")
        elif "createdBy" in related:
            user = related["createdBy"]["data"]["id"]
            author = self._became.get(user) or sender or self._address[user]
        if author or sender:
            yield "FromAddress", author or self._named(sender, own)
        for name, part in _PARTS.items():
            for address in _addresses(meta.get(name)):
                yield part, self._named(address, own)

    def _named(self, address: str, own: str) -> str:
        user = self._users.get(address)
        if user:
            return self._became.get(user, address)
        having = set(self._customers.get(address, ()))
        one = own if own in having else having.pop() if len(having) == 1 else ""
        return self._became.get(one, address)


def _turned(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All first ones by the second."""
    found: dict[str, list[str]] = defaultdict(list)
    for first, second in pairs:
        found[second].append(first)
    return found


def _addresses(given: Any) -> list[str]:
    """The mail addresses of one part, in any of the forms that occur, in small letters."""
    entries = given if isinstance(given, list) else [given] if given else []
    texts = [each["email"] if isinstance(each, dict) else each for each in entries]
    bare = [text[text.find("<") + 1 : -1] if text.endswith(">") else text for text in texts]
    return [each.lower() for each in bare if _MAIL.fullmatch(each)]
