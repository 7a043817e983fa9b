"""What a person reads of a schema: the plan's lines, refusals with a next step, and the files."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.salesforce.deploy import ComponentResult, Deployment
from service.schema.explain import failures_of
from service.schema.files import write_files
from service.schema.shown import plan_lines
from tests.unit.transforms.schema_samples import BARE, complete, sample, with_field
from transforms.schema.org import OrgField
from transforms.schema.plan import make_plan

FAILED = Deployment("0Af1", "Failed", True, False, True, 2, 1, "", "", (), ())


@pytest.mark.parametrize(
    ("problem", "step"),
    [
        ("Cannot change the field type of Case.X__c", "another type"),
        ("You cannot deploy to a required field: Case.X__c", "leave it out of the permission set"),
        ("duplicate value found: DeveloperName duplicates value on record", "another name"),
        ("You have reached the maximum number of custom fields for Case (500)", "limit of the org"),
        ("insufficient access rights on cross-reference id", "Modify Metadata"),
        ("In field: field - no CustomField named Case.X__c found", "add it to `create`"),
        (
            "referenceTo value of 'X__c' does not resolve to a valid sObject type",
            "add it to `create`",
        ),
        ("Something nobody has seen yet", "schema/deploy"),
        ("Picklist value: a is not valid", "values in the map"),
    ],
)
def test_a_refused_component_comes_with_a_next_step(problem: str, step: str) -> None:
    refused = ComponentResult("CustomField", "Case.X__c", "objects/Case.object", problem)
    warned = replace(refused, name="Case.Y__c", warning=True)
    (failure,) = failures_of(replace(FAILED, failures=(refused, refused, warned)))
    assert (failure.component, failure.name) == ("CustomField", "Case.X__c")
    assert step in failure.next_step


def test_a_problem_shows_no_address_and_a_failure_without_components_is_said() -> None:
    refused = ComponentResult("Queue", "Q", "", "no User named agent@acme.example found")
    (failure,) = failures_of(replace(FAILED, failures=(refused,)))
    assert "agent" not in failure.why
    (whole,) = failures_of(replace(FAILED, error_message="No package.xml found"))
    assert (whole.component, whole.why) == ("deployment", "No package.xml found")
    (silent,) = failures_of(replace(FAILED, status="Canceled"))
    assert silent.why == "It ended as Canceled."


def test_the_lines_of_a_plan_go_by_object_and_say_what_changes() -> None:
    lines = plan_lines(make_plan(sample(), BARE))
    assert [name for name, *_ in lines] == sorted([n for n, *_ in lines], key=["Order__c", "Item__c",
        "Case"].index)  # fmt: skip
    assert ("Order__c", "+", "(the object)", "Order / Orders") in lines
    assert ("Case", "+", "Kustomer_Id__c", "Text(24), unique, external id") in lines
    assert ("Case", "+", "Kustomer_Size__c", "Number(8, 2)") in lines
    assert ("Item__c", "+", "Order__c", "MasterDetail to Order__c") in lines
    status = "+ Open, Done (value set CaseStatus; all others stay); closes: Done"
    assert ("Case", "~", "Status", status) in lines


def test_a_field_that_is_only_opened_is_told_as_that() -> None:
    needed = sample()
    closed = OrgField("Kustomer_Raw__c", "textarea", length=5_000, createable=False)
    plan = make_plan(needed, with_field(complete(needed), closed.name, closed))
    assert plan_lines(plan) == [("Case", "~", "Kustomer_Raw__c", "opened to the running user")]


def test_files_of_an_earlier_plan_go_and_what_else_is_there_stays(tmp_path: Path) -> None:
    home = write_files(tmp_path, {"deploy": {"a/b.xml": "1", "c.xml": "2"}, "source": {"d": "3"}})
    (home / ".git").mkdir()
    write_files(tmp_path, {"deploy": {"c.xml": "4"}, "source": {}})
    assert sorted(str(each.relative_to(home)) for each in home.rglob("*")) == [
        ".git",
        "deploy",
        "deploy/c.xml",
    ]
    assert (home / "deploy/c.xml").read_text() == "4"
    assert (home / "deploy/c.xml").stat().st_mode & 0o777 == 0o600
    assert (home / "deploy").stat().st_mode & 0o777 == 0o700
