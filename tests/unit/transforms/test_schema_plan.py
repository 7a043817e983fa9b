"""What a map needs, and the plan that comes of it for one org or another."""

from dataclasses import replace

import pytest

from tests.unit.transforms.schema_samples import (
    BARE,
    TEXT,
    complete,
    sample,
    sample_map,
    with_field,
)
from transforms.errors import MappingInvalid
from transforms.schema.needed import needed_by
from transforms.schema.org import Org, OrgField, OrgObject
from transforms.schema.plan import make_plan, whole_plan


def impossible(org: Org, text: str = TEXT) -> list[tuple[str, str]]:
    return [(each.place, each.why) for each in make_plan(sample(text), org).impossible]


def test_what_moves_is_needed_and_what_is_left_out_is_not() -> None:
    needed = sample()
    assert list(needed) == ["Case", "Order__c", "Item__c"]
    case = needed["Case"]
    assert case.filled == {
        "Kustomer_Id__c", "Subject", "Kustomer_Raw__c", "Status", "Kustomer_Lead__c",
        "Kustomer_Mood__c", "Kustomer_Size__c",
    }  # fmt: skip
    assert case.values == {"Status": ("Open", "Done")}
    assert case.fields["Kustomer_Lead__c"].relationship == "Kustomer_Lead_Case"
    assert case.fields["Kustomer_Id__c"].label == "Kustomer Id"
    assert (needed["Order__c"].made, case.made) == (True, False)


def test_one_field_made_in_two_ways_is_a_fault() -> None:
    text = TEXT.replace("left-out", "more").replace("move: false", "move: true")
    text = text.replace("Claim__c:", "Order__c:").replace(
        "        fields: {Name:",
        "        create: {Kustomer_Id__c: {type: Text, length: 18}}\n"
        "        fields: {Kustomer_Id__c: {source: id}, Name:",
    )
    with pytest.raises(MappingInvalid, match=r"Order__c.Kustomer_Id__c is made in another way"):
        needed_by(sample_map(text))


def test_a_bare_org_lacks_all_of_it() -> None:
    plan = make_plan(sample(), BARE)
    assert plan.impossible == ()
    assert [each.name for each in plan.objects] == ["Order__c", "Item__c"]
    assert len(plan.fields) == 9
    (values,) = plan.values
    assert (values.value_set, values.values, values.closed) == (
        "CaseStatus",
        ("Open", "Done"),
        ("Done",),
    )
    assert "Item__c.Order__c" not in plan.grants
    assert "Case.Subject" not in plan.grants
    assert "Case.Kustomer_Lead__c" in plan.grants
    assert [(each.name, each.detail) for each in plan.open_objects] == [
        ("Order__c", False),
        ("Item__c", True),
    ]
    assert plan.read_objects == ("Case", "Account", "Contact")
    assert not plan.empty


def test_an_org_that_has_all_of_it_lacks_nothing() -> None:
    needed = sample()
    org = complete(needed)
    plan = make_plan(needed, org)
    assert (plan.impossible, plan.empty, plan.there) == ((), True, 9)
    whole = whole_plan(plan, needed, org)
    assert (len(whole.objects), len(whole.fields), len(whole.values)) == (2, 9, 1)


@pytest.mark.parametrize(
    ("field", "what"),
    [
        (
            OrgField("Kustomer_Id__c", "string", length=18),
            ("longer: 18 to 24 characters", "unique"),
        ),
        (OrgField("Kustomer_Raw__c", "textarea", length=1_000), ("longer: 1,000 to 5,000",)),
        (OrgField("Kustomer_Size__c", "double", digits=8, scale=0), ("more digits: 8 before",)),
    ],
)
def test_a_field_that_is_too_small_grows(field: OrgField, what: tuple[str, ...]) -> None:
    needed = sample()
    (change,) = make_plan(needed, with_field(complete(needed), field.name, field)).changes
    assert change.wanted.name == field.name
    for each, begin in zip(change.what, what, strict=False):
        assert each.startswith(begin)
    assert change.wanted.length >= field.length
    assert change.wanted.digits >= field.digits


