"""The command line: global options, exit codes, JSON on stdout, no traceback."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from rich.progress_bar import ProgressBar

import service.docs
from connectors.clock import SystemClock
from service.cli import main
from service.cli.documents import DOCUMENTS, ErrorDocument, StatusDocument
from service.cli.frame import GlobalOptions, guarded, run_command
from service.cli.progress_view import bar, eta, plain_line
from service.cli.signals import stop_on_signal
from service.cli.trace_documents import TraceDocument
from service.progress import PhaseProgress, PhaseSnapshot
from state.workspace import locked
from tests.unit.service.service_files import GOOD, HELD, TARGET, command, fill, write_config


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path)
    anyio.run(fill, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--config", "c.yaml", "status"],
        ["status", "--json", "--config", "c.yaml"],
        ["--config=c.yaml", "status", "--json"],
        ["status", "--config=c.yaml", "--json"],
    ],
)
def test_global_options_stand_before_or_after_the_commands_name(
    workspace: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (workspace / "deskferry.yaml").rename(workspace / "c.yaml")
    assert command(monkeypatch, *arguments) == 0
    StatusDocument.model_validate_json(capsys.readouterr().out)


def test_what_follows_a_double_dash_is_left_alone() -> None:
    moved = main.global_options_first(["trace", "--", "--json"])
    assert moved == ["trace", "--", "--json"]


def test_status_tells_each_phase_from_the_ledger_alone(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "status", "--json") == 0
    told = StatusDocument.model_validate_json(capsys.readouterr().out)
    phases = {phase.name: phase for phase in told.phases}
    assert phases["customers"].state == "done"
    assert phases["customers"].held == {"parent-missing": 1}
    assert phases["customers"].difference == 0
    assert phases["conversations"].difference == 2
    assert phases["notes"].state == "waiting"
    assert told.pace.model_dump() == {
        "rate_share": 0.7,
        "search_per_minute": 90,
        "office_hours": False,
        "until": None,
    }


def test_status_says_which_share_is_in_force_and_until_when(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace / "deskferry.yaml"
    day = "{days: [mon..sun], from: '00:00', to: '23:59', timezone: UTC, rate_share: 0.25}"
    hours = f"kustomer:\n  office_hours: {day}\n"
    path.write_text(path.read_text().replace("kustomer:\n", hours, 1))
    monkeypatch.setattr(SystemClock, "now", lambda _: 1_795_777_200.0)
    assert command(monkeypatch, "status") == 0
    out = capsys.readouterr().out
    assert "25 % of the org's requests and 90 searches a minute are ours" in out
    assert "until Fri 23:59 (UTC)" in out
    assert command(monkeypatch, "status", "--json") == 0
    told = StatusDocument.model_validate_json(capsys.readouterr().out)
    assert (told.pace.office_hours, told.pace.until) == (True, 1_795_823_940.0)


def test_trace_tells_what_became_of_a_record_or_why_nothing_did(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "trace", GOOD, "--json") == 0
    told = TraceDocument.model_validate_json(capsys.readouterr().out)
    assert told.became[0].salesforce_id == TARGET
    assert command(monkeypatch, "trace", HELD, "--json") == 0
    told = TraceDocument.model_validate_json(capsys.readouterr().out)
    assert (told.exceptions[0].reason, told.became) == ("parent-missing", [])
    assert told.exceptions[0].why
    assert told.exceptions[0].fix


def test_a_workspace_that_is_not_there_is_refused_as_json_and_as_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path)
    assert command(monkeypatch, "status", "--json", "--config", str(config)) == 3
    out, err = capsys.readouterr()
    error = ErrorDocument.model_validate_json(out).error
    assert (error.code, error.exit_code, error.recovery) == ("no-workspace", 3, "refuse")
    assert "Next:" in err
    assert not (tmp_path / "ferry").exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--nonsense"], ["trace"]])
def test_a_wrong_call_exits_2(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, *arguments) == 2


@pytest.mark.parametrize("side", ["kustomer", "salesforce"])
@pytest.mark.parametrize(
    "option", [["--host", "0.0.0.0"], ["--host", "nonsense"], ["--port", "99999999"]]
)
def test_a_stand_in_listens_on_loopback_and_on_real_ports_only(
    side: str, option: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--conversations=1", "--messages=1"] if side == "kustomer" else []
    assert command(monkeypatch, "simulate", side, *small, *option) == 2


def test_a_bad_dataset_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tmp_path / "org.jsonl"
    dataset.write_text('{"type": "customer", "id": "1"}\nnot json\n', encoding="utf-8")
    assert command(monkeypatch, "simulate", "kustomer", "--dataset", str(dataset)) == 2
    assert "org.jsonl:2:" in capsys.readouterr().err


def test_an_unexpected_error_is_one_line_and_a_private_crash_file_without_values(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> int:
        raise ExceptionGroup("s3cret", [RuntimeError("s3cret jane@acme.example")])

    with pytest.raises(SystemExit) as ended:
        run_command(GlobalOptions(workspace / "deskferry.yaml", json=True), work)
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "unexpected"
    (crash,) = (workspace / "ferry").glob("deskferry-crash-*.txt")
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    text = crash.read_text(encoding="utf-8")
    assert "RuntimeError" in text
    assert "test_cli.py" in text
    for shown in (out, err, text):
        assert "s3cret" not in shown
        assert "Traceback" not in shown


def test_an_interrupt_anywhere_exits_7(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    with pytest.raises(SystemExit) as ended:
        guarded(GlobalOptions(Path("none.yaml"), json=False), work)
    assert ended.value.code == 7
    assert "interrupted" in capsys.readouterr().err


def test_an_interrupt_while_modules_are_loaded_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(_: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(main.importlib, "import_module", load)
    monkeypatch.setattr(sys, "argv", ["deskferry", "migrate"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 7
    assert "interrupted: " in capsys.readouterr().err


def test_a_reader_that_goes_away_causes_no_traceback(workspace: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "service", "status", "--json"],
            cwd=workspace,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert child.stderr == ""
    assert child.returncode == 1


async def test_the_first_signal_asks_to_stop_and_the_second_ends_at_once() -> None:
    left: list[int] = []
    async with stop_on_signal(drain_s=60, leave=left.append) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with anyio.fail_after(5):
            await stop.wait()
        assert left == []
        os.kill(os.getpid(), signal.SIGINT)
        with anyio.fail_after(5):
            while not left:
                await anyio.lowlevel.checkpoint()
    assert left == [7]


async def test_a_drain_that_takes_too_long_is_ended() -> None:
    left: list[int] = []
    async with stop_on_signal(drain_s=0, leave=left.append) as stop:
        stop.set()
        with anyio.fail_after(5):
            while not left:
                await anyio.lowlevel.checkpoint()
    assert left == [7]


def test_time_left_is_unknown_rather_than_guessed() -> None:
    phase = PhaseSnapshot("notes", "loading", None, 5, 2, 0, 0, 1, 0, 0, 0, 3.0, None)
    assert eta(phase) == "time left unknown"
    assert plain_line(phase).startswith("notes: loading, 5 extracted, 2 loaded")


def test_a_bar_shows_reading_and_loading_as_halves_and_nothing_when_the_total_is_unknown() -> None:
    phase = PhaseProgress("messages", state="extracting", extracted=50)
    assert bar(phase.snapshot(1.0)) == ""
    phase.source_total = 100
    half_read = bar(phase.snapshot(2.0))
    assert isinstance(half_read, ProgressBar)
    assert half_read.percentage_completed == 25
    phase.state = "done"
    done = bar(phase.snapshot(3.0))
    assert isinstance(done, ProgressBar)
    assert done.percentage_completed == 100


def test_the_reference_pages_are_what_the_code_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["docs", "--check"])
    assert service.docs.main() == 0


def test_every_command_has_a_published_document() -> None:
    published = service.docs.pages()
    commands = ("check", "migrate", "status", "trace", "report", "demo", "error")
    for name in (*commands, "simulate-kustomer", "simulate-salesforce"):
        assert name in DOCUMENTS
        assert f"schemas/{name}.json" in published


def test_status_looks_on_while_a_run_holds_the_workspace(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(workspace / "ferry"):
        assert command(monkeypatch, "status") == 0
