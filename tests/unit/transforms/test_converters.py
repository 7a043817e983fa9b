"""Each converter by itself."""

import json
from typing import Any

import pytest

from transforms.converters import CONVERTERS, ConverterContext
from transforms.converters.cells import as_text, clean
from transforms.converters.contact_points import is_email
from transforms.domains import free_mail_domains
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.record import Record, compile_path, first_of


def convert(
    name: str, value: Any = None, *, attributes: dict[str, Any] | None = None, **more: Any
) -> str:
    given = {"x": value} if attributes is None else attributes
    record = Record({"id": "a" * 24}, given, Lookups(tags={"t1": "vip"}))
    context = ConverterContext(get=compile_path("attributes.x"), **more)
    return CONVERTERS[name].make(context)(record)


def reason(name: str, value: Any, **more: Any) -> str:
    with pytest.raises(Hold) as caught:
        convert(name, value, **more)
    return caught.value.reason


def test_text_is_cleaned_and_its_quotes_doubled() -> None:
    assert convert("text", 'a\r\nb\rc "d"\x00\x0b\ufffe') == 'a\nb\nc ""d""'
    assert convert("text", "tab\there\xa0\u200d🙂") == "tab\there\xa0\u200d🙂"


def test_blank_text_takes_the_default_with_its_quotes_doubled() -> None:
    assert convert("text", " \n ", default='"none"') == '""none""'
    assert convert("text", None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (2.5, "2.5"),
        (3.0, "3"),
        (True, "true"),
        (1234567.891, "1234567.891"),
        (1e300, "1e+300"),
    ],
)
def test_scalars_become_text_without_loss(value: object, text: str) -> None:
    assert as_text(value) == text


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(Hold):
        as_text(float("nan"))


def test_text_over_the_length_is_held_unless_the_whole_is_kept_elsewhere() -> None:
    assert reason("text", "abcdef", length=5) == "too-long"
    assert convert("text", "abcdef", length=5, keep=True) == "abcd…"
    assert convert("text", "abcde", length=5) == "abcde"


def test_lone_surrogates_are_held() -> None:
    with pytest.raises(Hold, match="bad-text"):
        clean("a\ud800")
    assert reason("json", {"a": "\ud800"}) == "bad-text"


def test_a_number_is_no_date_and_no_date_is_none() -> None:
    assert reason("datetime", 1772600767) == "bad-date"
    assert reason("datetime", "yesterday") == "bad-date"
    assert convert("datetime", None) == ""
    assert convert("datetime", "2026-03-04") == "2026-03-04T00:00:00.000Z"


def test_booleans_are_true_or_false_and_nothing_else() -> None:
    assert convert("boolean", True) == "true"
    assert convert("boolean", False) == "false"
    assert convert("boolean", None, default="false") == "false"
    assert reason("boolean", 1) == "wrong-type"


def test_numbers_pass_without_loss() -> None:
    assert convert("number", 41.5) == "41.5"
    assert convert("number", " 0042 ") == "0042"
    assert convert("number", -3) == "-3"
    assert reason("number", "09832402u0942") == "not-a-number"
    assert reason("number", "1_000") == "not-a-number"
    assert reason("number", True) == "not-a-number"
    assert reason("number", 10**18) == "out-of-range"
    assert reason("number", 1.5, options={"whole": True}) == "out-of-range"


def test_a_value_map_takes_the_first_of_a_list_in_any_letter_case() -> None:
    values = {"email": "Email"}
    assert convert("values", ["EMAIL", "chat"], values=values) == "Email"
    assert convert("values", "carrier-pigeon", values=values, default="Other") == "Other"
    assert convert("values", [], values=values, default="Other") == "Other"
    assert reason("values", "carrier-pigeon", values=values) == "unknown-value"


def test_json_keeps_what_was_picked_and_drops_what_is_empty() -> None:
    attributes = {"x": {"b": 1, "a": 'q"'}, "e": {"l": []}, "k": {"a": 1, "html": "<p>"}, "n": 0}
    options = {"pick": ["e", "k", "n", "absent"], "without": {"k": ["html"]}}
    made = convert("json", attributes=attributes, options=options)
    assert json.loads(made.replace('""', '"')) == {"custom": attributes["x"], "k": {"a": 1}}
    assert convert("json", {}) == ""
    assert reason("json", {"a": "long"}, length=5) == "too-long"


def test_lists_are_joined_and_ids_named() -> None:
    assert convert("join", ["a", 1, None], options={"with": "|"}) == "a|1|"
    assert convert("names", ["t1", "t2"], options={"of": "tags"}) == "vip (t1); t2"
    assert convert("names", "t1", options={"of": "tags", "ids": False}) == "vip"
    assert convert("first-value", ["a", "b"]) == "a"
    assert convert("first-value", []) == ""
    assert reason("join", [["a"]]) == "wrong-type"


def test_free_mail_never_stands_for_a_company() -> None:
    assert len(free_mail_domains()) >= 100
    assert convert("website", [{"domain": ""}, {"domain": "acme.test"}]) == "acme.test"
    assert convert("domains", ["a.test", {"domain": "b.test"}]) == "a.test; b.test"


