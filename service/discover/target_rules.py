"""What fires by itself in Salesforce when rows come: flows, triggers, rules, as far as queries tell.

Names of flows and rules are told, since they are needed to find them; formulas and messages are not read.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from connectors.errors import BadRequest, NotFound, RoleMissing
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.soql import literal
from service.discover.facts import TargetRuleFacts

Row = dict[str, Any]
_Query = Callable[[str], AsyncIterator[list[Row]]]
_Look = tuple[str, _Query, str, Callable[[Row], TargetRuleFacts | None]]

# A permission that is missing, or an object that this edition does not have, hinders nothing else.
UNABLE = (BadRequest, NotFound, RoleMissing)
_FLOWS = (
    "SELECT ApiName, ProcessType, TriggerType, RecordTriggerType, TriggerObjectOrEventId, "
    "TriggerObjectOrEventLabel, ActiveVersionId FROM FlowDefinitionView"
)
_TRIGGERS = "SELECT Name, TableEnumOrId, UsageBeforeInsert, UsageAfterInsert FROM ApexTrigger"
_OWNER = "EntityDefinition.QualifiedApiName"
_VALIDATIONS = "SELECT ValidationName, EntityDefinition.QualifiedApiName FROM ValidationRule"
_WORKFLOWS = "SELECT Name, TableEnumOrId FROM WorkflowRule"
_TRIGGERED = "('RecordBeforeSave','RecordAfterSave','RecordBeforeDelete')"
_ON_INSERT = frozenset({"Create", "CreateAndUpdate"})


async def read_rules(
    salesforce: SalesforceClient, objects: list[str]
) -> tuple[list[TargetRuleFacts], list[str]]:
    """List what may fire on rows of `objects`, one query for each kind; and what cannot be listed."""
    found: list[TargetRuleFacts] = []
    gaps: list[str] = []
    for what, query, soql, read in _looks(salesforce, objects):
        try:
            rows = [row async for row in rows_of(query(soql))]
        except UNABLE as error:
            gaps.append(f"Active {what} of Salesforce cannot be listed: {error.message}")
            continue
        found += [each for each in map(read, rows) if each is not None]
    return found, gaps


def _looks(salesforce: SalesforceClient, objects: list[str]) -> tuple[_Look, ...]:
    """What is asked, which API is asked for it, and how a row is read (salesforce facts, 9.2)."""
    listed = ",".join(literal(each) for each in objects)
    data, tooling = salesforce.query, salesforce.tooling
    return (
        (
            "flows",
            data,
            f"{_FLOWS} WHERE TriggerType IN {_TRIGGERED}",
            lambda row: _flow(row, objects),
        ),
        (
            "processes",
            data,
            f"{_FLOWS} WHERE ProcessType = 'Workflow'",
            _process,
        ),
        (
            "triggers",
            tooling,
            f"{_TRIGGERS} WHERE TableEnumOrId IN ({listed}) AND Status = 'Active'",
            _trigger,
        ),
        (
            "validation rules",
            tooling,
            f"{_VALIDATIONS} WHERE Active = true AND {_OWNER} IN ({listed})",
            _validation,
        ),
        (
            "workflow rules",
            tooling,
            f"{_WORKFLOWS} WHERE TableEnumOrId IN ({listed})",
            _workflow,
        ),
        (
            "duplicate rules",
            data,
            "SELECT DeveloperName, SobjectType FROM DuplicateRule WHERE IsActive = true",
            lambda row: _duplicate(row, objects),
        ),
        (
            "assignment rules",
            data,
            "SELECT Name, SobjectType FROM AssignmentRule WHERE Active = true",
            _assignment,
        ),
    )


async def rows_of(pages: AsyncIterator[list[Row]]) -> AsyncIterator[Row]:
    """The rows of a query, page after page."""
    async for page in pages:
        for row in page:
            yield row


def _flow(row: Row, objects: list[str]) -> TargetRuleFacts | None:
    """A record-triggered flow with an active version; `IsActive` speaks of the latest one alone."""
    if row.get("ActiveVersionId") is None:
        return None
    names = {_folded(row.get(f"TriggerObjectOrEvent{each}")) for each in ("Id", "Label")}
    target = next((each for each in objects if _folded(each) in names), None)
    moment = str(row.get("TriggerType") or "")
    inserts = str(row.get("RecordTriggerType") or "Create") in _ON_INSERT
    fires = target is not None and moment != "RecordBeforeDelete" and inserts
    why = f"{moment}, on {row.get('RecordTriggerType') or 'creation'}"
    shown = target or str(row.get("TriggerObjectOrEventLabel") or "unknown")
    return _rule("flow", row.get("ApiName"), shown, fires, why)


def _process(row: Row) -> TargetRuleFacts | None:
    if row.get("ActiveVersionId") is None:
        return None
    why = "a process of the Process Builder; queries do not tell its object"
    return _rule("process", row.get("ApiName"), "unknown", None, why)


def _trigger(row: Row) -> TargetRuleFacts:
    fires = bool(row.get("UsageBeforeInsert") or row.get("UsageAfterInsert"))
    why = "runs on insert" if fires else "does not run on insert"
    return _rule("trigger", row.get("Name"), row.get("TableEnumOrId"), fires, why)


def _validation(row: Row) -> TargetRuleFacts:
    owner = (row.get("EntityDefinition") or {}).get("QualifiedApiName")
    return _rule("validation rule", row.get("ValidationName"), owner, True, "refuses rows it names")


def _workflow(row: Row) -> TargetRuleFacts:
    why = "a query does not tell whether it is active"
    return _rule("workflow rule", row.get("Name"), row.get("TableEnumOrId"), None, why)


def _duplicate(row: Row, objects: list[str]) -> TargetRuleFacts:
    target = str(row.get("SobjectType"))
    why = "blocks rows by its action, which no query tells"
    return _rule("duplicate rule", row.get("DeveloperName"), target, target in objects, why)


def _assignment(row: Row) -> TargetRuleFacts:
    why = "bulk jobs do not run it unless they name it"
    return _rule("assignment rule", row.get("Name"), row.get("SobjectType"), False, why)


def _rule(kind: str, name: Any, target: Any, fires: bool | None, why: str) -> TargetRuleFacts:
    return TargetRuleFacts(kind=kind, name=str(name), object=str(target), fires=fires, why=why)


def _folded(name: Any) -> str:
    return str(name or "").replace(" ", "").lower()
