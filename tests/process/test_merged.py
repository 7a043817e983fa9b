"""Conversations that are merged after they were loaded: their e-mails stay and are told of, or follow."""

import signal
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_email, keyed, parent
from tests.process.expected_people import check_relations
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import configured, edit, loaded, of
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
PAIRS = 4


def merge(run: Journey) -> dict[str, str]:
    """Merge conversations with messages into others; returns the survivors by the lost ones."""
    messages = defaultdict(list)
    for key, row in of(run, "message").items():
        messages[str(parent(row, "conversation"))].append(key)
    busy = sorted(key for key in messages if key in of(run, "conversation"))
    pairs = dict(zip(busy[:PAIRS], busy[PAIRS : 2 * PAIRS], strict=True))
    for source, target in pairs.items():
        asked = {"kind": "conversation", "source": source, "target": target}
        httpx.post(f"{run.source}/__admin/merge", json=asked).raise_for_status()
    return pairs


def living(run: Journey, name: str) -> list[dict[str, object]]:
    return [row for row in run.target_records(name) if not row["IsDeleted"]]


def check_moved(run: Journey, *, count: int) -> None:
    """Every e-mail is on the Case of its conversation as it is now, once, with all of its people."""
    emails, cases = keyed(living(run, "EmailMessage")), keyed(run.target_records("Case"))
    messages = of(run, "message")
    assert len(emails) == count == len(messages)
    for key, row in messages.items():
        check_email(row, emails[key], cases)
    check_relations(run, emails)


@pytest.mark.parametrize("deletes", ["mark", "delete"])
def test_e_mails_of_a_merged_conversation_are_made_anew_on_the_survivors_case_by_rule(
    tmp_path: Path, deletes: str
) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run, merged_messages="anew", deletes=deletes)
        loaded(run)
        before = keyed(run.target_records("EmailMessage"))
        pairs = merge(run)
        moved = {
            key
            for key, row in of(run, "message").items()
            if parent(row, "conversation") in pairs.values()
            and before[key]["ParentId"] not in {None}
        }
        books = told(run, "delta", code=5)["phases"]
        assert books["messages"]["changes_held"] == {}
        check_moved(run, count=len(before))
        after = keyed(living(run, "EmailMessage"))
        anew = {key for key in before if after[key]["Id"] != before[key]["Id"]}
        assert anew
        assert anew <= moved, "no other e-mail is touched"
        cases = keyed(run.target_records("Case"))
        for lost in pairs:
            gone = (
                cases[lost]["IsDeleted"]
                if deletes == "delete"
                else cases[lost]["Kustomer_Deleted_At__c"]
            )
            assert gone, "the merged one's id stays traceable"
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_by_default_they_stay_and_are_told_of_and_a_retry_moves_them_once_the_rule_says_so(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run)
        loaded(run)
        before = keyed(run.target_records("EmailMessage"))
        merge(run)
        books = told(run, "delta", code=5)["phases"]["messages"]
        assert books["changes_held"]["cannot-change"] >= PAIRS
        now = keyed(living(run, "EmailMessage"))
        assert {key: row["Id"] for key, row in now.items()} == {
            key: row["Id"] for key, row in before.items()
        }
        path = run.folder / "deskferry.yaml"
        path.write_text(
            path.read_text().replace('"lag_seconds"', '"merged_messages": "anew", "lag_seconds"')
        )
        told(run, "retry", "--reason", "cannot-change", code=0)
        check_moved(run, count=len(before))
        assert told(run, "migrate", code=5)["jobs_sent"] == 0


def test_an_e_mail_that_an_agent_touched_stays_where_it_is(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run, merged_messages="anew")
        loaded(run)
        before = keyed(run.target_records("EmailMessage"))
        lost = merge(run)
        cases = {row["Id"]: key for key, row in keyed(run.target_records("Case")).items()}
        touched = next(row for row in before.values() if cases[row["ParentId"]] in lost)
        edit(run, "EmailMessage", touched["Id"], Kustomer_Status__c="an agent was here")
        books = told(run, "delta", code=5)["phases"]["messages"]
        assert books["changes_held"]["cannot-change"] == 1
        after = keyed(living(run, "EmailMessage"))
        assert after[touched["Kustomer_Id__c"]]["Id"] == touched["Id"]
        assert len(after) == len(before)


@pytest.mark.parametrize(
    "point",
    [
        "removal-sent",
        "removal-uncommitted",
        "rows-requeued:3",
        "retry-made",
        "job-closed:1",
        "job-closed:2",
    ],
)
def test_killed_at_any_step_each_e_mail_is_made_anew_once_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run, merged_messages="anew", deletes="keep")
        loaded(run)
        before = keyed(run.target_records("EmailMessage"))
        merge(run)
        monkeypatch.setenv(VARIABLE, point)
        code, _, err = run.run("delta")
        assert code == -signal.SIGKILL, err
        monkeypatch.delenv(VARIABLE)
        told(run, "delta", code=5)
        check_moved(run, count=len(before))
        made = [
            each
            for each in run.effects()
            if (each["object"], each["op"]) == ("EmailMessage", "insert")
        ]
        removed = [
            each
            for each in run.effects()
            if (each["object"], each["op"]) == ("EmailMessage", "delete")
        ]
        assert len(made) == len(before) + len(removed)
        assert told(run, "delta", code=5)["jobs_sent"] == 0