@pytest.mark.parametrize(
    ("attributes", "first", "last", "full"),
    [
        ({"firstName": "Ada", "lastName": "Park"}, "Ada", "Park", "Ada Park"),
        ({"displayName": "Ada B. Park"}, "Ada B.", "Park", "Ada B. Park"),
        ({"displayName": "Ada Park", "firstName": "Ada"}, "Ada", "Park", "Ada Park\nAda"),
        ({"name": "Park", "firstName": "Ada"}, "Ada", "Park", "Park\nAda"),
        ({"firstName": "Ada"}, "", "Ada", "Ada"),
        ({"emails": [{"email": "ada.p@x.test"}]}, "", "ada.p", ""),
        ({"emails": [{"email": None}]}, "", "Unknown", ""),
        ({}, "", "Unknown", ""),
        ({"name": 7}, "", "7", "7"),
        ({"firstName": "x" * 41, "lastName": "y"}, "x" * 39 + "…", "y", "x" * 41 + " y"),
    ],
)
def test_a_last_name_is_never_empty(
    attributes: dict[str, Any], first: str, last: str, full: str
) -> None:
    assert convert("first-name", attributes=attributes, length=40) == first
    assert convert("last-name", attributes=attributes, length=80) == last
    assert convert("full-name", attributes=attributes, length=1024) == full


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        ("ada@example.test", True),
        ("a.b+c@sub.example.test", True),
        ("ada@example", False),
        ("ada.@example.test", False),
        ("ada@@example.test", False),
        ("ada park@example.test", False),
        ("äda@example.test", False),
        ("a" * 250 + "@x.test", False),
    ],
)
def test_mail_addresses_are_judged_as_salesforce_does(value: str, usable: bool) -> None:
    assert is_email(value) is usable


def test_mail_addresses_find_their_fields_and_none_is_lost() -> None:
    long = "a" * 80 + "@x.test"
    attributes = {
        "emails": [
            {"type": "work", "email": "broken@"},
            {"type": "home", "email": long},
            {"type": "home", "email": "ada@x.test"},
        ],
        "sharedEmails": ["team@x.test"],
    }
    assert convert("email", attributes=attributes) == "ada@x.test"
    assert convert("unusable-email", attributes=attributes, length=255) == "broken@"
    others = convert("other-emails", attributes=attributes).split("\n")
    assert others == ["work: broken@", f"home: {long}", "team@x.test"]


def test_phones_find_their_fields_and_none_is_lost() -> None:
    attributes = {
        "phones": [
            {"type": "mobile", "phone": "1"},
            {"type": "mobile", "phone": "2"},
            {"type": "work", "phone": "3"},
            {"type": "fax", "phone": "9" * 41},
            {"type": "home", "phone": 4},
        ],
        "whatsapps": [{"type": "mobile", "phone": "whatsapp:+1"}],
    }
    types = ["mobile", "home", "phone", "fax"]

    def phone(kind: str) -> str:
        return convert("phone", attributes=attributes, options={"type": kind, "types": types})

    assert [phone(kind) for kind in types] == ["1", "4", "2", ""]
    others = convert("other-phones", attributes=attributes, options={"types": types})
    assert others.split("\n") == ["work: 3", "fax: " + "9" * 41, "mobile: whatsapp:+1"]


def test_an_address_that_does_not_fit_is_kept_as_text() -> None:
    long = {"address": "x" * 256, "cityName": "A"}
    fits = {"address": "1 Main St", "address2": "Flat 2", "zipCode": 12345, "regionCode": "IL"}
    attributes = {"locations": [long, fits, "somewhere"]}

    def part(name: str) -> str:
        return convert("address", attributes=attributes, options={"part": name})

    assert part("street") == "1 Main St\nFlat 2"
    assert part("postal_code") == "12345"
    assert part("state") == "IL"
    assert part("city") == ""
    others = convert("other-addresses", attributes=attributes).split("\n")
    assert others == ["x" * 256 + ", A", "somewhere"]


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ([{"email": "a@x.test", "name": "A"}, {"email": "b@x.test"}], "a@x.test; b@x.test"),
        ({"email": "a@x.test"}, "a@x.test"),
        ("a@x.test", "a@x.test"),
        ('"Park, Ada" <a@x.test>; b@x.test', "a@x.test; b@x.test"),
        (["+15555550101", None, 5, {}], ""),
        ([], ""),
    ],
)
def test_recipients_are_read_in_all_their_shapes(value: Any, made: str) -> None:
    assert convert("mail-addresses", value) == made


def test_the_sender_is_an_address_or_a_name() -> None:
    assert convert("mail-sender", "Ada Park <a@x.test>") == "a@x.test"
    assert convert("mail-sender-name", "Ada Park <a@x.test>") == "Ada Park"
    assert convert("mail-sender-name", [{"email": "a@x.test", "name": "Ada"}]) == "Ada"
    assert convert("mail-sender", "+15555550101") == ""
    assert convert("mail-sender-name", "+15555550101") == "+15555550101"
    assert convert("mail-sender-name", "a@x.test") == ""


@pytest.mark.parametrize("value", ["m1@x.test", "<m1>", "<m 1@x.test>", "<a@<b>@c>", 5, "<@x>", ""])
def test_what_is_no_message_id_is_left_out(value: Any) -> None:
    assert convert("message-id", value, length=765) == ""


def test_a_message_id_passes_when_it_fits() -> None:
    assert convert("message-id", "<m1@x.test>", length=765) == "<m1@x.test>"
    assert convert("message-id", "<m1@x.test>", length=5) == ""


def test_paths_read_lists_by_position_and_survive_everything_else() -> None:
    record = Record({"id": "1"}, {"a": [{"b": 1}], "c": ""}, Lookups())
    assert compile_path("attributes.a.0.b")(record) == 1
    assert compile_path("attributes.a.7.b")(record) is None
    assert compile_path("attributes.c.d")(record) is None
    assert compile_path("relationships.x.data.id")(record) is None
    assert first_of(["attributes.c", "attributes.z", "id"])(record) == "1"