def test_a_field_that_is_larger_is_left_alone() -> None:
    needed = sample()
    large = OrgField("Kustomer_Raw__c", "textarea", length=131_072)
    assert make_plan(needed, with_field(complete(needed), large.name, large)).empty


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (OrgField("Kustomer_Id__c", "double"), "It is there as double; the map needs Text."),
        (OrgField("Kustomer_Raw__c", "textarea", length=255), "as a text area of 255"),
        (
            OrgField("Kustomer_Lead__c", "reference", reference_to=("Contact",)),
            "It refers to Contact; the map needs Lead.",
        ),
    ],
)
def test_a_field_of_another_kind_is_impossible(field: OrgField, why: str) -> None:
    ((place, said),) = impossible(with_field(complete(sample()), field.name, field))
    assert place == f"Case.{field.name}"
    assert why in said


def test_a_hidden_field_is_opened_and_not_made_again() -> None:
    needed = sample()
    org = complete(needed)
    hidden = org.objects["Case"].fields["Kustomer_Raw__c"]
    org = with_field(org, "Kustomer_Raw__c", None)
    plan = make_plan(needed, replace(org, hidden={"Case.Kustomer_Raw__c": hidden}))
    assert (plan.fields, plan.new_access) == ((), ("Case.Kustomer_Raw__c",))
    shorter = replace(hidden, length=300)
    plan = make_plan(needed, replace(org, hidden={"Case.Kustomer_Raw__c": shorter}))
    assert [each.wanted.name for each in plan.changes] == ["Kustomer_Raw__c"]
    other = replace(hidden, type="string")
    assert impossible(replace(org, hidden={"Case.Kustomer_Raw__c": other}))


def test_a_field_that_cannot_be_written_is_opened_or_impossible() -> None:
    needed = sample()
    org = complete(needed)
    closed = replace(org.objects["Case"].fields["Kustomer_Raw__c"], createable=False)
    plan = make_plan(needed, with_field(org, "Kustomer_Raw__c", closed))
    assert plan.new_access == ("Case.Kustomer_Raw__c",)
    subject = replace(org.objects["Case"].fields["Subject"], createable=False)
    assert impossible(with_field(org, "Subject", subject)) == [
        ("Case.Subject", "It cannot be written.")
    ]
    assert impossible(with_field(org, "Subject", None)) == [
        ("Case.Subject", "The running user does not see it.")
    ]


def test_a_custom_field_that_nobody_makes_is_impossible_unless_it_is_there() -> None:
    text = TEXT.replace("Subject:", "Theirs__c: {source: attributes.x}\n          Subject:")
    org = complete(sample())
    ((place, why),) = impossible(org, text)
    assert (place, "does not make it" in why) == ("Case.Theirs__c", True)
    hidden = replace(org, hidden={"Case.Theirs__c": OrgField("Theirs__c", "string")})
    plan = make_plan(sample(text), hidden)
    assert plan.new_access == ("Case.Theirs__c",)
    assert "Case.Theirs__c" in plan.grants


def test_values_that_are_lacking_are_added_and_record_types_admit_them() -> None:
    needed = sample()
    org = complete(needed)
    mood = replace(org.objects["Case"].fields["Kustomer_Mood__c"], values=("good",))
    org = with_field(org, "Kustomer_Mood__c", mood)
    case = replace(org.objects["Case"], record_types=("Support",))
    plan = make_plan(needed, replace(org, objects={**org.objects, "Case": case}))
    (new,) = plan.values
    assert (new.value_set, new.values) == (None, ("bad & ugly",))
    assert [(e.field, e.values, e.record_types) for e in plan.admitted] == [
        ("Kustomer_Mood__c", ("bad & ugly",), ("Support",))
    ]
    fresh = replace(
        BARE, objects={"Case": replace(BARE.objects["Case"], record_types=("Support",))}
    )
    assert {each.field for each in make_plan(needed, fresh).admitted} == {
        "Kustomer_Mood__c",
        "Status",
    }


