"""The table of converters: their names, their options, and the field types they can fill."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.converters import (
    custom,
    html,
    lists,
    mail,
    mentions,
    money,
    people,
    places,
    plain,
    tree,
)
from transforms.converters.context import ConverterContext
from transforms.converters.function import PREFIX, function_named, own_function
from transforms.generate import Blank
from transforms.lookups import LOOKUP_KINDS
from transforms.record import Cell

Converter = Callable[[ConverterContext], Cell]
Check = Callable[[Any], bool]

TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "email",
        "phone",
        "url",
        "picklist",
        "multipicklist",
        "combobox",
        "encryptedstring",
        "anyType",
    }
)
NUMBER_TYPES = frozenset({"double", "currency", "percent", "int", "long"})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*names: str) -> Check:
    return lambda value: value in names


def _is_level(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 20


def _is_code(value: Any) -> bool:
    return value in money.ISO_CODES


def _is_codes(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_code(each) for each in value.values())


def _is_table_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_texts(each) for each in value.values())


@dataclass(frozen=True)
class ConverterSpec:
    """A converter, its options with a check each, and the field types it can fill (None: any).

    `blank`: its cell is empty where the line's source is None (`none`), or anything empty (`falsy`);
    the line's default, where it has one.
    """

    make: Converter
    options: Mapping[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    types: frozenset[str] | None = TEXT_TYPES
    blank: Blank | None = None


_DECIMAL_MARK = _one_of(".", ",")
CONVERTERS: Mapping[str, ConverterSpec] = {
    "id": ConverterSpec(plain.identifier),
    "pair": ConverterSpec(plain.pair),
    "text": ConverterSpec(plain.text, blank="none"),
    "unique-text": ConverterSpec(plain.unique_text),
    "constant": ConverterSpec(plain.constant, types=None),
    "datetime": ConverterSpec(
        plain.datetime_cell, {"early": _is_flag}, types=TEXT_TYPES | {"datetime"}, blank="none"
    ),
    "date": ConverterSpec(custom.date, types=TEXT_TYPES | {"date"}, blank="none"),
    "decimal": ConverterSpec(
        custom.decimal, {"decimal": _DECIMAL_MARK}, types=TEXT_TYPES | NUMBER_TYPES, blank="none"
    ),
    "currency": ConverterSpec(
        money.currency,
        {
            "currency": _is_code,
            "part": _one_of("amount", "code"),
            "multi": _is_flag,
            "symbols": _is_codes,
            "decimal": _DECIMAL_MARK,
        },
        types=TEXT_TYPES | NUMBER_TYPES,
    ),
    "yes-no": ConverterSpec(
        custom.yes_no, {"yes": _is_texts, "no": _is_texts}, types=TEXT_TYPES | {"boolean"}
    ),
    "picklist": ConverterSpec(custom.picklist),
    "email-text": ConverterSpec(custom.email_text),
    "phone-text": ConverterSpec(custom.phone_text),
    "url": ConverterSpec(custom.url),
    "tree": ConverterSpec(
        tree.tree,
        {
            "part": _one_of("path", "leaf", "level"),
            "level": _is_level,
            "separator": _is_text,
            "with": _is_text,
        },
    ),
    "html-to-text": ConverterSpec(html.html_to_text),
    "text-to-html": ConverterSpec(html.text_to_html, {"links": _is_flag}),
    "multi-select": ConverterSpec(
        custom.multi_select,
        {"of": _one_of("tags"), "unknown": _one_of("hold", "keep")},
        types=frozenset({"multipicklist"}),
        blank="falsy",
    ),
    "boolean": ConverterSpec(plain.boolean, types=TEXT_TYPES | {"boolean"}, blank="none"),
    "number": ConverterSpec(
        plain.number, {"whole": _is_flag}, types=TEXT_TYPES | NUMBER_TYPES, blank="none"
    ),
    "values": ConverterSpec(plain.values, types=None),
    "json": ConverterSpec(
        plain.json_cell, {"pick": _is_texts, "without": _is_table_of_texts, "as": _is_text}
    ),
    "join": ConverterSpec(lists.join, {"with": _is_text}, blank="falsy"),
    "names": ConverterSpec(
        lists.names,
        {"of": _one_of(*LOOKUP_KINDS), "ids": _is_flag},
        required=("of",),
        blank="falsy",
    ),
    "first-value": ConverterSpec(lists.first_value, blank="none"),
    "domains": ConverterSpec(lists.domains),
    "website": ConverterSpec(lists.website),
    "first-name": ConverterSpec(people.first_name),
    "last-name": ConverterSpec(people.last_name),
    "full-name": ConverterSpec(people.full_name),
    "shown-name": ConverterSpec(people.shown_name),
    "email": ConverterSpec(people.email),
    "unusable-email": ConverterSpec(people.unusable_email),
    "other-emails": ConverterSpec(people.other_emails),
    "phone": ConverterSpec(
        people.phone, {"type": _is_text, "types": _is_texts}, required=("type", "types")
    ),
    "other-phones": ConverterSpec(people.other_phones, {"types": _is_texts}, required=("types",)),
    "address": ConverterSpec(
        places.address, {"part": _one_of(*places.ADDRESS_PARTS)}, required=("part",)
    ),
    "other-addresses": ConverterSpec(places.other_addresses),
    "mail-addresses": ConverterSpec(mail.addresses, blank="falsy"),
    "mail-sender": ConverterSpec(mail.sender, {"leave_long": _is_flag}, blank="falsy"),
    "mail-sender-name": ConverterSpec(mail.sender_name, {"leave_long": _is_flag}, blank="falsy"),
    "message-id": ConverterSpec(mail.message_id, blank="falsy"),
    "mentions": ConverterSpec(mentions.mentions, blank="none"),
}


_FUNCTION = ConverterSpec(own_function, types=None)


def spec_of(convert: str) -> ConverterSpec | None:
    """The converter of a line: one of the table, or the operator's own function; None for neither."""
    return _FUNCTION if function_named(convert) else CONVERTERS.get(convert)


def line_faults(convert: str, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a line's converter and its options, a sentence each."""
    spec = spec_of(convert)
    if spec is None and convert.startswith(PREFIX):
        yield f"{convert} names no function; write python:module:function"
        return
    if spec is None:
        yield f"there is no converter {convert}; there are {', '.join(sorted(CONVERTERS))}"
        return
    yield from _option_faults(convert, spec, options)
    if convert == "tree":
        yield from _tree_faults(options)


def _option_faults(convert: str, spec: ConverterSpec, options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        check = spec.options.get(name)
        if check is None:
            known = ", ".join(sorted(spec.options)) or "none"
            yield f"converter {convert} has no option {name}; it has {known}"
        elif not check(value):
            yield f"option {name} of converter {convert} cannot have this value"
    for name in spec.required:
        if name not in options:
            yield f"converter {convert} needs the option {name}"


def _tree_faults(options: Mapping[str, Any]) -> Iterator[str]:
    if ("level" in options) != (options.get("part") == "level"):
        yield "option level of converter tree belongs to part: level, and that needs it"
    if options.get("separator") == "":
        yield "option separator of converter tree cannot be empty"
