"""Salesforce's words about a component that failed, with what to do (salesforce facts, 8)."""

import re
from dataclasses import dataclass

from connectors.redact import safe_text
from connectors.salesforce.deploy import ComponentResult, Deployment

_STEPS: tuple[tuple[str, str], ...] = (
    (
        r"required field",
        "It is required in the org, so that everyone may set it: leave it out of the permission set.",
    ),
    (
        r"cannot (change|convert|alter)|field type|datatype",
        (
            "A field of this name is there with another type, perhaps hidden from the running user. "
            "Give ours another name in the map, or change or remove the one in the org."
        ),
    ),
    (
        r"duplicate|already (exists|in use|used)",
        "Something else in the org has this name: give ours another name in the map.",
    ),
    (
        r"limit|maximum|exceed|too many|more than",
        "A limit of the org is reached: leave fields out of the map, or remove what nobody uses.",
    ),
    (
        r"insufficient|access|not enabled|permission|privilege",
        (
            "Grant the running user Modify Metadata Through Metadata API Functions, and enable "
            "the feature that is named."
        ),
    ),
    (
        r"no custom(field|object)|not found|does not (exist|resolve)|invalid (field|object)|unknown",
        (
            "The map fills something that the org does not have and the map does not make: correct its "
            "name, or add it to `create`."
        ),
    ),
    (
        r"picklist",
        "Correct the values in the map: each at most 255 characters, none twice.",
    ),
)
_OTHER = (
    "Correct the map by what Salesforce says; schema/deploy in the workspace holds what was sent."
)


@dataclass(frozen=True)
class Failure:
    """A component that Salesforce refused: its type and name, its words made safe, and the next step."""

    component: str
    name: str
    why: str
    next_step: str


def failures_of(deployment: Deployment) -> list[Failure]:
    """Say why a deployment failed, each component once; without any, what is said of the whole."""
    found = [_failure(each) for each in deployment.failures if not each.warning]
    if not found:
        why = safe_text(deployment.error_message) or f"It ended as {deployment.status}."
        found = [Failure("deployment", deployment.id, why, _step(deployment.error_message))]
    return list(dict.fromkeys(found))


def _failure(result: ComponentResult) -> Failure:
    name = result.name or result.file
    why = safe_text(result.problem) or "No reason is told."
    return Failure(result.type or "component", name, why, _step(result.problem))


def _step(problem: str) -> str:
    for pattern, step in _STEPS:
        if re.search(pattern, problem, re.IGNORECASE):
            return step
    return _OTHER
