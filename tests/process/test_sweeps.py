"""Records that are gone from Kustomer without a trace are noticed, and nothing else is taken for gone."""

import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import keyed, parent
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import configured, edit, loaded
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

SIZES = sizes(40, 120)
POINTS = (
    "audit-read",
    "audit-uncommitted",
    "audit-noted",
    "sweep-planned",
    "sweep-ids-uncommitted",
    "sweep-ids-noted",
    "sweep-read",
    "sweep-asked",
    "sweep-answers-uncommitted",
    "sweep-answers-noted",
    "sweep-ended",
    "removal-sent",
)
OBJECTS = {
    "company": ("Account",),
    "customer": ("Contact", "Lead"),
    "conversation": ("Case",),
    "message": ("EmailMessage",),
}
STREAM = {
    "company": "companies",
    "customer": "customers",
    "conversation": "conversations",
    "message": "messages",
    "note": "notes",
}


def settings(run: Journey, **given: Any) -> None:
    httpx.post(f"{run.source}/__admin/settings", json=given).raise_for_status()


def remove(run: Journey, kind: str, ids: Iterable[str], *, hard: bool = True) -> None:
    for each in ids:
        url = f"{run.source}/__admin/records/{kind}/{each}"
        httpx.delete(url, params={"hard": str(hard).lower()}).raise_for_status()


def living(run: Journey, kind: str) -> list[str]:
    rows = run.source_records(kind).items()
    return sorted(key for key, row in rows if not row["attributes"].get("deleted"))


def records(run: Journey, kind: str) -> dict[str, dict[str, Any]]:
    """What a kind has become in Salesforce, in the recycle bin or not, by source id."""
    return {
        key: row for name in OBJECTS[kind] for key, row in keyed(run.target_records(name)).items()
    }


def marked(run: Journey, kind: str) -> set[str]:
    return {key for key, row in records(run, kind).items() if row.get("Kustomer_Deleted_At__c")}


def binned(run: Journey, kind: str) -> set[str]:
    return {key for key, row in records(run, kind).items() if row["IsDeleted"]}


def sweep_of(document: dict[str, Any], stream: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["sweeps"] if each["stream"] == stream)
    return found


def comments(run: Journey) -> int:
    return sum(not row["IsDeleted"] for row in run.target_records("CaseComment"))


def doomed(run: Journey) -> dict[str, set[str]]:
    """Some records of each kind to delete: a conversation with all that it has, and single ones."""
    loaded_ones = {kind: set(records(run, kind)) for kind in OBJECTS}
    messages = {k: parent(r, "conversation") for k, r in run.source_records("message").items()}
    notes = {k: parent(r, "conversation") for k, r in run.source_records("note").items()}
    talks = [each for each in living(run, "conversation") if each in loaded_ones["conversation"]]
    busy = [each for each in talks if each in messages.values() and each in notes.values()]
    talk = busy[0]
    gone: dict[str, set[str]] = {
        "conversation": {talk},
        "message": {key for key, of in messages.items() if of == talk},
        "note": {key for key, of in notes.items() if of == talk},
    }
    single = next(k for k, of in sorted(messages.items()) if of != talk and of in talks)
    note = next(k for k, of in sorted(notes.items()) if of != talk and of in talks)
    named = {parent(row, "customer") for row in run.source_records("conversation").values()}
    firms = {parent(row, "company") for row in run.source_records("customer").values()}
    company = min(loaded_ones["company"] - firms, default=min(loaded_ones["company"]))
    customer = min(loaded_ones["customer"] - named, default=min(loaded_ones["customer"]))
    gone["message"].add(single)
    gone["note"].add(note)
    gone |= {"company": {company}, "customer": {customer}}
    return gone


def remove_all(run: Journey, gone: dict[str, set[str]]) -> None:
    remove(run, "conversation", gone["conversation"])
    for kind in ("message", "note", "company", "customer"):
        remove(run, kind, gone[kind] & run.source_records(kind).keys())


def assert_quiet(run: Journey) -> None:
    """Another delta, with another sweep, writes nothing."""
    effects = len(run.effects())
    assert told(run, "delta", "--sweep", code=5)["jobs_sent"] == 0
    assert len(run.effects()) == effects


