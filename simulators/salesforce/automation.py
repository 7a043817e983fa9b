"""What fires by itself in an org, as its queries list it (facts, 9.2). The stand-in lists it and runs
none of it: rows that an own rule refuses are asked for through the side-door.
"""

from typing import Any

from simulators.salesforce.store import Store

_FLOWS = (
    # name, object, trigger type, record trigger, active version, latest version is the active one
    ("Case_Tell_Owner", "Case", "RecordAfterSave", "CreateAndUpdate", True, True),
    ("Case_Set_Region", "Case", "RecordBeforeSave", "Create", True, False),
    ("Contact_Welcome", "Contact", "RecordAfterSave", "Create", True, True),
    ("Lead_Score", "Lead", "RecordAfterSave", "Create", False, False),
    ("Opportunity_Close", "Opportunity", "RecordAfterSave", "Update", True, True),
)
_TRIGGERS = (
    ("CaseTrigger", "Case", "Active"),
    ("AccountTrigger", "Account", "Active"),
    ("OldCaseTrigger", "Case", "Inactive"),
)
_RULES = (
    ("Case_Needs_Contact", "Case", True),
    ("Case_Subject_Length", "Case", True),
    ("Case_Old", "Case", False),
    ("Contact_Needs_Phone", "Contact", True),
)
_DUPLICATES = (("Standard_Contact", "Contact", True), ("Standard_Lead", "Lead", False))
_MATCHING = (("Standard_Contact_Match", "Contact", "Active"),)
_ASSIGNMENT = (("Case routing", "Case", True), ("Lead routing", "Lead", False))


def seed_automation(store: Store) -> None:
    """Put everything in."""
    for name, target, trigger, record, active, latest in _FLOWS:
        version = store.ids.new("301") if active else None
        flow: dict[str, Any] = {
            "ApiName": name,
            "Label": name.replace("_", " "),
            "ProcessType": "AutoLaunchedFlow",
            "TriggerType": trigger,
            "RecordTriggerType": record,
            "TriggerObjectOrEventId": target,
            "TriggerObjectOrEventLabel": target,
            "ActiveVersionId": version,
            "IsActive": active and latest,
        }
        store.seed("FlowDefinitionView", flow)
    for name, target, status in _TRIGGERS:
        usage = {"UsageBeforeInsert": True, "UsageAfterInsert": False, "UsageBeforeUpdate": True}
        store.seed(
            "ApexTrigger", {"Name": name, "TableEnumOrId": target, "Status": status, **usage}
        )
    entities = {
        name: store.seed("EntityDefinition", {"QualifiedApiName": name}) for name in _OWNERS
    }
    for name, target, rule_active in _RULES:
        rule = {
            "ValidationName": name,
            "Active": rule_active,
            "EntityDefinitionId": entities[target],
        }
        store.seed("ValidationRule", rule)
    store.seed("WorkflowRule", {"Name": "Case reminder", "TableEnumOrId": "Case"})
    for name, target, is_active in _DUPLICATES:
        duplicate = {"DeveloperName": name, "SobjectType": target, "IsActive": is_active}
        store.seed("DuplicateRule", duplicate)
    for name, target, status in _MATCHING:
        matching = {"DeveloperName": name, "SobjectType": target, "RuleStatus": status}
        store.seed("MatchingRule", matching)
    for name, target, is_active in _ASSIGNMENT:
        store.seed("AssignmentRule", {"Name": name, "SobjectType": target, "Active": is_active})


_OWNERS = sorted({target for _, target, _ in _RULES})
