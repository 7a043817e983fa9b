"""Which field an attribute gets, by its name, its metadata and its values."""

from typing import Any

import pytest

from transforms.schema.fields import choose_field
from transforms.schema.profile import MOST_VALUES, Profile
from transforms.schema.source import read_attribute, read_attributes, read_klass


def chosen(name: str, values: list[Any], **metadata: Any) -> Any:
    attribute = read_attribute(name, metadata)
    profile = Profile()
    for value in values:
        profile.add(value, type=attribute.type)
    return choose_field(attribute, profile)


@pytest.mark.parametrize(
    ("name", "metadata", "type_"),
    [
        ("loyaltyTierStr", {}, "string"),
        ("summaryTxt", {"type": "string"}, "text"),
        ("ordersNum", {}, "number"),
        ("dueAt", {"type": "string"}, "datetime"),
        ("vipBool", {}, "boolean"),
        ("siteUrl", {}, "url"),
        ("orderId", {"target": "kobject.order"}, "reference"),
        ("regionTree", {}, "tree"),
        ("regionStr", {"tree": True}, "tree"),
        ("plain", {"type": "number"}, "number"),
        ("plain", {}, "unknown"),
        ("Str", {"type": "boolean"}, "boolean"),
        ("flat", {}, "unknown"),
    ],
)
def test_the_suffix_tells_the_type_and_metadata_where_there_is_none(
    name: str, metadata: dict[str, Any], type_: str
) -> None:
    assert read_attribute(name, metadata).type == type_


def test_a_text_of_40_000_characters_is_a_long_area_with_room() -> None:
    choice = chosen("storyStr", ["x" * 40_000])
    assert (choice.type, choice.length) == ("LongTextArea", 80_000)


def test_a_text_with_twelve_values_can_be_offered_as_a_picklist() -> None:
    choice = chosen("tierStr", [f"v{number % 12}" for number in range(400)])
    assert (choice.type, choice.offer) == ("Text", "Picklist")


def test_an_enumeration_takes_in_the_values_that_are_really_there() -> None:
    choice = chosen("tierStr", ["gold", "old value"] * 3, enumeration=["gold", "silver"])
    assert (choice.type, choice.values) == ("Picklist", ("gold", "silver", "old value"))
    assert "1 values are not in its enumeration" in choice.flags


def test_an_enumeration_with_too_long_or_too_many_values_stays_text() -> None:
    assert chosen("aStr", ["x" * 256], enumeration=["a"]).type == "LongTextArea"
    many = [f"v{number}" for number in range(MOST_VALUES + 1)]
    assert chosen("aStr", many, enumeration=["a"]).type == "Text"


def test_numbers_get_the_digits_that_they_need() -> None:
    choice = chosen("totalNum", [12345.25, 1, None])
    assert (choice.type, choice.digits, choice.scale) == ("Number", 7, 2)
    messy = chosen("messyNum", ["1,5", 3, "7"])
    assert "2 values are not of its type" in messy.flags
    assert messy.confidence <= 0.5


def test_days_are_told_from_moments_when_all_are_midnight() -> None:
    days = [f"19{year}-12-01T00:00:00.000Z" for year in range(20, 60)]
    assert chosen("birthdayAt", days).type == "Date"
    assert chosen("dueAt", [*days, "2020-01-01T10:00:00.000Z"]).type == "DateTime"
    assert "1 values are not of its type" in chosen("dueAt", ["soon"]).flags


def test_a_reference_is_a_lookup_and_several_are_kept_as_ids() -> None:
    assert chosen("orderId", ["66f0a1b2c3d4e5f601020304"], target="order").type == "Lookup"
    assert chosen("ordersId", [["a", "b"]], target="order", multi=True).type == "LongTextArea"
    assert chosen("someId", ["a"]).type == "Text"


def test_lists_of_few_values_are_multi_select_unless_a_value_has_a_semicolon() -> None:
    assert chosen("flagsStr", [["a", "b"], ["a"]]).type == "MultiselectPicklist"
    assert chosen("flagsStr", [["a;b"]]).type == "LongTextArea"


def test_mail_addresses_and_links_are_recognised_in_plain_strings() -> None:
    mails = [f"b{number}@example.test" for number in range(40)]
    assert chosen("backupStr", mails).type == "Email"
    assert chosen("backupStr", [*mails, "none"]).type == "Text"


def test_sensitive_deleted_and_never_filled_attributes_are_flagged() -> None:
    choice = chosen("ssnStr", [], hasSensitiveAttributes=True, deletedAt="2024-01-01")
    assert len(choice.flags) == 3
    assert choice.confidence <= 0.6


def test_a_profile_keeps_no_value_of_a_sensitive_attribute() -> None:
    profile = Profile()
    profile.add("canary", type="string", keep=False)
    assert "canary" not in repr(profile)
    assert profile.chars == 6


def test_odd_metadata_is_read_without_a_fault() -> None:
    assert read_attributes(None) == {}
    assert read_attributes({"attributes": {"properties": ["x"]}}) == {}
    assert read_attribute("aStr", "nonsense").label == "aStr"
    assert read_klass({"attributes": {"name": 7}}, None) is None
    kind = read_klass({"attributes": {"name": "o-i", "displayname": "O I", "status": "?"}}, {})
    assert kind is not None
    assert (kind.name, kind.label, kind.status) == ("kobject.o-i", "O I", "enabled")