def test_records_deleted_for_good_are_marked_after_a_sweep_and_not_before(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run)
        settings(run, audit_deletions="none")
        loaded(run)
        gone = doomed(run)
        remove_all(run, gone)
        effects = len(run.effects())
        unseen = told(run, "delta", code=5)
        assert len(run.effects()) == effects, "nothing shows them but a sweep"
        assert {each["state"] for each in unseen["sweeps"]} == {"never"}
        found = told(run, "delta", "--sweep", code=5)
        for kind in OBJECTS:
            assert marked(run, kind) == gone[kind], kind
            assert found["phases"][STREAM[kind]]["deleted"] == {"mark": len(gone[kind])}
        assert found["phases"]["notes"]["deleted"] == {"keep": len(gone["note"])}
        for kind, stream in STREAM.items():
            assert sweep_of(found, stream)["state"] == "finished"
            assert sweep_of(found, stream)["deleted"] == len(gone[kind])
        assert sweep_of(told(run, "status", code=0), "messages")["finished_at"] is not None
        assert_quiet(run)


def test_with_the_rule_delete_they_go_and_what_an_agent_touched_stays(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="delete")
        settings(run, audit_deletions="none")
        loaded(run)
        gone = doomed(run)
        before, all_comments = records(run, "message"), comments(run)
        other = next(key for key in sorted(before) if key not in gone["message"])
        edit(run, "EmailMessage", before[other]["Id"], Kustomer_Status__c="read by an agent")
        gone_too = {**gone, "message": gone["message"] | {other}}
        remove_all(run, gone_too)
        found = told(run, "delta", "--sweep", code=5)
        for kind in OBJECTS:
            assert binned(run, kind) == gone[kind], kind
        assert comments(run) == all_comments - len(gone["note"])
        assert found["phases"]["messages"]["changes_held"] == {"conflict": 1}
        told(run, "retry", code=5)
        again = told(run, "delta", "--sweep", code=5)["phases"]["messages"]
        assert again["changes_held"] == {"conflict": 1}, "held again, whoever asks for it"
        assert found["phases"]["notes"]["deleted"] == {"delete": len(gone["note"])}
        assert_quiet(run)


def test_with_the_rule_keep_nothing_is_written_and_it_is_counted_once(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="keep")
        settings(run, audit_deletions="none")
        loaded(run)
        gone = doomed(run)
        remove_all(run, gone)
        effects = len(run.effects())
        found = told(run, "delta", "--sweep", code=5)["phases"]
        assert len(run.effects()) == effects
        for kind, stream in STREAM.items():
            assert found[stream]["deleted"] == {"keep": len(gone[kind])}
        again = told(run, "delta", "--sweep", code=5)
        assert again["phases"]["messages"]["deleted"] == {"keep": len(gone["message"])}
        assert sweep_of(again, "messages")["missing"] == 0


@pytest.mark.parametrize(
    ("form", "reads"), [("objects", "not_found"), ("bare", "tombstone"), ("ignored", "survivor")]
)
def test_a_soft_deletion_without_a_tombstone_in_search_is_found_whatever_a_read_by_id_gives(
    tmp_path: Path, form: str, reads: str
) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run)
        settings(run, ids_only=form, gone_reads=reads, tombstones=[], audit_deletions="none")
        loaded(run)
        gone = set(sorted(records(run, "message"))[:3])
        remove(run, "message", gone, hard=False)
        told(run, "delta", "--sweep", code=5)
        assert marked(run, "message") == gone


def test_the_audit_log_tells_without_a_sweep_and_without_the_role_it_is_told_once(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run)
        loaded(run)
        gone = set(sorted(records(run, "message"))[:2])
        remove(run, "message", gone)
        settings(run, missing_roles=["audit_logs"])
        child = run.start("delta", "--json")
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5
        assert "audit-log-unread" in err
        child = run.start("delta", "--json")
        _, err = child.communicate(timeout=120)
        assert "audit-log-unread" not in err
        assert told(run, "status", code=0)["audit_log"] == "role-missing"
        assert not marked(run, "message")
        settings(run, missing_roles=[])
        assert told(run, "delta", code=5)["audit_log"] == "read"
        assert marked(run, "message") == gone
        effects = len(run.effects())
        told(run, "delta", code=5)
        assert len(run.effects()) == effects


