"""Hooks inside one process: what is refused, what gives way, and that none cost nothing."""

import json
import sys
import time
from pathlib import Path
from typing import Any, get_args

import anyio
import anyio.lowlevel
import pytest

from connectors.clock import SystemClock
from service.config_hooks import HookConfig
from service.errors import REFUSED, explain
from service.hooks.command import run_command
from service.hooks.document import HookDocument, checked
from service.hooks.errors import HookFailed
from service.hooks.fire import Hooks, hooks_of_run, open_hooks
from service.hooks.outbox import Outbox
from service.hooks.points import POINTS, PointName
from service.hooks.trial import try_hooks

pytestmark = pytest.mark.timeout(60)


def document(number: int, point: PointName = "phase-done") -> HookDocument:
    return HookDocument(
        id=f"r-{number}",
        point=point,
        at="2026-11-27T08:00:00.000+00:00",
        run="r",
        command="migrate",
        figures={},
        merged=0,
        test=False,
    )


def keeping(path: Path, *points: PointName, then: str = "", **more: Any) -> HookConfig:
    """A hook that appends its document to `path`."""
    body = f"open({str(path)!r}, 'a').write(sys.stdin.read()); {then}"
    command = [sys.executable, "-c", f"import sys, time; {body}"]
    return HookConfig.model_validate({"on": list(points), "command": command, **more})


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_every_name_of_a_point_is_declared_with_figures_that_the_document_takes() -> None:
    assert set(get_args(PointName)) == set(POINTS)
    for name, point in POINTS.items():
        assert point.when.endswith(".")
        figures = checked(name, {key: value for key, (_, value) in point.figures.items()})
        assert json.loads(document(1).model_copy(update={"figures": figures}).written())


def test_a_figure_that_is_not_declared_is_refused_also_without_any_hook() -> None:
    hooks = Hooks((), clock=SystemClock(), command="migrate")
    with pytest.raises(ValueError, match="no figure subject"):
        hooks.note("freeze", {"subject": "a"})
    with pytest.raises(ValueError, match="no figure"):
        anyio.run(hooks.fire, "freeze", {"subject": "a"})


def test_texts_are_redacted() -> None:
    shown = checked("throttled", {"reason": "someone@example.com", "side": "Bearer abcdefg"})
    assert shown == {"reason": "[mail]", "side": "[secret]"}
    assert checked("held-rows", {"held": {"a@b.example": 2}}) == {"held": {"[mail]": 2}}


async def test_without_hooks_nothing_is_begun_and_telling_is_cheap() -> None:
    async with open_hooks([], SystemClock(), "migrate") as hooks:
        assert not hooks.wants(*POINTS)
        begun = time.perf_counter()
        for _ in range(2_000):
            await hooks.fire("phase-done", {"phase": "users", "loaded": 5})
        assert (time.perf_counter() - begun) / 2_000 < 0.0005
        assert len(hooks._tellers) == 0


async def test_a_full_outbox_lets_the_oldest_of_the_same_point_go_and_says_how_many() -> None:
    box = Outbox(most=3)
    assert box.put(document(1, "run-started"))
    for number in (2, 3):
        assert box.put(document(number))
    assert not box.put(document(4))
    assert not box.put(document(5))
    taken = [await box.take() for _ in range(3)]
    assert [(each.id, each.merged) for each in taken] == [("r-1", 0), ("r-4", 2), ("r-5", 0)]


async def test_a_full_outbox_without_that_point_lets_the_oldest_of_all_go() -> None:
    box = Outbox(most=2)
    for number in (1, 2):
        box.put(document(number))
    assert not box.put(document(3, "run-ended"))
    box.put(document(4, "run-ended"))
    assert [(each.id, each.merged) for each in (await box.take(), await box.take())] == [
        ("r-2", 1),
        ("r-4", 1),
    ]


