"""A workspace goes on only with the orgs and the settings it was begun with, and says which differs."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.config import Config
from service.config_load import load_config
from service.docs import _settings
from service.identity import ADDRESSES, FIXED, StateDisagrees, WrongOrg, check_identity
from service.version import VERSION
from state.forms import WRITTEN_BY
from state.ledger import Ledger
from tests.unit.service.service_files import clock, write_config

ORG = "00D5f000000Dsk1EAC"
RESUME_PAGE = Path(__file__).parents[3] / "docs" / "operator" / "resume.md"


class Remote:
    """Answers who it is."""

    def __init__(self, org: str) -> None:
        self._org = org

    async def org(self) -> Any:
        class Org:
            id = org_id = self._org
            instance_url = "https://acme.my.salesforce.com"

        return Org()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=clock) as opened:
        yield opened


async def agree(
    ledger: Ledger,
    config: Config,
    *,
    source: str = "acme",
    target: str = ORG,
    same_org: bool = False,
) -> None:
    kustomer: Any = Remote(source)
    salesforce: Any = Remote(target)
    await check_identity(config, ledger, kustomer, salesforce, same_org=same_org)


def config(folder: Path, **changes: str) -> Config:
    return load_config(write_config(folder, **changes))


def with_lanes(config: Config, lanes: int) -> Config:
    target = config.salesforce.model_copy(update={"lanes": lanes})
    return config.model_copy(update={"salesforce": target})


async def test_the_same_config_and_orgs_go_on(ledger: Ledger, tmp_path: Path) -> None:
    for org in (ORG, ORG[:15]):
        await agree(ledger, config(tmp_path, org_id=org))
    assert await ledger.facts.get(WRITTEN_BY) == VERSION


@pytest.mark.parametrize(
    ("changes", "key", "values", "moved"),
    [
        ({"source": "http://127.0.0.1:8"}, "kustomer.base_url", (":8", ":9"), True),
        ({"target": "http://127.0.0.1:8"}, "salesforce.login_url", (":8", ":9"), True),
        ({"org_id": "00D000000000001"}, "salesforce.org_id", ("00D000000000001", ORG[:15]), False),
    ],
)
async def test_a_setting_that_differs_is_named_with_both_values_and_the_way_on(
    ledger: Ledger,
    tmp_path: Path,
    changes: dict[str, str],
    key: str,
    values: tuple[str, str],
    moved: bool,
) -> None:
    await agree(ledger, config(tmp_path))
    with pytest.raises(StateDisagrees, match=re.escape(key)) as refused:
        await agree(ledger, config(tmp_path, **changes))
    assert all(value in refused.value.message for value in values)
    assert ("--same-org" in refused.value.next_step) is moved


async def test_every_setting_that_differs_is_named_at_once(ledger: Ledger, tmp_path: Path) -> None:
    await agree(ledger, config(tmp_path))
    changed = with_lanes(config(tmp_path, source="http://127.0.0.1:8"), 7)
    with pytest.raises(StateDisagrees, match=r"base_url is .*; salesforce.lanes is 7, .* 4") as no:
        await agree(ledger, changed)
    assert "--same-org" not in no.value.next_step


async def test_another_address_of_the_same_orgs_is_taken_when_the_operator_says_so(
    ledger: Ledger, tmp_path: Path
) -> None:
    await agree(ledger, config(tmp_path))
    moved = config(tmp_path, source="http://127.0.0.1:8", target="http://127.0.0.1:7")
    with pytest.raises(StateDisagrees, match="Kustomer org acme; other answers"):
        await agree(ledger, moved, source="other", same_org=True)
    with pytest.raises(WrongOrg):
        await agree(ledger, moved, target="00D000000000001", same_org=True)
    await agree(ledger, moved, same_org=True)
    await agree(ledger, moved)
    with pytest.raises(StateDisagrees):
        await agree(ledger, config(tmp_path))


async def test_saying_the_org_is_the_same_does_not_excuse_other_lanes(
    ledger: Ledger, tmp_path: Path
) -> None:
    await agree(ledger, config(tmp_path))
    with pytest.raises(StateDisagrees, match="lanes"):
        await agree(ledger, with_lanes(config(tmp_path), 2), same_org=True)


async def test_another_org_that_answers_is_refused_with_both_ids(
    ledger: Ledger, tmp_path: Path
) -> None:
    with pytest.raises(WrongOrg, match=f"00D000000000001.*{ORG}"):
        await agree(ledger, config(tmp_path), target="00D000000000001")
    assert await ledger.facts.all() == {}
    await agree(ledger, config(tmp_path))
    with pytest.raises(StateDisagrees, match="begun with Kustomer org acme; other answers now"):
        await agree(ledger, config(tmp_path), source="other")


async def test_a_state_that_knows_its_addresses_by_a_digest_only_is_taken_up_or_refused(
    ledger: Ledger, tmp_path: Path
) -> None:
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "config_fingerprint", config(tmp_path).fingerprint())
        await ledger.facts.set(tx, "kustomer_org", "acme")
        await ledger.facts.set(tx, "salesforce_org", ORG[:15])
    moved = config(tmp_path, source="http://127.0.0.1:8")
    with pytest.raises(StateDisagrees, match=r"kustomer.base_url \(http://127.0.0.1:8\) or "):
        await agree(ledger, moved)
    await agree(ledger, config(tmp_path))
    with pytest.raises(StateDisagrees, match=r"base_url is .*:8, .* begun with .*:9"):
        await agree(ledger, moved)


def test_the_page_on_resuming_tells_of_every_setting_whether_it_may_change() -> None:
    lines = re.findall(r"^\| (`[^|]+) \| (yes|no)\b", RESUME_PAGE.read_text(), re.MULTILINE)
    told = {key: may for keys, may in lines for key in re.findall(r"`([^`]+)`", keys)}
    known = {key for key, _, _ in _settings(Config, "")}
    assert known <= told.keys()
    own_check = {
        "spool_key"
    }  # compared when the workspace is opened, before any setting can be read
    assert {key for key, may in told.items() if may == "no"} == FIXED.keys() | own_check
    assert set(ADDRESSES) <= FIXED.keys()
