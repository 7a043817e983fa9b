"""Hooks and office hours in the config file: what is taken, and each fault in plain words."""

from pathlib import Path

import pytest

from service.config_hooks import WebhookAddress
from service.config_parts import Secret
from service.errors import ConfigInvalid
from service.pace import Pace
from tests.unit.service.test_config import SMALLEST, faults, read

HOURS = "{from: 08:00, to: 18:00, timezone: Europe/Berlin, rate_share: 0.3}"
NOON = 1_795_777_200.0  # 2026-11-27T11:00Z, a Friday
MIDNIGHT = NOON + 12 * 3600


def hooked(*lines: str) -> str:
    return SMALLEST + "hooks:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def hours(text: str) -> str:
    return SMALLEST.replace("  api_key", f"  office_hours: {text}\n  api_key")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("on: [freeze]", "hooks.1 must have either a command or a url."),
        ("on: [freeze], command: [a], url: https://a.b", "hooks.1 must have either a command or"),
        ("on: [], command: [a]", "hooks.1.on"),
        ("on: [freeze], command: []", "hooks.1 must have either a command or a url."),
        ("on: [freeze], command: a b", "hooks.1.command must be a valid list."),
        ("on: [freezing], command: [a]", "hooks.1.on.1 must be 'run-started'"),
        ("on: [freeze], url: http://a.b", "plain http is for this machine only."),
        ("on: [freeze], url: https://a.b/c?key=canary", "must have no user, query or fragment."),
        ("on: [freeze], url: https://user:canary@a.b", "must have no user, query or fragment."),
        ("on: [freeze], url: https://a.b, header: {A: canary}", "must be a reference, env:NAME"),
        ("on: [freeze], url: https://a.b, header: {'A B': env:C}", "hooks.1.header.A B"),
        ("on: [freeze], url: https://a.b, header: {Host: env:C}", "must leave Host"),
        ("on: [freeze], command: [a], header: {A: env:C}", "must have a url where it has headers."),
        (
            "on: [freeze], command: [a], failing: stopp",
            "hooks.1.failing must be 'go-on' or 'stop'.",
        ),
        ("on: [freeze], command: [a], timeout_seconds: 0", "a number between 0.1 and 3600 (is 0)."),
        ("on: [freeze], comand: [a]", "hooks.1.comand is no setting; did you mean command?"),
    ],
)
def test_a_hook_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, line: str, said: str
) -> None:
    told = "\n".join(faults(tmp_path, hooked(line)))
    assert said in told
    assert "deskferry.yaml:9: " in told
    assert "canary" not in told


def test_an_address_may_be_a_reference_and_is_shown_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = hooked("on: [freeze], url: env:HOOK_URL", "on: [freeze], url: https://a.b/canary")
    by_reference, plain = (each.url for each in read(tmp_path, text).hooks)
    assert by_reference is not None
    assert plain is not None
    monkeypatch.setenv("HOOK_URL", "https://hooks.example/canary?token=1")
    assert by_reference.resolve() == "https://hooks.example/canary?token=1"
    assert (by_reference.shown, plain.shown) == ("env:HOOK_URL", "https://a.b")
    assert "canary" not in repr((by_reference, plain))
    for wrong in ("http://hooks.example/canary", "canary", "https://u:canary@a.b"):
        monkeypatch.setenv("HOOK_URL", wrong)
        with pytest.raises(ConfigInvalid) as caught:
            WebhookAddress(Secret("env:HOOK_URL")).resolve()
        assert "canary" not in caught.value.message


def test_office_hours_say_what_is_ours_and_until_when(tmp_path: Path) -> None:
    pace = Pace(read(tmp_path, hours(HOURS)).kustomer)
    at_noon, at_night = pace.at(NOON), pace.at(MIDNIGHT)
    assert (at_noon.rate_share, at_noon.search_per_minute, at_noon.office_hours) == (0.3, 90, True)
    assert at_noon.until == NOON + 6 * 3600
    assert (at_night.rate_share, at_night.office_hours) == (0.7, False)
    assert at_night.until == NOON + 3 * 24 * 3600 - 4 * 3600, "on Monday at eight"
    assert pace.words(NOON) == (
        "30 % of the org's requests and 90 searches a minute are ours, as at office hours, "
        "until Fri 18:00 (Europe/Berlin)"
    )
    assert pace.at(NOON) == at_noon, "a clock that goes back is followed"
    share, searches = pace.mean(NOON)
    assert share == pytest.approx(0.7 - 0.4 * 50 / 168, abs=0.001)
    assert searches == 90


def test_without_office_hours_the_share_has_no_end(tmp_path: Path) -> None:
    pace = Pace(read(tmp_path, SMALLEST).kustomer)
    assert pace.at(NOON).until is None
    assert pace.words(NOON) == "70 % of the org's requests and 90 searches a minute are ours"
    assert pace.mean(NOON) == (0.7, 90.0)


def test_several_ranges_and_a_pace_of_searches_are_taken(tmp_path: Path) -> None:
    text = (
        "{days: [mon..thu], from: 08:00, to: '12:00', timezone: Europe/Berlin, search_per_minute: 40,"
        " further: [{days: [fri, sun..mon], from: '22:00', to: 02:00}]}"
    )
    pace = Pace(read(tmp_path, hours(text)).kustomer)
    assert pace.at(NOON).office_hours is False
    assert pace.at(NOON).until == NOON + 10 * 3600
    assert pace.at(MIDNIGHT).search_per_minute == 40
    assert pace.at(MIDNIGHT).until == NOON + 14 * 3600


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Europe/Berlin", "Europe/Berlim"), "timezone is no time zone that this machine knows"),
        (("Europe/Berlin", "Europe"), "timezone is no time zone that this machine knows"),
        (("Europe/Berlin", "../../etc/passwd"), "timezone is no time zone that this machine knows"),
        (("Europe/Berlin", "''"), "timezone is no time zone that this machine knows"),
        (("08:00", "8:00"), "office_hours.from must be a time such as 08:30."),
        (("08:00", "24:01"), "office_hours.from must be a time such as 08:30."),
        (("08:00", "08:60"), "office_hours.from must be a time such as 08:30."),
        (("18:00", "08:00"), "must end at another time than they begin."),
        (("from", "begin"), "office_hours.begin is no setting"),
        (("{", "{days: [monday], "), "office_hours.days must name days such as mon or mon..fri."),
        (("{", "{days: [], "), "office_hours.days"),
        (("0.3", "0"), "a number between 0.01 and 1 (is 0)."),
        (("{", "{search_per_minute: 101, "), "a whole number between 1 and 100 (is 101)."),
    ],
)
def test_office_hours_that_cannot_be_used_are_named(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    told = "\n".join(faults(tmp_path, hours(HOURS.replace(*change))))
    assert said in told
    assert "deskferry.yaml:3: " in told