def test_a_value_that_differs_in_letter_case_or_closes_nothing_is_impossible() -> None:
    org = complete(sample())
    status = replace(org.objects["Case"].fields["Status"], values=("New", "open", "Done"))
    said = impossible(with_field(org, "Status", status))
    assert [why for _, why in said] == [
        "It has the value open, which differs from Open in letter case."
    ]
    open_done = replace(org, open_values={"CaseStatus": frozenset({"Done", "New"})})
    assert impossible(open_done) == [
        ("Case.Status", "The value Done is there and closes nothing; the map closes records by it.")
    ]


def test_an_object_that_is_not_there_or_takes_no_records_is_impossible() -> None:
    assert impossible(Org("Enterprise Edition", {}))[0][0] == "Case"
    org = complete(sample())
    closed = replace(org.objects["Case"], createable=False)
    said = impossible(replace(org, objects={**org.objects, "Case": closed}))
    assert said == [("Case", "The running user may not make records of it.")]
    order = replace(org.objects["Order__c"], createable=False)
    plan = make_plan(sample(), replace(org, objects={**org.objects, "Order__c": order}))
    assert plan.new_access == ("Order__c",)


def more_fields(count: int, form: str) -> str:
    """The map with so many more fields on Case."""
    names = [f"More{number}__c" for number in range(count)]
    create = "".join(f"          {name}: {form}\n" for name in names)
    fill = "".join(f"          {name}: {{source: attributes.x}}\n" for name in names)
    text = TEXT.replace("        create:\n", f"        create:\n{create}", 1)
    return text.replace("        fields:\n", f"        fields:\n{fill}", 1)


@pytest.mark.parametrize(
    ("count", "form", "edition", "why"),
    [
        (96, "{type: Checkbox}", "Professional Edition", "101 custom fields; 100 are allowed"),
        (495, "{type: Checkbox}", "Enterprise Edition", ""),
        (496, "{type: Checkbox}", "Enterprise Edition", "501 custom fields; 500 are allowed"),
        (896, "{type: Checkbox}", "Unheard-of Edition", "901 custom fields; 900 are allowed"),
        (25, "{type: Email, external_id: true}", "Unlimited Edition", "26 external ids; 25"),
        (40, "{type: Lookup, reference_to: Case}", "Unlimited Edition", "41 relationships; 40"),
        (13, "{type: LongTextArea, length: 131072}", "Unlimited Edition", "1,708,936 characters"),
    ],
)
def test_limits_are_checked_before(count: int, form: str, edition: str, why: str) -> None:
    said = impossible(replace(BARE, edition=edition), more_fields(count, form))
    assert len(said) == (1 if why else 0)
    if why:
        assert said[0][0] == "Case"
        assert why in said[0][1]


def test_fields_that_are_there_count_and_so_do_custom_objects() -> None:
    own = {f"X{number}__c": OrgField(f"X{number}__c", "string") for number in range(495)}
    case = OrgObject("Case", {**BARE.objects["Case"].fields, **own})
    org = replace(BARE, objects={"Case": case})
    assert impossible(org) == []
    hidden = replace(org, hidden={"Case.Y__c": OrgField("Y__c", "string")})
    assert "501 custom fields" in impossible(hidden)[0][1]
    objects = frozenset(f"O{number}__c" for number in range(199))
    assert "201 custom objects" in impossible(replace(BARE, custom_objects=objects))[0][1]


def test_too_many_statuses_and_values_that_no_file_holds_are_impossible() -> None:
    full = replace(BARE.objects["Case"].fields["Status"], values=tuple(f"S{n}" for n in range(99)))
    ((place, why),) = impossible(with_field(BARE, "Status", full))
    assert (place, "101 values; 100" in why) == ("CaseStatus", True)
    odd = TEXT.replace("[good, bad & ugly]", '["good", "b\\x01d"]')
    assert impossible(BARE, odd)[0] == (
        "Case.Kustomer_Mood__c",
        "A value holds control characters, which no source file can hold.",
    )


def test_an_object_has_two_masters_at_most() -> None:
    third = "Third__c: {type: MasterDetail, reference_to: Lead}"
    text = TEXT.replace("          Case__c: {type", f"          {third}\n          Case__c: {{type")
    text = text.replace("          case: {source", "          third: {source: id, kinds: user, "
                        "columns: {User: Third__c}}\n          case: {source")  # fmt: skip
    assert "3 master-detail relationships; 2" in impossible(BARE, text)[0][1]
