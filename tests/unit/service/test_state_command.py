"""The commands around the state: what they print, write and refuse."""

import csv
import json
import os
import stat
from pathlib import Path

import anyio
import pytest

from service.cli.documents import ErrorDocument
from service.cli.state_documents import CheckStateDocument, ExportDocument
from service.crosswalk_csv import COLUMNS
from state.ledger import Ledger
from tests.unit.service.service_files import GOOD, TARGET, clock, command, fill, write_config

Output = pytest.CaptureFixture[str]
ODD = "=HYPERLINK(evil)"


async def fill_odd(folder: Path) -> None:
    async with Ledger.open(folder / "ferry", clock=clock) as ledger, ledger.write() as tx:
        entries = [(ODD, 0, "001", 0, b""), ('with "quotes", and commas', 1, "002", 0, b"")]
        await ledger.crosswalk.learn(tx, "company", "Account", entries, origin="found", job=0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path)
    anyio.run(fill, tmp_path)
    anyio.run(fill_odd, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_crosswalk_goes_to_stdout_as_csv_without_formulas(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert command(monkeypatch, "state", "export") == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    by_id = {row["kustomer_id"]: row for row in rows}
    assert by_id.keys() == {GOOD, f"'{ODD}", 'with "quotes", and commas'}
    good = by_id[GOOD]
    assert (good["kind"], good["object"], good["salesforce_id"]) == ("customer", "Contact", TARGET)
    assert (good["origin"], good["updated"]) == ("loaded", "1970-01-01T00:00:00.005Z")
    assert by_id[f"'{ODD}"]["updated"] == ""
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_crosswalk_goes_into_a_private_file_and_json_tells_the_counts(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    out = workspace / "out.csv"
    out.write_text("an earlier one")
    before = os.umask(0)
    try:
        assert command(monkeypatch, "state", "export", "--out", "out.csv", "--json") == 0
    finally:
        os.umask(before)
    told = ExportDocument.model_validate_json(capsys.readouterr().out)
    assert (told.path, told.entries) == (str(out), {"customer": 1, "company": 2})
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(out.read_text().splitlines()) == 4
    assert not list(workspace.glob("*.part"))


def test_json_without_a_file_for_the_csv_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert command(monkeypatch, "state", "export", "--json") == 2
    assert ErrorDocument.model_validate_json(capsys.readouterr().out).error.code == "usage-invalid"


def test_a_file_that_cannot_be_written_is_said_plainly(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    (workspace / "file").write_text("")
    assert command(monkeypatch, "state", "export", "--out", "file/out.csv") == 3
    assert "Traceback" not in capsys.readouterr().err


def test_faults_of_the_state_end_with_exit_code_8_and_what_to_do(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """The sample workspace has a book that was closed off by two, and an entry of an unknown job."""
    assert command(monkeypatch, "state", "check", "--json") == 8
    told = CheckStateDocument.model_validate_json(capsys.readouterr().out)
    assert told.exit_code == 8
    assert {(each.code, each.place) for each in told.findings} == {
        ("tables-disagree", "database"),
        ("books-off", "books/conversations"),
    }
    assert command(monkeypatch, "state", "check") == 8
    said = capsys.readouterr().out
    assert said.count("Next:") == 2
    assert "something needs you" in said


def test_looking_over_a_workspace_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    for arguments in (["state", "check"], ["state", "export", "--out", "x"]):
        assert command(monkeypatch, *arguments, "--json") == 3
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "no-workspace"
    assert not (tmp_path / "ferry").exists()


def test_merge_and_anew_exclude_each_other(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert command(monkeypatch, "state", "rebuild", "--merge", "--anew") == 2
    assert "usage-invalid" in capsys.readouterr().err


def test_a_purge_while_phases_are_open_is_refused_unless_given_up(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert command(monkeypatch, "purge") == 3
    assert "unfinished" in capsys.readouterr().err
    assert command(monkeypatch, "purge", "--unfinished", "--json") == 0
    assert json.loads(capsys.readouterr().out)["batch_files"] == 0
