"""The table of converters, and what each is told about its line of the map."""

from collections.abc import Callable, Mapping

from transforms.converters import lists, mail, people, places, plain
from transforms.converters.context import ConverterContext
from transforms.record import Cell

Converter = Callable[[ConverterContext], Cell]

CONVERTERS: Mapping[str, Converter] = {
    "id": plain.identifier,
    "text": plain.text,
    "constant": plain.constant,
    "datetime": plain.datetime_cell,
    "boolean": plain.boolean,
    "number": plain.number,
    "values": plain.values,
    "json": plain.json_cell,
    "join": lists.join,
    "names": lists.names,
    "first-value": lists.first_value,
    "domains": lists.domains,
    "website": lists.website,
    "first-name": people.first_name,
    "last-name": people.last_name,
    "full-name": people.full_name,
    "email": people.email,
    "unusable-email": people.unusable_email,
    "other-emails": people.other_emails,
    "phone": people.phone,
    "other-phones": people.other_phones,
    "address": places.address,
    "other-addresses": places.other_addresses,
    "mail-addresses": mail.addresses,
    "mail-sender": mail.sender,
    "mail-sender-name": mail.sender_name,
    "message-id": mail.message_id,
    "mail-unusable": mail.unusable,
}

__all__ = ["CONVERTERS", "Converter", "ConverterContext"]
