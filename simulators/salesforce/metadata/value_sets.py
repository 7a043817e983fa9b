"""The values of standard picklists: a deployment replaces all of them (facts, 8.2)."""

from dataclasses import replace

from simulators.salesforce.metadata.archive import Element, children, flag, text
from simulators.salesforce.metadata.stage import Problem, Result, Stage

# Which fields a set stands behind, and how many values it may have.
SETS: dict[str, tuple[tuple[str, ...], int]] = {
    "CaseStatus": (("Case.Status",), 100),
    "CasePriority": (("Case.Priority",), 50),
    "CaseOrigin": (("Case.Origin",), 100),
    "CaseReason": (("Case.Reason",), 100),
    "CaseType": (("Case.Type",), 100),
    "LeadStatus": (("Lead.Status",), 200),
    "LeadSource": (("Lead.LeadSource", "Contact.LeadSource"), 200),
    "AccountType": (("Account.Type",), 200),
    "Industry": (("Account.Industry",), 200),
    "TaskStatus": (("Task.Status",), 100),
    "TaskPriority": (("Task.Priority",), 50),
}
_CLOSABLE = frozenset({"CaseStatus", "TaskStatus"})


def put_value_set(stage: Stage, name: str, root: Element, result: Result) -> None:
    """Replace the values of a set. Raises `Problem`."""
    if name not in SETS:
        raise Problem(f"StandardValueSet named '{name}' cannot be found")
    fields, most = SETS[name]
    given = children(root, "standardValue")
    entries = [each for each in given if flag(each, "isActive", default=True)]
    kept = [text(each, "fullName") for each in given if each not in entries]
    values = [text(each, "fullName") for each in entries]
    if not values or len(values) > most or not all(0 < len(value) <= 255 for value in values):
        raise Problem(f"A {name} has between 1 and {most} values of at most 255 characters")
    if len({value.lower() for value in values}) != len(values):
        raise Problem("A value is given more than once")
    if any(not text(each, "label") for each in entries):
        raise Problem("Required field is missing: label")
    closed = [text(each, "fullName") for each in entries if flag(each, "closed")]
    if name == "CaseStatus" and not (closed and len(closed) < len(values)):
        raise Problem("There must be at least one open and one closed status")
    for field in fields:
        owner, _, column = field.partition(".")
        known = stage.objects[owner].known
        old = known[column]
        unused = dict.fromkeys((*old.values, *old.unused, *kept))
        gone = tuple(value for value in unused if value not in values)
        known[column] = replace(old, values=tuple(values), unused=gone)
        result.changed = result.changed or known[column] != old
    if name == "CaseStatus":
        default = next((text(e, "fullName") for e in entries if flag(e, "default")), "New")
        stage.later.append(lambda: _keep_statuses(stage, values, closed, default))


def value_set(stage: Stage, name: str) -> list[dict[str, str]]:
    """The values of a set as its metadata tells them, inactive ones too."""
    owner, _, column = SETS[name][0][0].partition(".")
    known = stage.objects[owner].known[column]
    statuses = stage.org.store.shelf("CaseStatus").records.values()
    closed = {each["ApiName"] for each in statuses if each["IsClosed"]}
    told = []
    for value in (*known.values, *known.unused):
        entry = {"fullName": value, "default": "false", "label": value}
        if name in _CLOSABLE:
            entry["closed"] = "true" if name == "CaseStatus" and value in closed else "false"
        if value in known.unused:
            entry["isActive"] = "false"
        told.append(entry)
    return told


def _keep_statuses(stage: Stage, values: list[str], closed: list[str], default: str) -> None:
    store = stage.org.store
    rows = {each["ApiName"]: each["Id"] for each in store.shelf("CaseStatus").records.values()}
    for number, value in enumerate(values, 1):
        facts = {
            "MasterLabel": value,
            "ApiName": value,
            "IsClosed": value in closed,
            "IsDefault": value == default,
            "SortOrder": number,
        }
        if value in rows:
            store.touch("CaseStatus", rows.pop(value), facts)
        else:
            store.seed("CaseStatus", facts)
    shelf = store.shelf("CaseStatus")
    for row in rows.values():
        shelf.drop(shelf.records[row])
