"""Arming a crash point: inert without the variable, refused when it means nothing."""

import os
from collections.abc import Iterator

import pytest

from service import crash_points
from service.crash_points import POINTS, arm, reach
from service.errors import UsageInvalid


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    signals: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: signals.append(number))
    yield signals
    arm("")


def test_without_the_variable_no_point_does_anything(killed: list[int]) -> None:
    arm("")
    for name in POINTS:
        reach(name)
    assert killed == []


def test_the_named_passing_kills_and_no_other(killed: list[int]) -> None:
    arm("job-closed:3")
    for _ in range(2):
        reach("job-closed")
        reach("job-created")
    assert killed == []
    reach("job-closed")
    assert killed == [crash_points.signal.SIGKILL]
    reach("job-closed")
    assert len(killed) == 1


@pytest.mark.parametrize(
    "asked",
    ["job-close", "JOB-CLOSED", "job-closed:", "job-closed:0", "job-closed:-1", ":1", "a:b"],
)
def test_a_value_that_means_nothing_is_refused(asked: str) -> None:
    with pytest.raises(UsageInvalid):
        arm(asked)
