"""What fires in Salesforce, as rows of queries tell it; and what a refusal leaves."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import BadRequest
from service.discover.facts import TargetRuleFacts
from service.discover.target_rules import read_rules

FLOW = {
    "ApiName": "F",
    "ProcessType": "AutoLaunchedFlow",
    "TriggerType": "RecordAfterSave",
    "RecordTriggerType": "Create",
    "TriggerObjectOrEventId": "",
    "TriggerObjectOrEventLabel": "Case",
    "ActiveVersionId": "301",
}


async def rules_of(
    **answers: list[dict[str, Any]] | Exception,
) -> tuple[list[TargetRuleFacts], Any]:
    async def ask(soql: str) -> AsyncIterator[list[dict[str, Any]]]:
        name = soql.partition(" FROM ")[2].split()[0]
        key = "Process" if "'Workflow'" in soql else name
        answer = answers.get(key, [])
        if isinstance(answer, Exception):
            raise answer
        yield answer

    client = SimpleNamespace(query=ask, tooling=ask)
    return await read_rules(client, ["Case", "EmailMessage"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "fires"),
    [
        ({}, True),
        ({"RecordTriggerType": "CreateAndUpdate"}, True),
        ({"RecordTriggerType": "Update"}, False),
        ({"TriggerType": "RecordBeforeDelete"}, False),
        ({"TriggerObjectOrEventLabel": "Email Message"}, True),
        ({"TriggerObjectOrEventLabel": "Opportunity"}, False),
        ({"TriggerObjectOrEventId": "Case", "TriggerObjectOrEventLabel": "Fall"}, True),
    ],
)
async def test_a_flow_fires_on_what_is_loaded_and_only_there(
    changed: dict[str, str], fires: bool
) -> None:
    (rule,), gaps = await rules_of(FlowDefinitionView=[{**FLOW, **changed}])
    assert (rule.fires, gaps) == (fires, [])


async def test_a_flow_without_an_active_version_is_left_out() -> None:
    assert await rules_of(FlowDefinitionView=[{**FLOW, "ActiveVersionId": None}]) == ([], [])


async def test_what_no_query_tells_is_said_to_be_unknown() -> None:
    rules, _ = await rules_of(
        Process=[{**FLOW, "ProcessType": "Workflow"}],
        WorkflowRule=[{"Name": "W", "TableEnumOrId": "Case"}],
    )
    assert [each.fires for each in rules] == [None, None]


async def test_an_assignment_rule_does_not_run_on_bulk_jobs() -> None:
    rules, _ = await rules_of(AssignmentRule=[{"Name": "A", "SobjectType": "Case"}])
    assert [each.fires for each in rules] == [False]


async def test_a_query_that_is_refused_is_a_gap_and_the_others_are_told() -> None:
    rules, gaps = await rules_of(
        ValidationRule=BadRequest("No Tooling."), FlowDefinitionView=[FLOW]
    )
    assert [each.name for each in rules] == ["F"]
    assert gaps == ["Active validation rules of Salesforce cannot be listed: No Tooling."]