def test_a_lost_role_takes_nothing_for_deleted(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="delete", lag_seconds=0)
        loaded(run)
        told(run, "delta", code=5)
        effects = len(run.effects())
        settings(run, missing_roles=["message"])
        code, _, err = run.run("delta", "--sweep", "--json")
        assert code == 6, err
        assert "org.permission.message.read" in err
        assert len(run.effects()) == effects
        settings(run, missing_roles=[])
        found = told(run, "delta", "--sweep", code=5)
        assert sweep_of(found, "messages")["state"] == "finished"
        assert len(run.effects()) == effects


def test_a_list_that_comes_out_empty_is_held_until_somebody_accepts_it(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="delete", sweep_records=0)
        settings(run, audit_deletions="none")
        loaded(run)
        told(run, "delta", code=5)
        notes = living(run, "note")
        remove(run, "note", notes)
        effects, before = len(run.effects()), comments(run)
        found = told(run, "delta", "--sweep", code=5)
        held = sweep_of(found, "notes")
        assert (held["state"], held["missing"]) == ("held", held["loaded"])
        assert len(run.effects()) == effects
        said = run.run("delta", "--sweep")
        assert "deskferry delta --accept notes" in said[1]
        assert len(run.effects()) == effects, "a second sweep does not accept it either"
        accepted = told(run, "delta", "--accept", "notes", code=5)
        assert sweep_of(accepted, "notes")["state"] == "finished"
        assert sweep_of(accepted, "notes")["deleted"] == held["loaded"]
        assert comments(run) < before
        assert comments(run) == 0


def test_more_missing_than_the_config_allows_is_held_and_an_unknown_stream_is_refused(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, sweep_records=3, sweep_share=0.01)
        settings(run, audit_deletions="none")
        loaded(run)
        remove(run, "message", sorted(records(run, "message"))[:5])
        held = sweep_of(told(run, "delta", "--sweep", code=5), "messages")
        assert (held["state"], held["missing"]) == ("held", 5)
        assert not marked(run, "message")
        assert sweep_of(told(run, "status", code=0), "messages")["state"] == "held"
        assert run.run("delta", "--accept", "massages")[0] == 2


def test_a_sweep_is_made_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, sweep_hours=0.001)  # 3.6 s
        settings(run, audit_deletions="none")
        loaded(run)
        gone = set(sorted(records(run, "message"))[:2])
        remove(run, "message", gone)
        child = run.start("delta", "--watch", "1")
        try:
            end = time.monotonic() + 60
            while marked(run, "message") != gone and time.monotonic() < end:
                assert child.poll() is None
                time.sleep(0.2)
        finally:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=60)
        assert child.returncode == 7
        assert marked(run, "message") == gone


def test_a_merged_record_that_answers_as_its_survivor_is_not_deleted(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="delete")
        settings(run, gone_reads="survivor", tombstones=[], audit_deletions="all")
        loaded(run)
        lost, kept = sorted(records(run, "customer"))[:2]
        body = {"kind": "customer", "source": lost, "target": kept}
        httpx.post(f"{run.source}/__admin/merge", json=body).raise_for_status()
        found = told(run, "delta", "--sweep", code=5)
        swept = sweep_of(found, "customers")
        assert (swept["missing"], swept["merged"], swept["deleted"]) == (1, 1, 0)
        assert not binned(run, "customer")


@pytest.mark.parametrize("deletes", ["mark", "delete"])
def test_a_delta_that_dies_anywhere_in_a_sweep_goes_on_and_removes_everything_once(
    tmp_path: Path, deletes: str
) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes=deletes, sweep_records=1000)
        loaded(run)
        gone: set[str] = set()
        for number, point in enumerate(POINTS):
            audited = point.startswith(("audit", "removal"))
            settings(run, audit_deletions="all" if audited else "none")
            messages = sorted(set(records(run, "message")) - gone)
            talks = sorted(set(records(run, "conversation")) & set(living(run, "conversation")))
            remove(run, "conversation", talks[:1])
            children = set(messages) - run.source_records("message").keys()
            chosen = [each for each in messages if each not in children][number : number + 2]
            remove(run, "message", chosen)
            gone |= {*children, *chosen}
            child = run.start("delta", "--sweep", environment={VARIABLE: point})
            _, err = child.communicate(timeout=120)
            assert child.returncode == -signal.SIGKILL, f"{point}: {err}"
        told(run, "delta", "--sweep", code=5)
        told(run, "delta", "--sweep", code=5)
        reached = marked(run, "message") if deletes == "mark" else binned(run, "message")
        assert reached == gone
        if deletes == "delete":
            binning = [e["id"] for e in run.effects() if e["op"] == "delete"]
            assert len(binning) == len(set(binning))
        assert_quiet(run)


