"""The plan and its stages, as several commands tell them."""

from datetime import UTC, datetime
from typing import Any

from service.move_plan import MovePlan, read_plan
from service.narrowing import CONVERSATION
from service.stage_log import Stage, read_stages
from state.ledger import Ledger


async def plan_facts(ledger: Ledger) -> dict[str, Any]:
    """The plan and its stages, as documents have them."""
    return {
        "plan": await read_plan(ledger),
        "stages": await read_stages(ledger),
        "left_out": await ledger.scope.count(CONVERSATION),
    }


def plan_lines(plan: MovePlan) -> list[str]:
    """The plan in plain words."""
    named = {
        "touched since": plan.touched_since,
        "begun since": plan.created_since,
        "begun before": plan.created_before,
        "of team": _names(plan, plan.teams),
        "of brand": _names(plan, plan.brands),
        "with tag": _names(plan, plan.tags),
    }
    rules = [f"{what} {value}" for what, value in named.items() if value]
    lines = [f"Conversations {' and '.join(rules)} go." if rules else "All conversations go."]
    if plan.people == "chosen":
        lines.append("Of customers and companies those of these conversations go.")
    if plan.recent_days is not None:
        lines.append(
            f"Open and snoozed ones and those of the last {plan.recent_days} days go first."
        )
    if plan.set_at is not None:
        lines.append(
            f"Set by {plan.set_by} on {datetime.fromtimestamp(plan.set_at, UTC):%Y-%m-%d %H:%M} UTC."
        )
    return lines


def stage_line(stage: Stage) -> str:
    """A stage in plain words."""
    size = f", {stage.conversations:,} conversations" if stage.conversations is not None else ""
    state = "under way"
    if stage.done_at is not None:
        state = f"done on {datetime.fromtimestamp(stage.done_at, UTC):%Y-%m-%d %H:%M} UTC"
    return f"Stage {stage.name} ({stage.way}{size}): {state}."


def _names(plan: MovePlan, ids: tuple[str, ...]) -> str:
    return " or ".join(plan.names.get(each, each) for each in ids)
