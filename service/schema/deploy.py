"""Deploys a plan: a check that changes nothing, then the deployment, access, and the proof."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from connectors.clock import Clock
from connectors.errors import BadRequest, OutcomeUnknown
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.deploy import Access, Deployment, Deployments, package
from service.config import Config
from service.errors import DONE, REMOTE
from service.schema.errors import SchemaImpossible, SchemaNotVisible
from service.schema.explain import Failure, failures_of
from service.schema.made import note_made, remember_made
from service.schema.plan import PlannedSchema, plan_schema
from service.schema.reading import read_org
from state.ledger import Ledger
from transforms.schema.needed import PERMISSION_SET
from transforms.schema.plan import SchemaPlan, make_plan

# How long a describe may lag behind a deployment; facts speak of seconds.
PROOF_S = 180.0
_FIRST_S, _CAP_S, _GROWTH = 0.5, 15.0, 1.5
_NAMED = 10
Watch = Callable[[Deployment], None]


@dataclass(frozen=True)
class DeployedSchema:
    """How it ended. `checked` and `deployed` are ids of deployments, None where none was sent.

    `failures` are empty on success. `proven`: every field that the map fills was seen to be visible
    and writable. `assigned`: the permission set was given to the running user now.
    """

    planned: PlannedSchema
    exit_code: int = DONE
    checked: str | None = None
    deployed: str | None = None
    failures: Sequence[Failure] = ()
    assigned: bool = False
    proven: bool = False

    @property
    def nothing_to_do(self) -> bool:
        """Whether the org had everything already."""
        return self.planned.plan.empty


class SchemaDeployment:
    """One run of `schema deploy`. Killed at any moment, the next run compares anew and goes on."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        salesforce: SalesforceClient,
        clock: Clock,
        on_poll: Watch | None = None,
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._salesforce = salesforce
        self._clock = clock
        self._on_poll = on_poll
        self._deployments = Deployments(salesforce, clock)

    async def run(self, org_id: str, *, check_only: bool) -> DeployedSchema:
        """Deploy what the org lacks; with `check_only` Salesforce only says whether it would take it.

        Raises `SchemaImpossible` before anything is sent, `SchemaNotVisible` when the proof fails, and
        the rooms' errors. Components that Salesforce refuses are in the result, exit code 6.
        """
        planned = await plan_schema(self._config, self._ledger, self._salesforce, org_id)
        _refuse(planned.plan)
        result = DeployedSchema(planned)
        if planned.plan.empty:
            return replace(result, proven=True)
        content = package(planned.files)
        check = await self._ended(await self._deployments.start(content, check_only=True))
        result = replace(result, checked=check.id)
        if not check.success:
            return replace(result, exit_code=REMOTE, failures=failures_of(check))
        if check_only:
            return result
        earlier = await note_made(self._ledger, planned.plan, check)
        done = await self._deploy(content, check)
        result = replace(result, deployed=done.id)
        if not done.success:
            await remember_made(self._ledger, earlier)
            return replace(result, exit_code=REMOTE, failures=failures_of(done))
        assigned = await Access(self._salesforce).assign(PERMISSION_SET)
        await self._prove(planned)
        return replace(result, assigned=assigned, proven=True)

    async def _deploy(self, content: bytes, check: Deployment) -> Deployment:
        """Deploy what was checked, or, where the org wants it so, the package once more."""
        try:
            deployment_id = await self._deployments.start_checked(check.id)
        except (BadRequest, OutcomeUnknown):
            # Sent again it waits for the one whose reply was lost, and then changes nothing more.
            deployment_id = await self._deployments.start(content, check_only=False)
        return await self._ended(deployment_id)

    async def _ended(self, deployment_id: str) -> Deployment:
        return await self._deployments.follow(deployment_id, on_poll=self._on_poll)

    async def _prove(self, planned: PlannedSchema) -> None:
        """Describe until nothing is lacking; raises `SchemaNotVisible` after `PROOF_S` seconds."""
        until = self._clock.monotonic() + PROOF_S
        pause = _FIRST_S
        while True:
            left = make_plan(planned.needed, await read_org(self._salesforce, planned.needed))
            if left.empty and not left.impossible:
                return
            if self._clock.monotonic() >= until:
                raise SchemaNotVisible(
                    f"It is deployed, but after {PROOF_S:.0f} s the org still does not show "
                    f"{_named(_lacking(left))}.",
                    next_step="Wait a few minutes and run schema deploy again; if it stays, look in "
                    f"Setup whether the running user has the permission set {PERMISSION_SET}.",
                )
            await self._clock.sleep(pause)
            pause = min(_CAP_S, pause * _GROWTH)


def _refuse(plan: SchemaPlan) -> None:
    if plan.impossible:
        told = "\n".join(f"{each.place}: {each.why} {each.next_step}" for each in plan.impossible)
        raise SchemaImpossible(
            f"The org cannot take what the map needs; nothing was sent.\n{told}",
            next_step="Mend what is listed, then look again with deskferry schema plan.",
        )


def _lacking(plan: SchemaPlan) -> list[str]:
    changed = [f"{each.object}.{each.wanted.name}" for each in plan.changes]
    values = [f"the new values of {each.object}.{each.field}" for each in plan.values]
    objects = [each.name for each in plan.objects]
    refused = [each.place for each in plan.impossible]
    return list(dict.fromkeys([*objects, *plan.new_access, *changed, *values, *refused]))


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
