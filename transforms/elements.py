"""Lists of a record that no path leads to: each of their elements makes one row (`each` in the map).

Elements are plain objects, so that `each.NAME` in the map reads what they hold.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transforms.converters.contact_points import is_email
from transforms.converters.lists import as_list
from transforms.converters.mail import sender_of, usable_addresses
from transforms.record import Getter, Record, compile_path

Element = dict[str, str]
Elements = Callable[[Record], Sequence[Element]]
PEOPLE_OF_MESSAGE = "people-of-message"

# Where a message names whom (kustomer facts, 6.4), and how a relation calls it (salesforce facts, 7.3).
_RECIPIENTS = (("to", "ToAddress"), ("cc", "CcAddress"), ("bcc", "BccAddress"))
_FROM = "FromAddress"
_customer = compile_path("relationships.customer.data.id")
_creator = compile_path("relationships.createdBy.data.id")


def people_of_message(record: Record) -> list[Element]:
    """The people of a message: `{type, address, user}`, `{type, address, customer}` or `{type, address}`.

    The author is who wrote the message by id: its customer if it came in, the user who made it if it
    went out; else whoever has the sender's address. Recipients are known by their addresses alone: a
    user by Lookups, then a customer. An address of several customers is the message's own one, if it is
    among them; else nothing is guessed. Nobody is named twice in the same part. What is no mail address
    (a phone number, a handle) makes no element, unless an id tells whose it is.
    """
    meta = record.attributes.get("meta")
    found: list[Element] = []
    parts = meta if isinstance(meta, dict) else {}
    author = _author(record, parts.get("from"))
    if author is not None:
        found.append(author)
    for name, kind in _RECIPIENTS:
        given = parts.get(name)
        if not given:
            continue
        seen: set[str] = set()
        for address in (each for entry in as_list(given) for each in usable_addresses(entry)):
            person = _by_address(record, kind, address)
            who = person.get("user") or person.get("customer") or address.lower()
            if who not in seen:
                seen.add(who)
                found.append(person)
    return found


def addresses_of_message(row: Mapping[str, Any]) -> list[str]:
    """The mail addresses, in small letters, by which `people_of_message` may look for customers."""
    attributes = row.get("attributes")
    meta = attributes.get("meta") if isinstance(attributes, dict) else None
    if not isinstance(meta, dict):
        return []
    found = [sender_of(meta.get("from"))]
    for name, _ in _RECIPIENTS:
        if meta.get(name):
            found += [each for entry in as_list(meta[name]) for each in usable_addresses(entry)]
    return [each.lower() for each in found if each]


def _author(record: Record, sender: Any) -> Element | None:
    address = sender_of(sender)
    direction = record.attributes.get("direction")
    if direction == "in":
        customer = _customer(record)
        if customer:
            return {"type": _FROM, "address": address, "customer": customer}
    else:
        user = _creating_user(record)
        if user:
            address = address or record.lookups.addresses.get(user, "")
            return {"type": _FROM, "address": address, "user": user}
    return _by_address(record, _FROM, address) if address else None


def _creating_user(record: Record) -> Any:
    related = record.relationships.get("createdBy")
    data = related.get("data") if isinstance(related, dict) else None
    kind = data.get("type") if isinstance(data, dict) else None
    return _creator(record) if kind in (None, "user", "users") else None


def _by_address(record: Record, kind: str, address: str) -> Element:
    lookups, known = record.lookups, address.lower()
    user = lookups.user_emails.get(known)
    if user is not None:
        return {"type": kind, "address": address, "user": user}
    customers = lookups.customer_emails.get(known)
    if customers:
        own = _customer(record)
        if own in customers or len(customers) == 1:
            one = own if own in customers else customers[0]
            return {"type": kind, "address": address, "customer": one}
    return {"type": kind, "address": address}


ELEMENTS: Mapping[str, Elements] = {PEOPLE_OF_MESSAGE: people_of_message}
# Which addresses of a row the makers look customers up by.
ASKED: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    PEOPLE_OF_MESSAGE: addresses_of_message
}


def compile_each(each: str) -> Getter:
    """Return what makes the list of a table's `each`: a maker of this file by its name, or a path."""
    return ELEMENTS.get(each) or compile_path(each)


def addresses_in(entries: Any) -> list[str]:
    """Mail addresses in small letters of `[{email}]`, of plain addresses, or of one of them."""
    found = (each.get("email") if isinstance(each, dict) else each for each in as_list(entries))
    texts = (each.strip() for each in found if isinstance(each, str))
    return list(dict.fromkeys(each.lower() for each in texts if is_email(each)))
