"""Who wrote a message and whom it went to: each relation once, whatever dies, is lost or is refused."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.mapped import default_mapping
from tests.process.crash_rig import CROWDED, Case, Rig
from tests.process.expected import check_everything, keyed
from tests.process.expected_people import check_relations
from tests.process.stand_ins import journey, sizes
from tests.process.test_rich_org import told
from tests.process.test_settling import let_every_job_lose_its_results

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
NAME = "EmailMessageRelation"
PHASE = "messages.relations"


def made_of(case: Case) -> int:
    return sum(each.object == NAME for each in list(case.org.effects.entries))


def assert_each_once(case: Case) -> None:
    emails = keyed(case.target_records("EmailMessage"))
    found = check_relations(case, emails)  # type: ignore[arg-type]
    assert found > 250
    assert made_of(case) == found, "one was made, taken back or doubled"


def test_people_of_every_part_and_kind_are_related_to_their_messages(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 400)) as run:
        books = told(run, "migrate", code=5)["phases"]
        assert books[PHASE]["failed"] == books[PHASE]["held"] == {}
        assert check_everything(run)["relations"] > 700
        kinds = Counter(
            (each["RelationType"], each.get("RelationObjectType"))
            for each in run.target_records(NAME)
        )
        for part in ("FromAddress", "CcAddress", "BccAddress"):
            assert kinds[part, "Contact"] > 0
            assert kinds[part, "Lead"] > 0
        assert kinds["FromAddress", "User"] > 50
        assert kinds["CcAddress", "User"] > 10
        assert kinds["ToAddress", None] > 50, "the desk's own address is nobody's"
        assert kinds["FromAddress", None] > 0, "an agent whom Salesforce does not have"


@pytest.mark.parametrize("made", [1, 120])
def test_a_kill_midway_and_a_second_run_leave_every_relation_once(
    rig: Rig, tmp_path: Path, made: int
) -> None:
    case = rig.case(tmp_path, sizes=CROWDED)
    pid = case.start()
    case.wait_until(lambda: made_of(case) >= made)
    case.kill(pid)
    assert case.wait(pid).code == -9
    case.finish()
    assert_each_once(case)
    before = case.effects()
    assert json.loads(case.run().out)["jobs_sent"] == 0
    assert case.effects() == before


def test_results_that_are_lost_or_unsure_double_no_relation(rig: Rig, tmp_path: Path) -> None:
    case = rig.case(tmp_path)
    case.confirm()
    for what, which in (("unsure", {}), ("lose", {"which": "successful"})):
        params: dict[str, Any] = {"object": NAME, "rows": 20, **which}
        url = f"{rig.target}/__admin/jobs/{what}"
        httpx.post(url, params=params).raise_for_status()
    whole = case.finish()
    assert_each_once(case)
    assert whole.books[PHASE]["failed"] == {}


def test_jobs_whose_results_nobody_keeps_are_settled_by_what_salesforce_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every single job loses its results, some before the ledger knew of the close."""
    with journey(tmp_path, [*sizes(25, 60), "--kobjects=0"]) as run:
        let_every_job_lose_its_results(run, monkeypatch)
        expected = check_everything(run)["relations"]
        made = [each for each in run.effects() if each["object"] == NAME]
        assert len(made) == expected > 100


def test_a_lost_state_makes_no_relation_again(tmp_path: Path) -> None:
    with journey(tmp_path, [*sizes(25, 60), "--kobjects=0"]) as run:
        told(run, "migrate", code=5)
        before = run.effects()
        for each in (tmp_path / "ferry").glob("state*"):
            each.rename(each.with_name(f"lost-{time.monotonic_ns()}"))
        told(run, "state", "rebuild", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "migrate", code=5)
        assert run.effects() == before


def test_without_the_permission_check_says_so_and_refused_rows_arrive_once_it_is_granted(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(25, 60), ["--no-update-mail"]) as run:
        items = {each["name"]: each for each in told(run, "check", code=3)["items"]}
        assert items["salesforce relations"]["ok"] is False
        assert "Update Email Messages" in items["salesforce relations"]["detail"]
        books = told(run, "migrate", code=5)["phases"]
        assert books["messages"]["loaded"] == 60
        assert list(books[PHASE]["failed"]) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
        assert books[PHASE]["loaded"] == 0
        assert run.target_records(NAME) == []
        granted = {"PermissionsCanUpdateEmailMessage": True}
        httpx.post(f"{run.target}/__admin/permissions", json=granted).raise_for_status()
        told(run, "retry", "--phase", PHASE, code=0)
        assert check_everything(run)["relations"] > 60


def test_the_pass_can_be_left_out_by_the_map(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(25, 60), ["--no-update-mail"]) as run:
        folder = tmp_path / "ferry"
        folder.mkdir(mode=0o700)
        text = default_mapping().replace(
            "    of: messages\n", "    of: messages\n    move: false\n"
        )
        (folder / "mapping.yaml").write_text(text, encoding="utf-8")
        run.confirm()
        items = {each["name"] for each in told(run, "check", code=0)["items"]}
        assert "salesforce relations" not in items
        assert PHASE not in told(run, "migrate", code=5)["phases"]
        assert run.target_records(NAME) == []
        assert check_everything(run, second_passes=False)["messages"] == 60