async def test_an_outbox_is_idle_only_when_the_last_document_was_done_with() -> None:
    box = Outbox()
    box.put(document(1))
    done = []

    async def work() -> None:
        await box.take()
        await anyio.lowlevel.checkpoint()
        done.append(1)
        await box.take()

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await box.idle()
        assert done == [1]
        group.cancel_scope.cancel()


async def test_hooks_of_other_points_hear_nothing(tmp_path: Path) -> None:
    told = tmp_path / "told"
    async with open_hooks([keeping(told, "freeze")], SystemClock(), "cutover") as hooks:
        await hooks.fire("go-no-go", {"criteria": 9})
        assert hooks.wants("freeze")
        assert not hooks.wants("go-no-go")
        await hooks.fire("freeze", {"quiet_seconds": 600.0})
    (only,) = read(told)
    assert (only["point"], only["command"], only["figures"]) == (
        "freeze",
        "cutover",
        {"quiet_seconds": 600.0},
    )


async def test_a_stop_hook_is_waited_for_and_its_failure_is_raised_where_it_was_told(
    tmp_path: Path,
) -> None:
    told = tmp_path / "told"
    no = keeping(told, "go-no-go", then="sys.exit(4)", failing="stop")
    async with open_hooks([no], SystemClock(), "cutover") as hooks:
        with pytest.raises(HookFailed) as caught:
            await hooks.fire("go-no-go", {"failing": 2})
        assert len(read(told)) == 1
    problem = explain(caught.value)
    assert (problem.code, problem.exit_code) == ("hook-failed", REFUSED)
    assert "Hook 1 failed at go-no-go: the command ended with 4." in problem.sentence


async def test_a_run_that_fails_keeps_its_error_and_tells_how_it_ended(tmp_path: Path) -> None:
    told = tmp_path / "told"
    hooks = [keeping(told, "run-started", "run-ended", then="sys.exit(1)", failing="go-on")]
    stop = anyio.Event()
    with pytest.raises(ExceptionGroup) as caught:
        async with hooks_of_run(hooks, SystemClock(), "migrate", stop=stop):
            raise HookFailed(7, "freeze", "for a test")
    assert explain(caught.value).code == "hook-failed"
    assert [each["figures"].get("code") for each in read(told)] == [None, "hook-failed"]


async def test_a_stop_hook_at_the_end_of_a_good_run_makes_it_fail(tmp_path: Path) -> None:
    hooks = [keeping(tmp_path / "told", "run-ended", then="sys.exit(1)", failing="stop")]
    with pytest.raises(ExceptionGroup) as caught:
        async with hooks_of_run(hooks, SystemClock(), "migrate", stop=anyio.Event()) as made:
            made.ended_with = 5
    assert explain(caught.value).code == "hook-failed"
    assert read(tmp_path / "told")[0]["figures"]["exit_code"] == 5


async def test_a_command_that_takes_too_long_or_prints_without_end_is_bounded() -> None:
    hanging = HookConfig.model_validate(
        {"on": ["freeze"], "command": ["sleep", "60"], "timeout_seconds": 0.3}
    )
    begun = time.monotonic()
    (trial,) = await try_hooks([hanging], "freeze", SystemClock(), anyio.Event())
    assert not trial.ok
    assert "longer than 0.3 s" in trial.failure
    assert time.monotonic() - begun < 10
    flood = "import sys; [sys.stdout.write('x' * 100_000) for _ in range(300)]"
    assert (await run_command([sys.executable, "-c", flood], "freeze", b"{}")).ok


async def test_a_command_that_does_not_read_its_document_may_still_take_it() -> None:
    assert (await run_command(["true"], "freeze", b"x" * 5_000_000)).ok


@pytest.mark.parametrize("command", [["/not/there"], ["/"], ["a\0b"]])
async def test_a_command_that_cannot_be_started_fails_in_words_of_ours(command: list[str]) -> None:
    told = await run_command(command, "freeze", b"{}")
    assert "cannot be started" in told.failure
