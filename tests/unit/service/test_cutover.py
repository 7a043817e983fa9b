"""The parts of a cutover that need no process: waivers, verdicts, writers, breaches, the page."""

from dataclasses import replace
from typing import Any

import pytest

from service.config import CutoverConfig
from service.cutover.checklist import CutoverRefused, Line, refuse_open, waive
from service.cutover.facts import (
    CutoverFacts,
    NoteFacts,
    WriterFacts,
    criteria,
    line_facts,
    verdict_of,
)
from service.cutover.in_flight import breach_of
from service.cutover.record import (
    Counts,
    CutoverRecord,
    Freeze,
    Passed,
    PhaseCheck,
    Verification,
    Waiver,
    sum_of,
)
from service.cutover.writers import Written, summed
from service.errors import UsageInvalid
from service.report.cutover_page import render_cutover
from state.books import Book

WANTED = CutoverConfig(quiet_minutes=10)
GIVEN = Waiver(item="", count=0, by="Ada", because="known", at=1.0)


def record(**found: Any) -> CutoverRecord:
    return CutoverRecord(number=1, step="decide", notes=[], **found)


def passed(**moved: int) -> Passed:
    return Passed(moved=Counts(**moved), looked_from=0, looked_to=1, ended_at=2)


def whole(**found: Any) -> CutoverRecord:
    freeze = Freeze(since=0, quiet_from=100, seen_to=700)
    check = PhaseCheck(phase="notes", source_count=3, ledger_count=3, target_count=3, sampled=3)
    verified = Verification(seed=1, phases=[check], ended_at=3)
    facts = {"freeze": freeze, "final": passed(), "proof": passed(), "verification": verified}
    return record(**{**facts, **found})


def verdict(made: CutoverRecord, lines: list[Line] | None = None) -> str:
    return verdict_of(criteria(made, lines or [Line("held", 0, None)], WANTED))


def test_all_criteria_make_a_go_and_each_one_alone_a_no_go() -> None:
    assert verdict(whole()) == "go"
    noisy = Freeze(since=0, quiet_from=101, seen_to=700)
    assert verdict(whole(freeze=noisy)) == "no-go"
    for moved in ("created", "updated", "deleted", "apart"):
        assert verdict(whole(proof=passed(**{moved: 1}))) == "no-go"
    assert verdict(whole(), [Line("held", 1, None)]) == "no-go"
    assert verdict(whole(), [Line("fields", 1, None)]) == "no-go"
    short = PhaseCheck(phase="notes", source_count=3, ledger_count=3, target_count=2)
    checked = Verification(seed=1, phases=[short], ended_at=3)
    assert verdict(whole(verification=checked)) == "no-go"


@pytest.mark.parametrize("missing", ["freeze", "final", "proof", "verification"])
def test_what_was_not_looked_at_leaves_the_verdict_open(missing: str) -> None:
    assert verdict(whole(**{missing: None})) == "open"


def test_a_waiver_covers_the_count_of_its_moment_and_no_more() -> None:
    made = record()
    waive(made, [Line("held", 12, None), Line("failed", 1, None)], ["held"], GIVEN)
    (given,) = made.waivers
    assert (given.item, given.count, given.by) == ("held", 12, "Ada")
    assert not Line("held", 12, given).open
    assert Line("held", 13, given).open
    waive(made, [Line("held", 13, given)], ["held"], GIVEN)
    assert [each.count for each in made.waivers] == [13]


def test_a_line_that_there_is_not_waives_nothing() -> None:
    made = record()
    with pytest.raises(UsageInvalid, match="heldd"):
        waive(made, [Line("held", 1, None)], ["held", "heldd"], GIVEN)
    assert made.waivers == []


def test_a_refusal_names_every_open_line_with_its_figure() -> None:
    refuse_open([Line("held", 0, None)])
    with pytest.raises(CutoverRefused) as refused:
        refuse_open([Line("held", 1200, None), Line("users", 3, None), Line("gaps", 0, None)])
    assert "1,200 records held" in refused.value.message
    assert "(users)" in refused.value.message
    assert "gaps" not in refused.value.message
    assert "waive held users" in refused.value.next_step


def test_books_add_up_to_what_was_moved() -> None:
    before = Book(loaded=5, matched=1, held={"x": 2})
    after = replace(
        before, loaded=7, changed=3, deleted={"mark": 1}, held={"x": 1}, failed={"y": 4}
    )
    moved = sum_of([after]).since(sum_of([before]))
    assert moved == Counts(created=2, updated=3, deleted=1, apart=3)
    assert sum_of([before]).since(sum_of([after])).apart == 0
    assert sum_of([before]).since(sum_of([before])).nothing


def test_writers_are_added_up_over_looks() -> None:
    def wrote(source_id: str, by: str, at: str, stream: str = "notes") -> Written:
        return Written(stream, source_id, "changed", by, at)

    first = summed([wrote("a", "u1", "2026-01-02"), wrote("b", "", "2026-01-01")])
    again = summed([wrote("c", "u1", "2026-01-01", "messages")], first)
    assert [(each.user, each.records, each.last_at, each.streams) for each in again] == [
        ("u1", 2, "2026-01-02", ["messages", "notes"]),
        ("", 1, "2026-01-01", ["notes"]),
    ]
    assert first[0].records == 1, "what was told before is not changed"


def test_the_next_breach_is_the_earliest_that_is_not_satisfied() -> None:
    metrics = {
        "firstResponse": {"breachAt": "2026-01-01", "satisfiedAt": "2025-12-31"},
        "longestUnrespondedMessage": {"breachAt": "2026-02-01"},
        "totalCustomerWaitTime": {"breachAt": "2026-03-01"},
    }
    assert breach_of({"status": "pending", "metrics": metrics}) == "2026-02-01"
    assert breach_of({"status": "done", "metrics": metrics}) == ""
    assert breach_of({"summary": {"firstBreachAt": "2026-04-01"}}) == "2026-04-01"
    for nothing in (None, [], "x", {}, {"metrics": None, "summary": None}):
        assert breach_of(nothing) == ""


def test_the_page_shows_what_people_wrote_as_text() -> None:
    made = whole()
    lines = [Line("held", 1, GIVEN.model_copy(update={"count": 1, "because": "<b>late</b>"}))]
    judged = criteria(made, lines, WANTED)
    page = render_cutover(
        CutoverFacts(
            number=1,
            step="decide",
            verdict=verdict_of(judged),
            written_at=0,
            lines=line_facts(lines),
            criteria=judged,
            writers=[WriterFacts(user="", records=1, last_at="2026", streams=["notes"])],
            phases=[
                PhaseCheck(
                    phase="notes", source_count=None, ledger_count=1, target_count=None, ids=["x1"]
                )
            ],
            seed=1,
            in_flight=None,
            notes=[NoteFacts(step="check", at=0, by="<i>", why="")],
            hypercare_until=None,
            seal="",
        )
    )
    assert "<b>late" not in page
    assert "&lt;b&gt;late" in page
    assert "deskferry trace x1" in page
    assert "Go." in page
