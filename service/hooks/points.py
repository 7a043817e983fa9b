"""The points at which hooks are told, each with its sentence and the figures it carries.

Figures are counts, seconds, codes and names of phases or sides. Nothing that a record holds, no name of
a person and no key may become one. `docs/reference/hooks.md` is made of this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PointName = Literal[
    "run-started",
    "run-ended",
    "phase-done",
    "held-rows",
    "throttled",
    "conflict",
    "pass-done",
    "freeze",
    "still-writing",
    "go-no-go",
    "cutover-finished",
    "cutover-aborted",
]
Figure = int | float | str | Mapping[str, int] | Mapping[str, float] | None


@dataclass(frozen=True)
class HookPoint:
    """When a point is told, and its figures: name to (meaning, a sample).

    `passing`: told from where nothing can wait; a `stop` hook runs beside the work then, and ends it
    when it fails.
    """

    when: str
    figures: Mapping[str, tuple[str, Figure]]
    passing: bool = False


POINTS: Mapping[PointName, HookPoint] = {
    "run-started": HookPoint(
        "`migrate`, `delta` or `retry` begins; nothing was asked or written.", {}
    ),
    "run-ended": HookPoint(
        "A run has ended, however it did.",
        {
            "exit_code": ("as the command ends", 0),
            "code": ("the error's code; empty where there is none", ""),
            "seconds": ("how long it took", 5421.3),
        },
    ),
    "phase-done": HookPoint(
        "A phase's books balance and its gate is closed; what depends on it has not begun. Told again "
        "when a later run closes it with other figures.",
        {
            "phase": ("its name", "conversations"),
            "extracted": ("records read", 50_000),
            "loaded": ("made in Salesforce", 49_900),
            "matched": ("there already", 0),
            "skipped": ("left out by rule", 60),
            "held": ("not sent", 30),
            "failed": ("refused by Salesforce", 10),
            "duplicates": ("read more than once", 4),
            "changed": ("changes of loaded records", 0),
        },
    ),
    "held-rows": HookPoint(
        "A phase is done, and has more or other held or failed rows than were told of before.",
        {
            "phase": ("its name", "conversations"),
            "held": ("held records, by reason", {"parent-held": 30}),
            "failed": ("failed records, by reason", {"STRING_TOO_LONG": 10}),
            "changes_held": ("held changes, by reason", {"conflict": 2}),
            "changes_failed": ("failed changes, by reason", {"FIELD_INTEGRITY_EXCEPTION": 1}),
        },
    ),
    "throttled": HookPoint(
        "A side is waited for (it is down, or its day's limit is used up), and again when it goes on. "
        "Pauses of a minute or two after a 429 are not told.",
        {
            "side": ("Kustomer or Salesforce", "Salesforce"),
            "waiting": ("1 when the wait begins, 0 when it is over", 1),
            "reason": ("what for, in words; empty at the end", "Salesforce to answer again"),
            "waited_seconds": ("how long it was waited for, at the end", 0.0),
        },
        passing=True,
    ),
    "conflict": HookPoint(
        "A pass of `delta` has found fields that both sides changed and nobody has decided about.",
        {
            "found": ("found since the last telling", 2),
            "open": ("open in all", 5),
        },
    ),
    "pass-done": HookPoint(
        "A pass of `delta` is done.",
        {
            "passes": ("passes of this run so far", 1),
            "behind_seconds": ("how old what was seen is, by stream", {"conversations": 121.4}),
        },
    ),
    "freeze": HookPoint(
        "The cutover's freeze: no change has arrived from Kustomer for as long as was asked.",
        {
            "quiet_seconds": ("for how long nothing has changed", 600.0),
            "changes": ("records that deltas moved while it was waited for", 12),
        },
    ),
    "still-writing": HookPoint(
        "The freeze does not come about: somebody still writes in Kustomer.",
        {
            "writers": ("how many users write; those that Kustomer does not name count as one", 2),
            "changes": ("records written since the last look", 7),
        },
    ),
    "go-no-go": HookPoint(
        "The go/no-go page is made; a `stop` hook can say no.",
        {
            "criteria": ("criteria looked at", 9),
            "failing": ("criteria that are not met", 0),
            "waived": ("criteria that somebody waived", 1),
        },
    ),
    "cutover-finished": HookPoint(
        "The cutover is finished and its report sealed.",
        {"seconds": ("since the cutover began", 7200.0)},
    ),
    "cutover-aborted": HookPoint(
        "The cutover was aborted; deltas go on.",
        {"seconds": ("since the cutover began", 1800.0)},
    ),
}
