"""Every named crash point: the real process dies there, a second run goes on, and nothing differs.

What differs would be: a record in the target, its fields, an effect (one too many or too few), the books,
a job left open, a batch file left whole. Ids and case numbers that the target makes up do not count.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.crash_points import POINTS
from tests.process.crash_rig import CROWDED, Rig, Whole

pytestmark = pytest.mark.process

# Points that are only passed after something went wrong: what must happen first.
AFTER_CRASH = {
    "orphan-aborted": "job-created",
    "open-job-aborted": "job-named",
    "job-given-back": "job-intended",
    "adoption-noted": "job-closed",
    "job-adopted": "job-close-noted",
    "job-reassembled": "job-end-noted",
    "job-settled": "job-ended",
}
AFTER_FAULT = {"upload-aborted", "job-disowned"}
# Points of commands other than `migrate`: killed at, and gone on from, in the test named.
ELSEWHERE = {
    "map-followed": "test_changed_map.py",
    "revised-uncommitted": "test_changed_map.py",
    "delta-planned": "test_delta.py",
    "delta-uncommitted": "test_delta.py",
    "delta-begun": "test_delta.py",
    "removal-sent": "test_delta.py",
    "removal-uncommitted": "test_delta.py",
    "cutover-begun": "test_cutover.py",
    "cutover-pass-noted": "test_cutover.py",
    "cutover-looked": "test_cutover.py",
    "cutover-step-kept": "test_cutover.py",
    "cutover-decided": "test_cutover.py",
    "cutover-sealed": "test_cutover.py",
    "cutover-finished": "test_cutover.py",
    "sweep-planned": "test_sweeps.py",
    "sweep-ids-uncommitted": "test_sweeps.py",
    "sweep-ids-noted": "test_sweeps.py",
    "sweep-read": "test_sweeps.py",
    "sweep-asked": "test_sweeps.py",
    "sweep-answers-uncommitted": "test_sweeps.py",
    "sweep-answers-noted": "test_sweeps.py",
    "sweep-unseen-uncommitted": "test_sweeps.py",
    "sweep-unseen-noted": "test_sweeps.py",
    "sweep-ended": "test_sweeps.py",
    "audit-read": "test_sweeps.py",
    "audit-uncommitted": "test_sweeps.py",
    "audit-noted": "test_sweeps.py",
    "plan-uncommitted": "test_plans_crash.py",
    "plan-saved": "test_plans_crash.py",
    "sample-picked": "test_plans_crash.py",
    "entered-uncommitted": "test_plan_filters.py",
    "entered-begun": "test_plan_filters.py",
    "became-uncommitted": "test_transitions.py",
    "references-sent": "test_transitions.py",
    "references-noted": "test_transitions.py",
    "relations-sent": "test_transitions.py",
    "relations-noted": "test_transitions.py",
    "leads-marked": "test_transitions.py",
    "leads-deleted": "test_transitions.py",
    "leads-noted": "test_transitions.py",
    "retry-asked": "test_retry.py",
    "retry-made": "test_retry.py",
    "retry-matched": "test_retry.py",
    "groups-made": "test_agents.py",
    "members-made": "test_agents.py",
    "users-decided": "test_agents.py",
    "users-taken-up": "test_agents.py",
    "waiting-released": "test_agents.py",
    "late-users-sent": "test_agents.py",
    "late-users-uncommitted": "test_agents.py",
    "match-uncommitted": "test_people.py",
    "match-decided": "test_people.py",
    "hooks-told": "test_hooks.py",
}
# The most telling passing of a point that is passed often, and further ones, which are walked with the
# large tests. Of jobs the second carries rows that were locked out; eight to eleven are those of messages
# and of notes (which carry no key of ours), the last two of them with single rows.
TELLING: dict[str, tuple[int, ...]] = {
    "job-intended": (11, 1, 2, 9),
    "job-created": (9, 1, 2, 11),
    "job-named": (8, 1, 2, 11),
    "job-uploading": (9, 1, 2, 11),
    "job-uploaded": (9, 1, 2, 11),
    "job-upload-noted": (11, 1, 2, 9),
    "job-closed": (11, 1, 2, 8, 9),
    "job-close-noted": (9, 1, 2, 8, 11),
    "job-ended": (2, 1, 9, 11),
    "job-end-noted": (10, 1, 2, 9, 11),
    "total-noted": (1, 3),
    "plan-made": (4, 1),
    "plan-stored": (1, 6),
    "page-read": (3, 1, 8),
    "page-queued": (9, 1, 2),
    "phase-read": (5, 1),
    "spool-file-written": (12, 1, 4),
    "spool-written": (6, 1),
    "seal-uncommitted": (5, 1),
    "batch-sealed": (7, 1, 4),
    "phase-extracted": (3, 1),
    "directory-read": (1, 2),
    "directory-uncommitted": (2, 1),
    "directory-matched": (1, 2),
    "rows-requeued": (6, 1, 3),
    "rows-assembled": (9, 1, 2),
    "intent-uncommitted": (8, 1, 3),
    "learned-uncommitted": (9, 1, 2),
    "results-learned": (8, 1, 2, 9, 11),
    "results-read": (2, 1, 9),
    "matches-learned": (1, 2),
    "harvest-uncommitted": (11, 1, 2, 9),
    "harvest-ended": (9, 1, 2),
    "payload-stripped": (12, 1, 4),
    "gate-counted": (4, 1),
    "gate-uncommitted": (5, 1),
    "gate-closed": (3, 1, 6),
}
# A point, then one that the recovery passes; the third run ends it.
# With many jobs alive at once: numbers lie in the middle of some thirty jobs and forty batches.
CROWD = [
    "job-closed:20",
    "results-learned:25",
    "batch-sealed:9",
    "job-created:15",
    "job-uploading:22",
    "job-ended:18",
    "harvest-uncommitted:24",
    "harvest-ended:21",
    "payload-stripped:25",
    "intent-uncommitted:19",
    "spool-file-written:20",
    "learned-uncommitted:28",
    "results-read:26",
    "job-close-noted:23",
]
EVERYDAY = 7
TWICE = [
    ("job-closed:9", "job-adopted"),
    ("job-close-noted:11", "job-reassembled"),
    ("results-learned:9", "results-learned"),
    ("found-learned", "harvest-ended"),
    ("job-created:2", "orphan-aborted"),
    ("spool-written:3", "workspace-opened"),
    ("mapping-aside", "mapping-aside"),
    ("job-closed:8", "job-reassembled"),
    ("job-ended:10", "results-learned"),
    ("job-close-noted:9", "harvest-uncommitted"),
    ("results-learned:11", "results-read"),
    ("job-uploading:9", "job-given-back"),
    ("job-uploaded:11", "open-job-aborted"),
    ("harvest-ended:9", "workspace-opened"),
    ("matches-learned", "job-settled"),
    ("gate-uncommitted:3", "gate-uncommitted"),
    ("mapping-placed", "mapping-noted"),
    ("seal-uncommitted:6", "seal-uncommitted:2"),
    ("directory-uncommitted", "directory-uncommitted"),
    ("job-created:9", "job-created"),
]


def large(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.large)


def passings() -> Iterator[Any]:
    for point in POINTS:
        if point in ELSEWHERE:
            continue
        often = [f"{point}:{number}" for number in TELLING.get(point, ())] or [point]
        yield often[0]
        yield from map(large, often[1:])


def doubles() -> Iterator[Any]:
    yield from TWICE[:EVERYDAY]
    yield from (large(*each) for each in TWICE[EVERYDAY:])


@pytest.mark.parametrize("armed", list(passings()))
def test_a_process_that_dies_at_a_point_loses_and_doubles_nothing(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, armed: str
) -> None:
    case = rig.case(tmp_path)
    point = armed.partition(":")[0]
    if point in AFTER_FAULT:
        case.fault(match="/batches", method="PUT", kind="reset_before", times=1)
    if point in AFTER_CRASH:
        case.dies_at(AFTER_CRASH[point])
    case.dies_at(armed)
    case.assert_whole(case.finish(), uninterrupted)


@pytest.mark.parametrize(("first", "second"), list(doubles()))
def test_a_recovery_that_dies_too_loses_and_doubles_nothing(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, first: str, second: str
) -> None:
    case = rig.case(tmp_path)
    case.dies_at(first)
    case.dies_at(second)
    case.assert_whole(case.finish(), uninterrupted)


@pytest.mark.parametrize("armed", [*CROWD[:3], *(large(each) for each in CROWD[3:])])
def test_a_process_that_dies_among_many_jobs_loses_and_doubles_nothing(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, armed: str
) -> None:
    case = rig.case(tmp_path, sizes=CROWDED)
    case.dies_at(armed)
    # Of several jobs that were being made at that moment nobody can tell which are ours.
    case.assert_whole(case.finish(), uninterrupted, orphans=True)


@pytest.mark.parametrize("armed", ["job-closed", "job-close-noted:9"])
def test_a_job_that_still_runs_at_the_resume_is_followed_to_its_end(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, armed: str
) -> None:
    case = rig.case(tmp_path, job_delay_s=0.3)
    case.dies_at(armed)
    case.dies_at("job-adopted")
    case.assert_whole(case.finish(), uninterrupted)


def test_every_point_is_passed_somewhere_and_every_passing_has_its_name() -> None:
    passed = []
    for path in Path(__file__).parents[2].joinpath("service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reach":
                assert isinstance(node.args[0], ast.Constant), "a point's name is a literal"
                passed.append(node.args[0].value)
    assert sorted(passed) == sorted(POINTS), "each name has one place"


def test_points_of_other_commands_are_walked_where_it_is_said() -> None:
    for point, test in ELSEWHERE.items():
        assert f'"{point}"' in Path(__file__).with_name(test).read_text(encoding="utf-8")


def test_a_misspelt_point_is_refused(rig: Rig, tmp_path: Path) -> None:
    case = rig.case(tmp_path)
    case.confirmed = True  # nothing is to be there
    for asked in ("job-creatd", "job-created:0", "job-created:", "job-created:x", ":2"):
        ended = case.run(asked)
        assert ended.code == 2, asked
        assert "usage-invalid" in ended.err
    assert case.effects() == 0
    assert not (tmp_path / "ferry").exists()
