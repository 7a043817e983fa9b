"""What a plan must have brought over, worked out from the source alone."""

import json
import signal
from collections import Counter
from typing import Any

from service.crash_points import VARIABLE
from tests.process.expected import check_case, check_everything, keyed, parent
from tests.process.stand_ins import Journey


def configured(run: Journey, **sections: Any) -> None:
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        for name, values in {"delta": {"lag_seconds": 0}, **sections}.items():
            config.write(f"{name}: {json.dumps(values)}\n")


def there(run: Journey, kind: str) -> dict[str, dict[str, Any]]:
    """The living records of a kind in the source."""
    rows = run.source_records(kind).items()
    return {key: row for key, row in rows if not row["attributes"].get("deleted")}


def cases(run: Journey) -> set[str]:
    return set(keyed(run.target_records("Case")))


def assert_each_was_made_once(run: Journey) -> None:
    inserts = Counter(
        (each["object"], each["external_id"])
        for each in run.effects()
        if each["op"] == "insert" and each["external_id"]
    )
    assert max(inserts.values()) == 1


def with_files(run: Journey) -> set[str]:
    messages = run.source_records("message")
    found = {parent(row, "message") for row in run.source_records("attachment").values()}
    return {parent(messages[each], "conversation") or "" for each in found if each in messages}


def assert_whole(run: Journey, chosen: set[str]) -> None:
    """Every chosen conversation is there, with all that belongs to it, and nothing of others."""
    source = there(run, "conversation")
    made = keyed(run.target_records("Case"))
    assert set(made) == chosen
    contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
    for key in chosen:
        check_case(source[key], made[key], contacts, leads)
    mails = keyed(run.target_records("EmailMessage"))
    wanted = {
        key: row
        for key, row in run.source_records("message").items()
        if parent(row, "conversation") in chosen
    }
    assert mails.keys() == wanted.keys()
    for key, row in wanted.items():
        assert mails[key]["ParentId"] == made[parent(row, "conversation") or ""]["Id"]
    notes = Counter(parent(row, "conversation") for row in run.source_records("note").values())
    ids = {row["Id"]: key for key, row in made.items()}
    commented = {ids[row["ParentId"]] for row in run.target_records("CaseComment")}
    assert commented == chosen & notes.keys()


def assert_all(run: Journey, conversations: int) -> None:
    assert check_everything(run)["conversations"] == conversations
    assert_each_was_made_once(run)


def people_of(run: Journey, conversations: set[str]) -> tuple[set[str], set[str]]:
    """The customers of conversations, and the companies of those."""
    source = there(run, "conversation")
    customers = {parent(source[key], "customer") for key in conversations}
    rows = there(run, "customer")
    companies = {parent(rows[key], "company") for key in customers if key in rows}
    return {each for each in customers if each}, {each for each in companies if each}


def assert_people(run: Journey, conversations: set[str]) -> None:
    """Only the customers and companies of the conversations are there."""
    customers, companies = people_of(run, conversations)
    made = keyed(run.target_records("Contact")).keys() | keyed(run.target_records("Lead")).keys()
    assert made == customers
    assert keyed(run.target_records("Account")).keys() <= companies


def killed(run: Journey, point: str, *arguments: str) -> None:
    child = run.start(*arguments, environment={VARIABLE: point})
    _, err = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, f"{point}: {err}"
