"""Topics and their assignments carry no key of ours: no death and no lost result doubles one."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.map_file import with_additions
from service.mapped import default_mapping
from tests.process.crash_rig import CROWDED, Case, Rig
from tests.process.stand_ins import journey, sizes
from tests.process.test_rich_org import by_key, told
from tests.process.test_settling import let_every_job_lose_its_results
from tests.process.test_tags import assigned, wanted_of
from transforms.mapping import parse_mapping
from transforms.schema.propose.org import Proposal
from transforms.schema.propose.tags import OrgTags, propose_tags
from transforms.shape import FieldShape, ObjectShape

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


def put_map(case: Case) -> None:
    """Put the default map into the workspace, with topics for conversations."""
    entity = FieldShape("EntityId", "reference", reference_to=("Case",))
    shapes = {
        "Topic": ObjectShape("Topic", {}),
        "TopicAssignment": ObjectShape("TopicAssignment", {"EntityId": entity}),
    }
    proposal = Proposal()
    mapping = parse_mapping(default_mapping(), "default")
    propose_tags(mapping, proposal, shapes, OrgTags({"a": "b"}), "topics")
    text, made = with_additions(default_mapping(), proposal.additions)
    assert made
    folder = case.folder / "ferry"
    folder.mkdir(mode=0o700)
    (folder / "mapping.yaml").write_text(text, encoding="utf-8")


def made_of(case: Case, name: str) -> int:
    return sum(each.object == name for each in list(case.org.effects.entries))


def wanted(case: Case) -> Counter[tuple[str, str]]:
    cases = {row["Kustomer_Id__c"]: row for row in case.target_records("Case")}
    return wanted_of(case, "conversation", cases)  # type: ignore[arg-type]


def assert_each_once(case: Case) -> None:
    found = assigned(case)  # type: ignore[arg-type]
    assert found == wanted(case)
    assert len(found) > 40
    assert made_of(case, "TopicAssignment") == len(found), "one was made, taken back or doubled"
    names = Counter(each["Name"].lower() for each in case.target_records("Topic"))
    assert set(names.values()) == {1}
    assert made_of(case, "Topic") == len(names)


@pytest.mark.parametrize(
    ("name", "count"), [("Topic", 3), ("TopicAssignment", 1), ("TopicAssignment", 30)]
)
def test_a_kill_midway_and_a_second_run_leave_every_assignment_once(
    rig: Rig, tmp_path: Path, name: str, count: int
) -> None:
    case = rig.case(tmp_path, sizes=CROWDED, sees_all=False)
    put_map(case)
    pid = case.start()
    case.wait_until(lambda: made_of(case, name) >= count)
    case.kill(pid)
    assert case.wait(pid).code == -9
    assert made_of(case, "TopicAssignment") < len(wanted(case)) + (name == "Topic")
    whole = case.finish()
    assert_each_once(case)
    assert whole.books["conversations.topics"]["failed"] == {}
    before = case.effects()
    again = case.run()
    assert json.loads(again.out)["jobs_sent"] == 0
    assert case.effects() == before


def test_results_that_are_lost_or_unsure_double_no_assignment(rig: Rig, tmp_path: Path) -> None:
    """Without the permission to view all data, so that few may be asked for at a time."""
    case = rig.case(tmp_path, sees_all=False)
    put_map(case)
    case.confirm()
    for name in ("Topic", "TopicAssignment"):
        for what, which in (("unsure", ""), ("lose", "successful")):
            params: dict[str, Any] = {"object": name, "rows": 5}
            params |= {"which": which} if which else {}
            url = f"{rig.target}/__admin/jobs/{what}"
            httpx.post(url, params=params).raise_for_status()
    whole = case.finish()
    assert_each_once(case)
    assert whole.books["conversations.topics"]["failed"] == {}
    assert whole.books["tags"]["failed"] == {}


def test_jobs_whose_results_nobody_keeps_are_settled_by_what_salesforce_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every single job loses its results, some before the ledger knew of the close."""
    with journey(tmp_path, [*sizes(25, 20), "--tags=30", "--kobjects=0"]) as run:
        run.confirmed = True
        told(run, "map", "propose", "--tags=topics", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)
        let_every_job_lose_its_results(run, monkeypatch)
        expected = wanted_of(run, "conversation", by_key(run, "Case"))
        assert assigned(run) == expected
        made = [each for each in run.effects() if each["object"] == "TopicAssignment"]
        assert len(made) == len(expected) > 10


def test_a_lost_state_makes_no_topic_and_no_assignment_again(tmp_path: Path) -> None:
    with journey(tmp_path, [*sizes(25, 20), "--tags=30", "--kobjects=0"]) as run:
        run.confirmed = True
        told(run, "map", "propose", "--tags=topics", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)
        told(run, "migrate", code=5)
        before = run.effects()
        for each in (tmp_path / "ferry").glob("state*"):
            each.rename(each.with_name(f"lost-{time.monotonic_ns()}"))
        told(run, "state", "rebuild", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        books = told(run, "migrate", code=5)["phases"]
        assert run.effects() == before
        assert books["tags"]["matched"] == 30
        assert books["conversations.topics"]["failed"] == {}
