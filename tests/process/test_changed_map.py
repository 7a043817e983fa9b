"""Loaded records follow a changed map, whatever dies meanwhile; nothing of them is made again."""

from pathlib import Path
from typing import Any

import pytest

from tests.process.crash_rig import CROWDED, ENVIRONMENT, Case, Rig, Whole
from tests.process.stand_ins import confirm_in

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
OLD = "Kustomer_Direction__c: {source: attributes.direction}"
NEW = "Kustomer_Direction__c: {source: attributes.status, convert: text}"


def changed(case: Case) -> Case:
    """A migration that has ended, whose map was edited and confirmed since."""
    case.finish()
    path = case.folder / "ferry" / "mapping.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(OLD) == 1
    path.write_text(text.replace(OLD, NEW), encoding="utf-8")
    confirm_in(case.folder, ENVIRONMENT)
    return case


@pytest.fixture(scope="module")
def uninterrupted_change(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return changed(rig.case(tmp_path_factory.mktemp("changed"), sizes=CROWDED)).finish()


def large(armed: str) -> Any:
    return pytest.param(armed, marks=pytest.mark.large)


@pytest.mark.parametrize(
    "armed",
    [
        "map-followed",
        "revised-uncommitted",
        "job-closed",
        large("batch-sealed"),
        large("intent-uncommitted"),
        large("job-created"),
        large("job-uploaded"),
        large("job-close-noted"),
        large("job-end-noted"),
        large("harvest-uncommitted:2"),
        large("harvest-ended"),
        large("gate-uncommitted"),
    ],
)
def test_a_process_that_dies_while_records_follow_a_map_loses_and_doubles_nothing(
    rig: Rig, uninterrupted_change: Whole, tmp_path: Path, armed: str
) -> None:
    case = changed(rig.case(tmp_path, sizes=CROWDED))
    made = [each for each in case.org.effects.entries if each.op == "insert"]
    case.dies_at(armed)
    whole = case.finish()
    assert whole.dump == uninterrupted_change.dump
    assert whole.books == uninterrupted_change.books
    assert [each for each in case.org.effects.entries if each.op == "insert"] == made
    directions = {row["Kustomer_Direction__c"] for row in case.target_records("Case")}
    assert directions <= {"open", "snoozed", "done"}
    sent = len(case.org.effects.entries)
    case.finish()
    assert len(case.org.effects.entries) == sent, "a further run writes nothing"
