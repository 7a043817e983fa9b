"""The inventory's page: whole in itself, well-formed, and without markup from elsewhere."""

import json
import re
import stat
from pathlib import Path

from service.cli.discover_documents import DiscoverDocument
from service.report.discover_page import render_discover, write_discover
from tests.unit.service.discover_facts import assert_well_formed, small_facts


def test_the_page_is_well_formed_where_much_is_unknown() -> None:
    tags = assert_well_formed(render_discover(small_facts())).tags
    assert {"h2", "table", "details"} <= set(tags)
    assert "script" not in tags


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = render_discover(small_facts())
    assert not re.search(r"(src|href)\s*=|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page


def test_a_lack_of_storage_is_the_first_thing_said() -> None:
    page = render_discover(small_facts())
    verdict = page[page.index('class="verdict') :]
    assert verdict.startswith('class="verdict short"')
    assert "Data storage does not suffice" in verdict


def test_both_files_are_for_their_owner_alone_and_hold_the_same(tmp_path: Path) -> None:
    facts = small_facts()
    page = write_discover(facts, tmp_path / "reports")
    for path in (page, page.with_suffix(".json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(page.with_suffix(".json").read_bytes())
    assert written == json.loads(facts.model_dump_json())
    DiscoverDocument.model_validate({**written, "path": str(page), "exit_code": 0})
