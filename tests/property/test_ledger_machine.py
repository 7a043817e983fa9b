"""Whatever dies and whenever: nothing is lost, nothing is made twice.

A random walk over the real ledger and the real service against an org in memory: pages arrive, faults
are laid, processes run and die at any step, and the next one goes on. After every process the books
are audited; in the end the faults stop, and all must reach its end exactly once.
"""

from typing import Any

import pytest
from hypothesis import Phase

from connectors.errors import ConnectorError
from service.errors import DeskferryError
from service.flow import Flow
from service.job import JobRunner
from service.settle import Found, Settler
from state.batches import Batches
from state.errors import StateError
from state.jobs import Job
from tests.property.ledger_machine import (
    LedgerMachine,
    die_at_steps,
    lose_each_reply,
    run_machine,
    twins_die_with_jobs_that_hide,
)


@pytest.mark.timeout(900)  # one that comes in the middle would be taken for a finding
def test_nothing_is_lost_and_nothing_is_made_twice() -> None:
    run_machine(
        LedgerMachine, max_examples=100, stateful_step_count=10, derandomize=True, database=None
    )


@pytest.mark.large
@pytest.mark.timeout(1200)
def test_nothing_is_lost_and_nothing_is_made_twice_in_many_lives() -> None:
    # The same walks each time, so that a failure is one of the change at hand; to look further, take
    # `derandomize` away and raise `max_examples`.
    run_machine(
        LedgerMachine, max_examples=250, stateful_step_count=10, derandomize=True, database=None
    )


@pytest.mark.parametrize("gone", [False, True], ids=["results kept", "results gone"])
def test_one_life_is_survived_at_every_sixth_step(gone: bool) -> None:
    die_at_steps(gone=gone, first=4 if gone else 1, by=6)


def test_one_life_is_survived_whichever_reply_is_lost() -> None:
    lose_each_reply()


def test_a_company_that_a_broken_job_made_unseen_is_not_doubled_by_its_twin() -> None:
    twins_die_with_jobs_that_hide(lives=60)


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


async def _send_again_when_in_doubt(
    self: JobRunner, job: int, phase: Any, table: str, rows: Any
) -> str:
    while True:
        sf_id = await self._create_and_upload(job, table, "insert", rows)
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
