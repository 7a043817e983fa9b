"""What `deskferry plan` prints with `--json`, and what others tell of the plan."""

from typing import Literal

from service.cli.document import Document
from service.move_plan import MovePlan
from service.stage_log import Stage


class PlanFacts(Document):
    """The plan, and its stages so far. `left_out`: conversations that the plan leaves out, so far."""

    plan: MovePlan
    stages: list[Stage]
    left_out: int


class PlanShowDocument(PlanFacts):
    """`deskferry plan show`."""


class PlanSetDocument(Document):
    """`deskferry plan set`. `read_again`: the next migrate looks at all conversations once more."""

    plan: MovePlan
    change: Literal["none", "wider", "narrower", "other"]
    read_again: bool
