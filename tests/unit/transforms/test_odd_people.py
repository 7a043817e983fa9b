"""Names, addresses and contact points as they really occur: each finds its place, and none is lost."""

from collections.abc import Mapping
from typing import Any

import pytest

from service.job_rows import ParentCells
from service.mapped import default_mapping
from tests.unit.transforms import samples
from tests.unit.transforms.reading import mapped
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, ParentField, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape

ZERO_WIDTH = "\u200b\u200d"


def person(**attributes: Any) -> dict[str, Any]:
    record = samples.customer()
    plain = dict.fromkeys(("name", "displayName", "firstName", "lastName"))
    record["attributes"] = {**record["attributes"], **plain, **attributes}
    return record


@pytest.mark.parametrize(
    ("shown", "first", "last"),
    [
        ("🦄🦄", "", "🦄🦄"),
        ("Madonna", "", "Madonna"),
        ("山田 太郎", "太郎", "山田"),
        ("山田太郎", "", "山田太郎"),
        ("김 민준", "민준", "김"),
        ("Taro 山田", "Taro", "山田"),
        ("Dr. Ada Park", "Dr. Ada", "Park"),
        ("Ada Park Jr.", "Ada", "Park Jr."),
        ("Ada Park, Ph.D.", "Ada", "Park, Ph.D."),
        ("Jr.", "", "Jr."),
        ("  Ada   Park ", "Ada", "Park"),
        ("Ludwig van Beethoven", "Ludwig van", "Beethoven"),
    ],
)
def test_a_shown_name_is_parted_as_its_letters_ask(
    default_map: CompiledMapping, shown: str, first: str, last: str
) -> None:
    row = mapped(default_map, "customers", "Contact", person(displayName=shown))
    assert (row.get("FirstName", ""), row["LastName"]) == (first, last)
    assert row["Kustomer_Full_Name__c"] == shown.strip()


@pytest.mark.parametrize("nothing", ["", None, "  ", ZERO_WIDTH, "\ufeff"])
def test_who_has_no_name_is_called_by_the_mail_or_unknown(
    default_map: CompiledMapping, nothing: str | None
) -> None:
    nameless = {"name": nothing, "displayName": nothing, "lastName": nothing}
    by_mail = person(**nameless, emails=[{"type": "home", "email": "ada@example.test"}])
    assert mapped(default_map, "customers", "Contact", by_mail)["LastName"] == "ada"
    unknown = person(**nameless, emails=[])
    assert mapped(default_map, "customers", "Contact", unknown)["LastName"] == "Unknown"


def test_a_name_of_256_characters_is_shortened_and_kept_whole(default_map: CompiledMapping) -> None:
    long = "x" * 256
    row = mapped(default_map, "customers", "Contact", person(displayName=long, lastName=long))
    assert len(row["LastName"]) == 80
    assert row["Kustomer_Full_Name__c"] == long


def test_every_mail_and_phone_is_kept_shared_and_unusable_ones_too(
    default_map: CompiledMapping,
) -> None:
    record = person(
        displayName="Ada",
        emails=[
            {"type": "home", "email": "späße@bücher.example"},
            {"type": "work", "email": "ada@example.test"},
            {"type": "other", "email": "no address@"},
        ],
        sharedEmails=[{"type": "home", "email": "family@example.test"}],
        phones=[
            {"type": "mobile", "phone": "+15555550101"},
            {"type": "mobile", "phone": "+15555550102"},
            {"type": "fax", "phone": "ext. 12"},
            {"type": "work", "phone": "+" + "1" * 45},
        ],
        sharedPhones=[{"type": "home", "phone": "+15555550103"}],
    )
    row = mapped(default_map, "customers", "Contact", record)
    assert row["Email"] == "ada@example.test"
    assert row["Kustomer_Raw_Email__c"] == "späße@bücher.example"
    others = row["Kustomer_Other_Emails__c"]
    assert all(
        each in others for each in ("späße@bücher.example", "no address@", "family@example.test")
    )
    assert row["MobilePhone"] == "+15555550101"
    assert row["HomePhone"] == "+15555550103"
    assert row["Phone"] == "+15555550102", "a second mobile takes the field that is left"
    assert row["Fax"] == "ext. 12", "what is no E.164 number is kept as it is"
    assert "+" + "1" * 45 in row["Kustomer_Other_Phones__c"]


def coded(countries: str = "DE US", states: Mapping[str, str] | None = None) -> CompiledMapping:
    """The default map in an org with picklists of states and countries."""
    shape = dict(default_shape())
    contact = shape["Contact"]
    valid = {key: frozenset(each.split()) for key, each in (states or {"CA": "US"}).items()}
    more = [
        FieldShape("MailingCountryCode", "picklist", 10, True, picklist=tuple(countries.split())),
        FieldShape(
            "MailingStateCode",
            "picklist",
            10,
            restricted=True,
            picklist=tuple(valid),
            controller="MailingCountryCode",
            valid_for=tuple(valid.items()),
        ),
    ]
    fields = {**contact.fields, **{each.name: each for each in more}}
    shape["Contact"] = ObjectShape("Contact", fields)
    mapping = parse_mapping(default_mapping(), "m")
    return compile_mapping(mapping, shape, MapSettings("005000000000001AAA"))


