"""A deployment as Salesforce tells of it (salesforce facts, 8.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import BadReply

ENDED: Final = frozenset(
    {"Succeeded", "SucceededPartial", "Failed", "Canceled", "FinalizingDeployFailed"}
)


@dataclass(frozen=True)
class ComponentResult:
    """What became of one component: a field, an object, a value set, a permission set.

    `problem` is Salesforce's own sentence, empty where all went well. `warning`: it did not stop the
    deployment. `created` and `changed` tell what it did, or in a check would do.
    """

    type: str
    name: str
    file: str
    problem: str = ""
    warning: bool = False
    created: bool = False
    changed: bool = False


@dataclass(frozen=True)
class Deployment:
    """One deployment. `done` says that nothing changes any more, `success` that all of it is in.

    With `rollbackOnError`, which we always ask for, one that has no success has changed nothing.
    `failures` and `successes` are complete once it is done.
    """

    id: str
    status: str
    done: bool
    success: bool
    check_only: bool
    total: int
    deployed: int
    error_code: str
    error_message: str
    failures: tuple[ComponentResult, ...]
    successes: tuple[ComponentResult, ...]


def read_deployment(said: Any) -> Deployment:
    """Read the answer about a deployment; raises `BadReply` when it is none."""
    result = said.get("deployResult") if isinstance(said, dict) else None
    if not isinstance(result, dict):
        raise BadReply("The answer about a deployment is not what Salesforce promises.")
    name, status = said.get("id") or result.get("id"), result.get("status")
    if not (isinstance(name, str) and name.isalnum() and isinstance(status, str)):
        raise BadReply("The answer about a deployment lacks its id or its status.")
    details = result.get("details")
    details = details if isinstance(details, dict) else {}
    return Deployment(
        id=name,
        status=status,
        done=bool(result.get("done")) or status in ENDED,
        success=result.get("success") is True and status == "Succeeded",
        check_only=bool(result.get("checkOnly")),
        total=_count(result.get("numberComponentsTotal")),
        deployed=_count(result.get("numberComponentsDeployed")),
        error_code=str(result.get("errorStatusCode") or ""),
        error_message=str(result.get("errorMessage") or ""),
        failures=_components(details.get("componentFailures")),
        successes=_components(details.get("componentSuccesses")),
    )


def _components(said: Any) -> tuple[ComponentResult, ...]:
    listed = said if isinstance(said, list) else [said] if isinstance(said, dict) else []
    return tuple(_component(each) for each in listed if isinstance(each, dict))


def _component(said: dict[str, Any]) -> ComponentResult:
    return ComponentResult(
        type=str(said.get("componentType") or ""),
        name=str(said.get("fullName") or ""),
        file=str(said.get("fileName") or ""),
        problem=str(said.get("problem") or ""),
        warning=said.get("problemType") == "Warning",
        created=said.get("created") in (True, "true"),
        changed=said.get("changed") in (True, "true"),
    )


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
