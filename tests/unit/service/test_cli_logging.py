"""The log tells what happened, and nothing that a record or a secret holds."""

import json
from typing import Any

import pytest
import structlog

from service.config import LogConfig
from service.errors import ConfigInvalid
from service.logging import redact, start_logging

CANARIES = {
    "mail": "jane.doe@acme.example",
    "bearer": "Bearer s3cret-key-value",
    "session": "00D5f000000Dsk1!AQEAQJ_s3cret.session",
    "jwt": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2lnbmVk",
    "long": "a8" * 30,
    "pem": "-----BEGIN PRIVATE KEY-----\nMIIEs3cret\n-----END PRIVATE KEY-----",
    "body": "Dear support, my parcel has not arrived. " * 10,
}


@pytest.fixture(autouse=True)
def _plain_structlog() -> Any:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES.keys())
def test_no_canary_reaches_the_log(
    form: Any, canary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(LogConfig(format=form))
    log = structlog.get_logger()
    log.info("seen", detail=canary)
    log.info(canary)
    log.info("nested", rows=[{"deep": (canary,), canary: 1}])
    log.info("raw", body=canary.encode())
    log.info("error", error=ValueError(canary))
    log.info("group", error=ExceptionGroup(canary, [ValueError(canary)]))
    try:
        raise RuntimeError(canary)
    except RuntimeError:
        log.exception("failed")
    written = lines(capsys)
    for piece in (canary[:20], canary[-20:]):
        assert piece not in written
    assert "RuntimeError" in written


def test_a_value_under_a_telling_key_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(LogConfig(level="info", format="json"))
    structlog.get_logger().info("x", api_key="k", headers={"Authorization": "b"}, Token=5)
    told = json.loads(lines(capsys))
    assert told["api_key"] == told["headers"]["Authorization"] == told["Token"] == "[secret]"


def test_every_line_carries_what_was_bound_and_numbers_stay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(LogConfig(level="info", format="json"), run="17-4")
    structlog.get_logger().info("done", jobs=6, error=ConfigInvalid("s3cret"))
    told = json.loads(lines(capsys))
    assert (told["run"], told["jobs"], told["event"]) == ("17-4", 6, "done")
    assert told["error"] == "ConfigInvalid (config-invalid)"
    assert told["timestamp"].startswith("20")


def test_the_level_is_the_configs(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(LogConfig(level="warning"))
    structlog.get_logger().info("quiet")
    assert lines(capsys) == ""


def test_ordinary_words_are_left_alone() -> None:
    text = "phase conversations: 12 rows held, job 7505f00000abcdEAAQ"
    assert redact(text) == text
