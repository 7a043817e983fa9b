"""Whatever dies and whenever: nothing is lost, nothing is made twice.

A random walk over the real ledger and the real service against an org in memory: pages arrive, faults
are laid, processes run and die at any step, and the next one goes on. After every process the books
are audited; in the end the faults stop, and all must reach its end exactly once.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from connectors.errors import ConnectorError
from service.assemble import JobRows
from service.crash_points import POINTS
from service.errors import DeskferryError
from service.flow import Flow
from service.job import JobRunner
from service.settle import Found, Settler
from state.batches import Batches
from state.errors import StateError
from state.jobs import Job
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


def test_nothing_is_lost_and_nothing_is_made_twice() -> None:
    run_machine(
        LedgerMachine, max_examples=100, stateful_step_count=10, derandomize=True, database=None
    )


@pytest.mark.large
@pytest.mark.timeout(1200)
def test_nothing_is_lost_and_nothing_is_made_twice_in_many_lives() -> None:
    run_machine(LedgerMachine, max_examples=1500, stateful_step_count=20, database=None)


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


@pytest.mark.parametrize("gone", [False, True], ids=["results kept", "results gone"])
def test_one_life_is_survived_at_every_sixth_step(gone: bool) -> None:
    die_at_steps(gone=gone, first=4 if gone else 1, by=6)


def lose_each_reply() -> None:
    """After its effect, one in each life, up to the call behind the last one."""
    with small_sizes():
        for call in range(CALLS):
            one_life(None, False, [*[None] * call, "lost after"])


def test_one_life_is_survived_whichever_reply_is_lost() -> None:
    lose_each_reply()


@pytest.mark.large
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("gone", [False, True], ids=["results kept", "results gone"])
def test_one_life_is_survived_at_every_single_step(gone: bool) -> None:
    die_at_steps(gone=gone, first=1, by=1)


async def _without_waiting(self: Flow, phase: Any, progress: Any) -> None:
    self._closed[phase.name].set()
    await _LOAD(self, phase, progress)


async def _find_nothing(*_: Any, **__: Any) -> Found:
    return Found()


async def _forget_nothing(*_: Any, **__: Any) -> int:
    return 0


async def _never_ran(*_: Any) -> str:
    return "never-ran"


async def _doubtful_never_ran(self: JobRunner, job: Job) -> str:
    return "never-ran" if job.state in ("created", "uploaded") else await _ADOPT(self, job)


_LOAD, _ADOPT = Flow._load, JobRunner.adopt
MUTATIONS: dict[str, tuple[type, str, Any]] = {
    "children do not wait for the gate": (Flow, "_load", _without_waiting),
    "rows in doubt are not asked for": (Settler, "find", _find_nothing),
    "batches of a job that never ran are kept": (Batches, "release", _forget_nothing),
}


@pytest.mark.parametrize("mutation", list(MUTATIONS))
def test_a_broken_ledger_is_found_out(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*MUTATIONS[mutation])
    with pytest.raises((AssertionError, DeskferryError, StateError)):
        run_machine(
            LedgerMachine,
            max_examples=80,
            stateful_step_count=10,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
        )


@pytest.mark.parametrize("adopt", [_never_ran, _doubtful_never_ran])
def test_a_resume_that_does_not_ask_is_found_out(
    adopt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "adopt", adopt)
    with pytest.raises((AssertionError, DeskferryError, StateError)):
        die_at_steps(gone=False, first=1, by=3)


async def _send_again_when_in_doubt(self: JobRunner, job: int, table: str, rows: JobRows) -> str:
    while True:
        sf_id = await self._create_and_upload(job, table, rows)
        try:
            await self._ingest._patch(sf_id, "UploadComplete")
        except ConnectorError:
            async with self._ledger.write() as tx:
                await tx.run("UPDATE job SET state = 'intent', sf_id = NULL WHERE id = ?", (job,))
            continue
        async with self._ledger.write() as tx:
            await self._ledger.jobs.closed(tx, job)
        return sf_id


def test_a_doubtful_close_that_is_sent_again_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobRunner, "send", _send_again_when_in_doubt)
    with pytest.raises((AssertionError, DeskferryError, StateError)):
        lose_each_reply()
