"""Records that vanish from the source while it is read hide no others from us."""

import time
from pathlib import Path

import httpx
import pytest

from tests.process.stand_ins import journey, sizes
from tests.process.test_journey import assert_once

pytestmark = pytest.mark.process


def test_deletions_while_a_list_is_read_hide_no_other_record(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(200, 8_000)) as run:
        messages = sorted(run.source_records("message"))
        run.fault(run.source, match="/v1/messages", kind="slow", seconds=0.2)
        child = run.start("migrate")
        end = time.monotonic() + 60
        while run.stats(run.source)["faults"] < 58:
            assert time.monotonic() < end, "the messages are not read"
            time.sleep(0.02)
        for gone in messages[:20]:
            httpx.delete(
                f"{run.source}/__admin/records/message/{gone}?hard=true"
            ).raise_for_status()
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5, err
        arrived = {each["Kustomer_Id__c"] for each in run.target_records("EmailMessage")}
        assert set(run.source_records("message")) <= arrived
        assert len(run.source_records("message")) == 8_000 - 20
        assert_once(run)
