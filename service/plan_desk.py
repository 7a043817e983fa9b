"""Setting the plan: names are looked up, a change under way is refused, who and when is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from service.command_log import logged
from service.compose import open_kustomer
from service.config import Config
from service.crash_points import reach
from service.errors import REFUSED, DeskferryError, UsageInvalid
from service.ledger import open_ledger
from service.move_plan import MovePlan, epoch_ms, read_plan, save_plan
from service.names import read_names, read_tags
from service.stage_log import read_stages

Change = Literal["none", "wider", "narrower", "other"]


class PlanInUse(DeskferryError):
    """A stage is under way by the plan that is to be changed."""

    code = "plan-in-use"
    exit_code = REFUSED


@dataclass(frozen=True)
class Wish:
    """A plan as a person asks for it; teams, brands and tags by id or by name."""

    created_since: str | None = None
    created_before: str | None = None
    touched_since: str | None = None
    teams: Sequence[str] = ()
    brands: Sequence[str] = ()
    tags: Sequence[str] = ()
    people: Literal["all", "chosen"] = "all"
    recent_days: int | None = None


@dataclass(frozen=True)
class PlanSet:
    """The plan that was set, and what changed: `read_again` when `migrate` looks at all once more."""

    plan: MovePlan
    change: Change
    read_again: bool


async def set_plan(
    config: Config, clock: Clock, wish: Wish, *, by: str, under_way: bool = False
) -> PlanSet:
    """Replace the plan; durable when this returns, and the next `migrate` follows it.

    While a stage is under way a plan may only be widened, and that with `under_way`: what was sealed by
    the narrower one goes anyway. Raises `PlanInUse`, `UsageInvalid`, and the connectors' and the
    state's errors.
    """
    _check_dates(wish)
    async with open_ledger(config, clock.now) as ledger, logged(ledger, "plan set"):
        plan = await _looked_up(config, clock, wish, by)
        before = await read_plan(ledger)
        stages = await read_stages(ledger)
        change = _change(before, plan)
        if stages and stages[-1].done_at is None and change != "none":
            _refuse(change, under_way=under_way)
        async with ledger.write() as tx:
            await save_plan(tx, ledger, plan)
            reach("plan-uncommitted")
        reach("plan-saved")
    return PlanSet(plan, change, bool(stages) and change in ("wider", "other"))


def _refuse(change: Change, *, under_way: bool) -> None:
    if change != "wider":
        raise PlanInUse(
            "A stage of the plan is under way, and the new plan leaves out what it takes.",
            next_step="Run migrate to the end of the stage, then set the plan.",
        )
    if not under_way:
        raise PlanInUse(
            "A stage of the plan is under way; a wider plan lets it begin anew.",
            next_step="Run migrate to the end of the stage first, or say --under-way to change it now.",
        )


def _change(before: MovePlan, after: MovePlan) -> Change:
    if before.scope() == after.scope():
        return "none"
    if before.within(after):
        return "wider"
    return "narrower" if after.within(before) else "other"


def _check_dates(wish: Wish) -> None:
    for name in ("created_since", "created_before", "touched_since"):
        try:
            epoch_ms(getattr(wish, name) or "2000-01-01")
        except ValueError:
            raise UsageInvalid(
                "A date of the plan is not of the form 2026-01-31, or a moment in ISO form.",
                next_step="Give days such as 2026-01-31; they begin at midnight UTC.",
            ) from None


async def _looked_up(config: Config, clock: Clock, wish: Wish, by: str) -> MovePlan:
    names: dict[str, str] = {}
    found: dict[str, tuple[str, ...]] = {}
    asked = {"teams": wish.teams, "brands": wish.brands, "tags": wish.tags}
    if any(asked.values()):
        async with open_kustomer(config, clock) as client:
            for what, values in asked.items():
                if values:
                    known = await _known(client, what)
                    found[what] = tuple(_find(what, value, known) for value in values)
                    names |= {each: known[each] for each in found[what]}
    return MovePlan(
        created_since=wish.created_since,
        created_before=wish.created_before,
        touched_since=wish.touched_since,
        people=wish.people,
        recent_days=wish.recent_days,
        names=names,
        set_by=by,
        set_at=clock.now(),
        **found,
    )


async def _known(client: KustomerClient, what: str) -> dict[str, str]:
    return await read_tags(client) if what == "tags" else await read_names(client, f"/v1/{what}")


def _find(what: str, asked: str, known: dict[str, str]) -> str:
    """The id of what was asked for by id or name."""
    if asked in known:
        return asked
    same = [each for each, name in known.items() if name.casefold() == asked.casefold()]
    if len(same) != 1:
        some = "Several" if same else "None"
        raise UsageInvalid(
            f"{some} of Kustomer's {what} is what one of the --{what[:-1]} options names.",
            next_step="Give the id; Kustomer shows it in the address of its settings page.",
        )
    return same[0]
