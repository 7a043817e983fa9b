"""The report: one page without personal data or anything from elsewhere, and its JSON."""

import json
import re
import stat
from pathlib import Path

import anyio
import pytest

from service.cli.documents import ReportDocument
from service.report.facts import ReportFacts, collect
from service.report.write import render, write_report
from state.ledger import Ledger
from tests.unit.service.service_files import HELD, clock, command, fill, write_config


@pytest.fixture
async def facts(tmp_path: Path) -> ReportFacts:
    await fill(tmp_path)
    async with Ledger.open(tmp_path / "ferry", clock=clock, read_only=True) as ledger:
        return await collect(ledger, now=clock())


def test_a_closed_phase_that_is_off_makes_the_verdict(facts: ReportFacts) -> None:
    assert facts.verdict == "unbalanced"
    phases = {phase.name: phase for phase in facts.phases}
    assert phases["customers"].difference == 0
    assert phases["customers"].source_count == 3
    assert phases["conversations"].difference == 2


def test_held_rows_are_told_with_cause_fix_and_sample(facts: ReportFacts) -> None:
    (held,) = [each for each in facts.reasons if each.state == "held"]
    assert (held.reason, held.records, held.sample_ids) == ("parent-missing", 1, [HELD])
    assert held.cause
    assert held.fix
    (skipped,) = [each for each in facts.reasons if each.state == "skipped"]
    assert skipped.records == 1


def test_the_page_is_whole_in_itself_and_links_each_sample_to_trace(facts: ReportFacts) -> None:
    page = render(facts)
    assert not re.search(r"(src|href)\s*=|@import|url\(", page)
    assert "<script" not in page
    assert f"deskferry trace {HELD}" in page
    assert "prefers-color-scheme: dark" in page
    assert "tabular-nums" in page


def test_what_a_remote_named_is_shown_as_text_and_not_as_markup(facts: ReportFacts) -> None:
    facts.reasons[0].reason = "<script>alert(1)</script>"
    assert "<script>" not in render(facts)


def test_both_files_are_for_their_owner_alone(facts: ReportFacts, tmp_path: Path) -> None:
    page = write_report(facts, tmp_path / "reports")
    for path in (page, page.with_suffix(".json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(page.with_suffix(".json").read_bytes())
    assert ReportFacts.model_validate(written) == facts


def test_the_command_writes_both_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(fill, tmp_path)
    config = write_config(tmp_path)
    assert command(monkeypatch, "report", "--json", "--config", str(config)) == 0
    told = ReportDocument.model_validate_json(capsys.readouterr().out)
    assert Path(told.path) == tmp_path / "ferry" / "reports" / "report.html"
    assert Path(told.path).exists()