def test_records_of_klasses_are_swept_as_all_others_are(tmp_path: Path) -> None:
    options = [*sizes(20, 40), "--rich", "--kobjects=60"]
    with journey(tmp_path, options, ["--bare"]) as run:
        configured(run)
        run.confirmed = True
        told(run, "map", "propose", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)
        told(run, "migrate", code=5)
        orders = keyed(run.target_records("Order__c"))
        gone = set(sorted(orders)[:2])
        remove(run, "kobject", gone)
        found = told(run, "delta", "--sweep", code=5)
        assert sweep_of(found, "kobject.order")["deleted"] == 2
        now = keyed(run.target_records("Order__c"))
        assert {key for key, row in now.items() if row.get("Kustomer_Deleted_At__c")} == gone
        assert_quiet(run)


def test_a_company_whose_contacts_live_is_not_deleted_under_them(tmp_path: Path) -> None:
    with journey(tmp_path, SIZES) as run:
        configured(run, deletes="delete")
        settings(run, audit_deletions="none")
        loaded(run)
        accounts, contacts = records(run, "company"), records(run, "customer")
        used = {row["AccountId"] for row in contacts.values() if row.get("AccountId")}
        bearing = min(key for key, row in accounts.items() if row["Id"] in used)
        free = min(key for key, row in accounts.items() if row["Id"] not in used)
        remove(run, "company", [bearing, free])
        books = told(run, "delta", "--sweep", code=5)["phases"]["companies"]
        assert books["deleted"] == {"delete": 1}
        assert books["changes_held"] == {"bears-others": 1}
        assert binned(run, "company") == {free}
        for row in contacts.values():
            if row.get("AccountId") == accounts[bearing]["Id"]:
                url = f"{run.target}/__admin/records/Contact/{row['Id']}"
                httpx.patch(url, json={"AccountId": None}).raise_for_status()
        told(run, "delta", "--sweep", code=5)
        assert binned(run, "company") == {free, bearing}


def test_a_record_that_no_reading_has_met_is_brought_by_a_sweep_once(tmp_path: Path) -> None:
    """As one that a list hid which moved while it was read: its times are older than any window."""
    with journey(tmp_path, SIZES) as run:
        configured(run)
        loaded(run)
        hidden = [unseen(run, number) for number in range(3)]
        told(run, "delta", code=5)
        assert not keyed(run.target_records("EmailMessage")).keys() & set(hidden)
        for point in ("sweep-unseen-uncommitted", "sweep-unseen-noted"):
            child = run.start("delta", "--sweep", environment={VARIABLE: point})
            _, err = child.communicate(timeout=120)
            assert child.returncode == -signal.SIGKILL, err
        told(run, "delta", "--sweep", code=5)
        assert keyed(run.target_records("EmailMessage")).keys() >= set(hidden)
        sweeps = told(run, "status", code=0)["sweeps"]
        assert {each["unseen"] for each in sweeps} == {0}, "the last one found none"
        effects = len(run.effects())
        assert told(run, "delta", "--sweep", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects
        inserted = [each["external_id"] for each in run.effects() if each["op"] == "insert"]
        assert {inserted.count(each) for each in hidden} == {1}


def unseen(run: Journey, number: int) -> str:
    """A message beside an old one, with its times; returns its id."""
    rows = run.source_records("message")
    row = rows[sorted(rows)[number]]
    key = f"{row['id'][:-8]}{number:08x}"
    record = {**row, "id": key, "attributes": dict(row["attributes"])}
    url = f"{run.source}/__admin/records"
    httpx.put(url, json=record).raise_for_status()
    return key
