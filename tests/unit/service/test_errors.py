"""Errors in one form: code, sentence, next step, exit code, and what helps."""

import asyncio
import importlib
import pkgutil
import re

import pytest

import connectors
import service
import state
import transforms
from connectors.errors import AuthRefused, InsecureAddress, RateLimited
from service.errors import ROOTS, ConfigInvalid, Interrupted, exit_code_of, explain, recovery_of
from state.errors import DiskFull, IllegalStep, StateDamaged, WorkspaceLocked
from transforms.errors import MappingDoesNotFit, MappingInvalid


@pytest.mark.parametrize(
    ("error", "code", "recovery"),
    [
        (ConfigInvalid("x"), 2, "refuse"),
        (MappingInvalid(["x"]), 2, "refuse"),
        (InsecureAddress("x"), 2, "refuse"),
        (MappingDoesNotFit(["x"]), 3, "refuse"),
        (WorkspaceLocked("x"), 3, "refuse"),
        (AuthRefused("x"), 6, "refuse"),
        (RateLimited("x"), 6, "retry"),
        (Interrupted("x"), 7, "retry"),
        (KeyboardInterrupt(), 7, "retry"),
        (asyncio.CancelledError(), 7, "retry"),
        (DiskFull("x"), 7, "stop"),
        (StateDamaged("x"), 8, "refuse"),
        (IllegalStep("x"), 1, "stop"),
        (ValueError("x"), 1, "stop"),
    ],
)
def test_each_error_leads_to_its_exit_code(error: BaseException, code: int, recovery: str) -> None:
    problem = explain(error)
    assert (problem.exit_code, problem.recovery) == (code, recovery)
    assert problem.next_step or isinstance(error, (ConfigInvalid, Interrupted))


def test_the_most_serious_error_of_a_group_speaks() -> None:
    inner = ExceptionGroup("g", [RateLimited("slow"), StateDamaged("broken")])
    group = BaseExceptionGroup("g", [KeyboardInterrupt(), inner])
    assert explain(group).code == "state-damaged"
    assert explain(BaseExceptionGroup("g", [KeyboardInterrupt()])).exit_code == 7


def test_a_foreign_error_is_never_quoted_even_when_it_carries_a_code() -> None:
    class Foreign(Exception):
        code = "api_key=s3cret"
        message = "mail jane@acme.example"

    problem = explain(Foreign("s3cret body"))
    assert problem.code == "unexpected"
    assert "s3cret" not in problem.sentence
    assert "jane" not in problem.sentence


def every_kind() -> list[type[BaseException]]:
    for package in (connectors, state, transforms, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    kinds: list[type[BaseException]] = []
    waiting: list[type[BaseException]] = list(ROOTS)
    while waiting:
        below = waiting.pop().__subclasses__()
        kinds += below
        waiting += below
    return kinds


def test_every_error_of_the_rooms_has_a_code_of_its_own_and_a_known_exit_code() -> None:
    codes: dict[str, type[BaseException]] = {}
    for kind in every_kind():
        code = getattr(kind, "code", "")
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code), kind
        assert codes.setdefault(code, kind) is kind
        assert exit_code_of(kind) in range(1, 9)
        assert recovery_of(kind) in ("retry", "hold", "stop", "refuse")
        assert (kind.__doc__ or "").strip(), kind