PLACE = {"address": "1 Main St", "cityName": "Town", "zipCode": "1"}


@pytest.mark.parametrize(
    ("place", "country", "state", "whole"),
    [
        ({"countryCode": "us", "regionCode": "ca", "regionName": "California"}, "US", "CA", True),
        ({"countryCode": "DE", "countryName": "Germany"}, "DE", "", True),
        ({"countryCode": "DE", "regionCode": "CA"}, "DE", "", False),
        ({"countryCode": "US", "regionName": "California"}, "US", "", False),
        ({"countryName": "Germany"}, "", "", False),
        ({"countryCode": "XX", "regionCode": "CA"}, "", "", False),
        ({}, "", "", True),
    ],
)
def test_where_states_are_picklists_codes_go_out_and_what_has_none_is_kept_as_text(
    place: dict[str, str], country: str, state: str, whole: bool
) -> None:
    record = person(displayName="Ada", locations=[{**PLACE, **place}])
    row = mapped(coded(), "customers", "Contact", record)
    assert "MailingCountry" not in row
    assert "MailingState" not in row
    assert row.get("MailingCountryCode", "") == country
    assert row.get("MailingStateCode", "") == state
    assert row["MailingCity"] == "Town"
    kept = row.get("Kustomer_Other_Addresses__c", "")
    assert (kept == "") is whole
    assert all(value in kept for value in ([] if whole else place.values()))


def test_of_several_companies_the_first_counts_and_all_are_kept(
    default_map: CompiledMapping,
) -> None:
    record = person(displayName="Ada")
    ids = ["65bb0000000000000000000a", "65bb0000000000000000000b"]
    record["relationships"]["company"] = {"data": [{"type": "company", "id": each} for each in ids]}
    row = mapped(default_map, "customers", "Contact", record)
    assert row["@company"] == ids[0]
    assert all(each in row["Kustomer_Raw__c"] for each in ids)


def test_a_leads_cases_take_over_its_name_and_first_usable_mail() -> None:
    shape = {
        **default_shape(),
        "Case": ObjectShape(
            "Case",
            {
                **default_shape()["Case"].fields,
                "SuppliedName": FieldShape("SuppliedName", "string", 80),
                "SuppliedEmail": FieldShape("SuppliedEmail", "email", 80),
            },
        ),
    }
    made = compile_mapping(parse_mapping(default_mapping(), "m"), shape, MapSettings("005"))
    (customer, *_) = made.phases["conversations"].tables["Case"].parents
    assert customer.supplied == {
        "Lead": [("SuppliedName", "name", 80), ("SuppliedEmail", "email", 80)]
    }
    assert customer.wide == ["ContactId", "Kustomer_Lead__c", "SuppliedName", "SuppliedEmail"]
    record = person(displayName='Ada "A" Park', firstName=None, lastName=None)
    record["attributes"]["emails"] = [{"email": "ö@kaputt"}, {"email": "ada@example.test"}]
    del record["relationships"]["company"]
    given = [("name", 'Ada ""A"" Park'), ("email", "ada@example.test")]
    assert made.phases["customers"]([record], Lookups()).supplied == [(record["id"], dict(given))]
    record["relationships"]["company"] = {
        "data": {"type": "company", "id": "65bb00000000000000000001"}
    }
    assert made.phases["customers"]([record], Lookups()).supplied == [], "a Contact gives nothing"
    bare = compile_mapping(
        parse_mapping(default_mapping(), "m"), default_shape(), MapSettings("005")
    )
    (customer, *_) = bare.phases["conversations"].tables["Case"].parents
    assert customer.given == [], "fields that the org lacks are left out"


def test_what_a_parent_gives_goes_out_whole_or_not_at_all() -> None:
    parent = ParentField(
        "customer",
        ("customer",),
        {"Contact": "ContactId", "Lead": "Kustomer_Lead__c"},
        required=True,
        default=None,
        chain=False,
        supplied={"Lead": [("SuppliedName", "name", 5), ("SuppliedEmail", "email", 9)]},
    )
    targets = {"a": ("Lead", "00Q1"), "b": ("Lead", "00Q2"), "c": ("Contact", "0031")}
    given = {
        "a": {"name": 'a""bcd', "email": "a@b.test"},
        "b": {"name": "abcdef"},
        "c": {"name": "Ada"},
    }
    cells = ParentCells(parent, targets, given=given)
    assert cells.sent("a") == b',"","00Q1","a""bcd","a@b.test"'
    assert cells.sent("b") == b',"","00Q2","",""'
    assert cells.sent("c") == b',"0031","","",""', "a Contact's Cases carry nothing of it"
    assert cells.sent("d") == b',"","","",""'
    assert cells.unfit == {"b": ["SuppliedName"]}
