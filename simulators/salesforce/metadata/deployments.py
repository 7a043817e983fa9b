"""All deployments of the org: one runs at a time, the others wait (facts, 8.1)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.abc import TaskGroup

from simulators.salesforce.metadata.deploy import Outcome, run_deployment
from simulators.salesforce.org import Org


@dataclass
class Deployment:
    """One request to deploy. Moments are epoch seconds."""

    id: str
    content: bytes = field(repr=False)
    options: dict[str, Any]
    created: float
    status: str = "Pending"
    started: float | None = None
    completed: float | None = None
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def check_only(self) -> bool:
        """Whether nothing is to be saved."""
        return bool(self.options.get("checkOnly"))

    @property
    def done(self) -> bool:
        """Whether its state will not change any more."""
        return self.completed is not None


class Deployments:
    """Takes packages in and works on them in a task of `group`, which lives as long as the app."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._turn = anyio.Lock()
        self.group: TaskGroup | None = None
        self.all: dict[str, Deployment] = {}

    def begin(self, content: bytes, options: dict[str, Any]) -> Deployment:
        """Take a package in; the work goes on by itself."""
        made = Deployment(self._org.store.ids.new("0Af"), content, options, self._org.clock())
        self.all[made.id[:15]] = made
        assert self.group is not None
        self.group.start_soon(self._work, made)
        return made

    def begin_validated(self, deployment_id: str) -> Deployment | None:
        """Deploy what was checked and found well; None when there is no such check."""
        found = self.find(deployment_id)
        if found is None or not (found.check_only and found.status == "Succeeded"):
            return None
        return self.begin(found.content, {**found.options, "checkOnly": False})

    def find(self, deployment_id: str) -> Deployment | None:
        """A deployment by its id of 15 or 18 characters."""
        return self.all.get(deployment_id[:15])

    def cancel(self, deployment: Deployment) -> None:
        """Give one up that has not begun; one that runs goes on to its end."""
        if deployment.status == "Pending":
            deployment.status = "Canceled"
            deployment.completed = self._org.clock()

    async def _work(self, each: Deployment) -> None:
        async with self._turn:
            if each.done:
                return
            each.status, each.started = "InProgress", self._org.clock()
            await anyio.sleep(self._org.settings.deploy_delay_s)
            each.outcome = run_deployment(
                self._org,
                each.content,
                check_only=each.check_only,
                rollback=bool(each.options.get("rollbackOnError", True)),
            )
            each.completed = self._org.clock()
            each.status = self._end(each)

    @staticmethod
    def _end(each: Deployment) -> str:
        if each.outcome.success:
            return "Succeeded"
        some = len(each.outcome.results) > len(each.outcome.failures)
        partial = not each.options.get("rollbackOnError", True) and some
        return "SucceededPartial" if partial else "Failed"


def told(each: Deployment, *, details: bool) -> dict[str, Any]:
    """A deployment's result as the API tells it."""
    outcome = each.outcome
    bad = len(outcome.failures)
    body: dict[str, Any] = {
        "id": each.id,
        "success": each.done and outcome.success and each.status != "Canceled",
        "checkOnly": each.check_only,
        "ignoreWarnings": bool(each.options.get("ignoreWarnings")),
        "rollbackOnError": bool(each.options.get("rollbackOnError", True)),
        "status": each.status,
        "done": each.done,
        "runTestsEnabled": False,
        "numberComponentErrors": bad,
        "numberComponentsDeployed": len(outcome.results) - bad,
        "numberComponentsTotal": len(outcome.results),
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "createdDate": _moment(each.created),
        "startDate": _moment(each.started),
        "completedDate": _moment(each.completed),
        "stateDetail": None,
        "errorStatusCode": "UNKNOWN_EXCEPTION" if outcome.error else None,
        "errorMessage": outcome.error or None,
    }
    if details:
        body["details"] = {
            "componentSuccesses": [r.told() for r in outcome.results if not r.problem],
            "componentFailures": [r.told() for r in outcome.failures],
            "runTestResult": {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0},
        }
    return body


def _moment(at: float | None) -> str | None:
    if at is None:
        return None
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
