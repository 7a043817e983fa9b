"""The ledger machine: a migration's life as a random walk, and one life that is told step by step."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.crash_points import POINTS
from tests.property import machine_audit as audit
from tests.property.machine_ferry import refused, run_process, small_sizes
from tests.property.machine_salesforce import FAULTS, MADE_UNKNOWN, Salesforce
from tests.property.machine_source import TABLES, Record, Source, phase_of, source_id
from tests.property.machine_world import Death, World

CHILDREN = {"EmailMessage": "conversations", "CaseComment": "conversations"}
PASSING = ("UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", MADE_UNKNOWN)
LASTING = ("REQUIRED_FIELD_MISSING", "STRING_TOO_LONG")
CALLS = 70  # requests of the one life, and a few more for what will be asked in future
IN_MEMORY = Path("/dev/shm")

records = st.builds(
    Record,
    number=st.integers(0, 7),
    version=st.integers(0, 2),
    fate=st.sampled_from(["sent"] * 6 + ["held"]),
)
skipped = st.builds(Record, number=st.integers(100, 101), fate=st.just("skipped"))

pages = st.lists(st.one_of(records, records, records, skipped), min_size=1, max_size=4)
wire_faults = st.lists(st.sampled_from([None, None, None, None, *FAULTS]), max_size=40)
names = st.sampled_from([*POINTS, "before a transaction", "before a commit", "after a commit"])
deaths = st.one_of(st.integers(1, 300), st.tuples(names, st.integers(1, 5)))
refusals = st.lists(st.sampled_from(PASSING + LASTING), max_size=3)
ends = st.lists(st.sampled_from([None, "midway", "refused", "hides"]), max_size=4)


class LedgerMachine(RuleBasedStateMachine):
    """One migration's life."""

    def __init__(self) -> None:
        super().__init__()
        place = IN_MEMORY if IN_MEMORY.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(dir=place)
        self.folder = Path(self._folder.name)
        self.world = World()
        self.source = Source(self.world)
        self.org = Salesforce(self.world, self._gate)
        self.org.created["Account"].append({"Id": "001000000000001AAA", "Website": "m0.test"})
        self.changed = False
        self.refused: set[str] = set()
        self.last_deaths: list[Death] = []

    @initialize(
        conversations=pages,
        notes=pages,
        codes=st.lists(refusals, max_size=8),
        ends=ends,
        last_deaths=st.lists(deaths, min_size=2, max_size=4),
    )
    def the_first_pages(
        self,
        conversations: list[Record],
        notes: list[Record],
        codes: list[list[str]],
        ends: list[str | None],
        last_deaths: list[Death],
    ) -> None:
        self.last_deaths = last_deaths
        self.source.pages["conversations"].append([Record(0), Record(1), *conversations])
        self.source.pages["notes"].append(notes)
        for number, each in enumerate(codes, start=2):
            self.rows_will_be_refused(number, each)
        self.jobs_will_end_badly(ends)

    @rule(phase=st.sampled_from(list(TABLES)), page=pages)
    def a_page_appears(self, phase: str, page: list[Record]) -> None:
        self.source.pages[phase].append(page)

    @rule(name=st.integers(0, 7), codes=refusals)
    def rows_will_be_refused(self, name: int, codes: list[str]) -> None:
        for key in self._names(name):
            self.org.row_trouble[key] = list(codes)
        self.refused |= set(codes)

    @rule(troubles=ends)
    def jobs_will_end_badly(self, troubles: list[str | None]) -> None:
        self.org.job_trouble += troubles

    @rule(death=deaths, faults=wire_faults, order=st.integers(0, 7))
    def a_process_dies(self, death: Death, faults: list[str | None], order: int) -> None:
        self.world.faults = list(faults)
        run_process(self.world, self.folder, self.source, self.org, crash_in=death, order=order)
        self.changed = True

    @rule(faults=wire_faults, order=st.integers(0, 7))
    def a_process_runs(self, faults: list[str | None], order: int) -> None:
        self.a_process_dies(None, faults, order)

    @rule()
    def jobs_run_on(self) -> None:
        for job in self.org.jobs.values():
            self.org.work(job)

    @rule()
    def seven_days_pass(self) -> None:
        self.org.expire()

    @invariant()
    def the_books_are_right(self) -> None:
        if self.changed:
            audit.check(self.folder, self.source, self.org)
            self.changed = False

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            self._folder.cleanup()

    def _end(self) -> None:
        """The faults stop: after some more deaths the next processes bring all to its end."""
        for order, death in enumerate(self.last_deaths):
            self.a_process_dies(death, [], order)
            self.the_books_are_right()
        self.world.faults.clear()
        self.org.job_trouble.clear()
        for _ in range(3):
            ending = run_process(self.world, self.folder, self.source, self.org)
            audit.check(self.folder, self.source, self.org)
            if ending.done:
                break
            assert refused(ending), ending
        assert ending.done, ending
        audit.check_end(self.folder, self.source, self.org, self.refused)

    def _gate(self, table: str) -> None:
        if table in CHILDREN:
            assert audit.gate_is_closed(self.folder, CHILDREN[table]), "the gate opened early"

    @staticmethod
    def _names(number: int) -> list[str]:
        keys = [source_id(phase_of(name).kind, number) for name in TABLES]
        return [*keys, f"b{number}", f"b{number} (2/2)"]


def run_machine(machine: Any, **how: Any) -> None:
    with small_sizes():
        run_state_machine_as_test(
            machine,
            settings=settings(
                deadline=None,
                suppress_health_check=list(HealthCheck),
                **how,
            ),
        )


def one_life(death: Death, gone: bool, faults: Sequence[str | None] = ()) -> int:
    """Load twins, parts and children; die at `death`, let the org work on, and come to the end.

    Returns how many steps the first process took.
    """
    machine = LedgerMachine()
    try:
        first = [Record(0), Record(1), Record(2)]
        machine.the_first_pages(first, [Record(0), Record(4), Record(3)], [], [None, "midway"], [])
        machine.a_page_appears("messages", [Record(0), Record(1)])
        machine.rows_will_be_refused(1, ["UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION"])
        machine.a_process_dies(death, list(faults), 1)
        steps = machine.world.steps
        machine.the_books_are_right()
        machine.jobs_run_on()
        machine.jobs_run_on()
        if gone:
            machine.seven_days_pass()
    finally:
        machine.teardown()
    return steps


def die_at_steps(*, gone: bool, first: int, by: int) -> None:
    with small_sizes():
        for death in range(first, one_life(None, gone) + 1, by):
            one_life(death, gone)


def lose_each_reply() -> None:
    """After its effect, one in each life, up to the call behind the last one."""
    with small_sizes():
        for call in range(CALLS):
            one_life(None, False, [*[None] * call, "lost after"])


def twins_die_with_jobs_that_hide(*, lives: int) -> None:
    """Companies that are twins of each other, in several pages; the first job breaks and hides a row.

    Which pages, and where two processes die, is drawn anew for each life, and the same in each run.
    """
    draw = Random(2)
    with small_sizes():
        for _ in range(lives):
            machine = LedgerMachine()
            try:
                machine.jobs_will_end_badly(["hides"])
                machine.last_deaths = [draw.randrange(1, 160), draw.randrange(1, 160)]
                for _ in range(draw.randrange(2, 5)):
                    page = [Record(draw.randrange(6)) for _ in range(draw.randrange(1, 3))]
                    machine.a_page_appears("companies", page)
            finally:
                machine.teardown()
