"""The real command makes a bare org fit for the map, or says why it cannot."""

import json
import signal
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest

from state.ledger import Ledger
from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes

pytestmark = pytest.mark.process
MAP = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")


def said(run: Journey, *arguments: str) -> tuple[int, Any]:
    code, out, err = run.run("schema", *arguments, "--json")
    assert "Traceback" not in err
    return code, json.loads(out)


def calls(run: Journey) -> int:
    return int(run.stats(run.target)["api_calls"])


def write_map(run: Journey, more: str) -> None:
    """The default map with more fields of Case."""
    folder = run.folder / "ferry"
    folder.mkdir(exist_ok=True)
    before, _, after = MAP.partition("      Case:\n")
    fill = "".join(
        f"          {line.split(':')[0].strip()}: {{source: attributes.name}}\n"
        for line in more.splitlines()
    )
    after = after.replace("        create:\n", f"        create:\n{more}", 1)
    after = after.replace("        fields:\n", f"        fields:\n{fill}", 1)
    (folder / "mapping.yaml").write_text(f"{before}      Case:\n{after}", encoding="utf-8")


def stop_in_deployment(run: Journey, how: signal.Signals) -> tuple[int, str]:
    """Start `schema deploy` and stop it once Salesforce works; returns exit code and last words."""
    child = run.start("schema", "deploy")
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith("deployment "):
            break
    child.send_signal(how)
    _, err = child.communicate(timeout=30)
    return child.returncode, err


async def command_log(workspace: Path) -> list[tuple[str, int | None]]:
    async with Ledger.open(workspace, clock=lambda: 1.0, read_only=True) as ledger:
        return [(each.command, each.exit_code) for each in await ledger.runs.history()]


def test_a_bare_org_is_made_fit_and_takes_the_whole_migration(tmp_path: Path) -> None:
    options = ["--bare", "--access-lag=0.5", "--deploy-delay=0.4"]
    with journey(tmp_path, sizes(60, 200), options) as run:
        code, plan = said(run, "plan")
        assert (code, plan["nothing_to_do"], plan["there"]) == (0, False, 0)
        fields = {f"{each['object']}.{each['field']}" for each in plan["new_fields"]}
        assert len(fields) == 63
        assert "Case.Kustomer_Lead__c" in fields
        statuses = next(each for each in plan["new_values"] if each["field"] == "Status")
        assert (statuses["values"], statuses["closed"]) == (["Open", "Snoozed", "Done"], ["Done"])
        code, checked = said(run, "deploy", "--check-only")
        assert (code, checked["deployment"], checked["proven"]) == (0, None, False)
        assert checked["plan"]["new_fields"] == plan["new_fields"]
        assert not run.target_records("PermissionSet")
        code, _ = stop_in_deployment(run, signal.SIGKILL)
        assert code == -signal.SIGKILL
        code, err = stop_in_deployment(run, signal.SIGTERM)
        assert (code, "Traceback" in err) == (7, False)
        code, out, err = run.run("schema", "deploy")
        assert (code, "visible and writable" in out) == (0, True), err
        code, again = said(run, "deploy")
        assert (code, again["nothing_to_do"], again["check"], again["proven"]) == (
            0,
            True,
            None,
            True,
        )
        removal = (tmp_path / "ferry/schema/removal/destructiveChanges.xml").read_text()
        assert all(f"<members>{each}</members>" in removal for each in fields)
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
    assert anyio.run(command_log, tmp_path / "ferry") == [
        ("schema plan", 0),
        ("schema deploy", 0),
        ("schema deploy", None),  # killed
        ("schema deploy", 7),
        ("schema deploy", 0),
        ("schema deploy", 0),
        ("migrate", 5),
    ]


def test_what_an_org_cannot_take_is_said_before_and_what_it_refuses_is_explained(
    tmp_path: Path,
) -> None:
    options = ["--bare", "--edition=Professional Edition"]
    with journey(tmp_path, sizes(5, 5), options) as run:
        write_map(run, "".join(f"          F{n}__c: {{type: Checkbox}}\n" for n in range(90)))
        code, plan = said(run, "plan")
        assert (code, plan["exit_code"]) == (3, 3)
        (fault,) = plan["impossible"]
        assert (fault["place"], "106 custom fields; 100 are" in fault["why"]) == ("Case", True)
        write_map(run, "          Odd__c: {type: Lookup, reference_to: Nobody__c}\n")
        code, out, _ = run.run("schema", "deploy")
        assert (code, "nothing was changed" in out, "Next: " in out) == (6, True, True)
        assert "NO  CustomField Case.Odd__c: referenceTo value" in out
        assert not run.target_records("PermissionSet")
        run.configure(org_id="00D000000000001AAA")
        before = calls(run)
        code, refused = said(run, "deploy")
        assert (code, refused["error"]["code"]) == (3, "wrong-org")
        assert calls(run) == before
