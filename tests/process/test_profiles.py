"""The profile of all records: whatever dies while they are read, each counts once."""

import asyncio
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from service.profiling import RECORDS
from state.ledger import Ledger
from state.profiles import StoredProfile
from tests.process.crash_rig import CROWDED, Case, Rig
from tests.process.stand_ins import journey, sizes
from tests.process.test_rich_org import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
KINDS = ("company", "customer", "conversation", "message", "note")
Figures = dict[str, tuple[int, int, int, list[int]]]


def counted_by_hand(records: list[dict[str, Any]]) -> Figures:
    """Filled records, characters, bytes and how often each text is there, by custom attribute."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in (record["attributes"].get("custom") or {}).items():
            if value not in (None, "", []):
                values.setdefault(name, []).append(value)
    found = {}
    for name, each in values.items():
        listed = [one for value in each for one in (value if isinstance(value, list) else [value])]
        texts = [one for one in listed if isinstance(one, str)]
        told_apart = Counter(one.strip().lower() for one in texts)
        distinct = sorted(told_apart.values()) if len(told_apart) <= 500 else []
        longest = max(map(len, texts), default=0)
        size = max((len(one.encode()) for one in texts), default=0)
        found[name] = (len(each), longest, size, distinct)
    return found


def figures(stored: dict[str, StoredProfile]) -> Figures:
    return {
        path.removeprefix("attributes.custom."): (
            each.counts["filled"],
            each.counts.get("chars", 0),
            each.counts.get("bytes", 0),
            sorted(each.tokens.values()),
        )
        for path, each in stored.items()
        if path.startswith("attributes.custom.")
    }


def profiles_of(folder: Path, kind: str) -> dict[str, StoredProfile]:
    async def read() -> dict[str, StoredProfile]:
        async with Ledger.open(folder / "ferry", clock=lambda: 0.0, read_only=True) as ledger:
            return await ledger.profiles.of(kind)

    return asyncio.run(read())


def dump(rig: Rig, kind: str) -> list[dict[str, Any]]:
    return [row.resource for row in rig.source.org.shelves[kind].everything]


def test_killed_again_and_again_while_reading_every_record_counts_once(
    rig: Rig, tmp_path: Path
) -> None:
    case: Case = rig.case(tmp_path, sizes=CROWDED)
    for point in (
        "page-queued:3",
        "seal-uncommitted:4",
        "batch-sealed",
        "seal-uncommitted",
        "spool-written:2",
        "batch-sealed:2",
        "seal-uncommitted:2",
    ):
        case.dies_at(point)
    before = case.effects()
    pid = case.start()
    case.wait_until(lambda: case.effects() > before)
    case.kill(pid)
    case.wait(pid)
    case.finish()
    with_attributes = 0
    for kind in KINDS:
        stored, records = profiles_of(tmp_path, kind), dump(rig, kind)
        assert stored[""].counts == {RECORDS: len(records)}, kind
        assert figures(stored) == counted_by_hand(records), kind
        with_attributes += len(figures(stored))
    assert with_attributes >= 4
    status = profiles_of(tmp_path, "conversation")["attributes.status"]
    wanted = Counter(each["attributes"]["status"] for each in dump(rig, "conversation"))
    assert sorted(status.tokens.values()) == sorted(wanted.values())
    # Nothing is extracted any more: a further run counts nothing.
    assert case.run().code == 5
    assert profiles_of(tmp_path, "message")[""].counts == {RECORDS: len(dump(rig, "message"))}


def test_switched_off_nothing_is_counted(rig: Rig, tmp_path: Path) -> None:
    case = rig.case(tmp_path)
    with (tmp_path / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write("profile: false\n")
    case.finish()
    assert profiles_of(tmp_path, "conversation") == {}


def test_the_map_shows_a_sample_before_the_extraction_and_all_records_after_it(
    tmp_path: Path,
) -> None:
    options = [*sizes(40, 80), "--rich", "--kobjects=100", "--tags=20"]
    with journey(tmp_path, options, ["--bare"]) as run:
        run.confirmed = True
        told(run, "map", "propose", code=0)
        shown = told(run, "map", "show", code=0)
        tables = {each["object"]: each for each in shown["tables"]}
        assert tables["Case"]["basis"] == "sample"
        assert told(run, "map", "profile", code=3)["error"]["code"] == "no-workspace"
        told(run, "map", "confirm", "--by=Ada", code=0)
        assert told(run, "map", "profile", code=0)["kinds"] == []
        told(run, "schema", "deploy", code=0)
        told(run, "migrate", code=5)
        profile = {each["kind"]: each for each in told(run, "map", "profile", code=0)["kinds"]}
        records = list(run.source_records("conversation").values())
        counted = profile["conversation"]
        assert (counted["basis"], counted["records"]) == ("all", len(records))
        by_hand = counted_by_hand(records)
        for each in counted["values"]:
            name = each["path"].removeprefix("attributes.custom.")
            if name in by_hand:
                filled, chars, size, _ = by_hand[name]
                assert (each["filled"], each["characters"], each["bytes"]) == (filled, chars, size)
                assert each["fill_rate"] == filled / len(records)
        shown = told(run, "map", "show", code=0)
        assert {e["basis"] for e in shown["tables"] if e["object"] in ("Case", "Contact")} == {
            "all"
        }
        assert {each["basis"] for each in shown["tables"] if each["moved"]} == {"all"}
        figures_shown = [v for t in shown["tables"] for line in t["lines"] for v in line["values"]]
        assert any(v["path"].startswith("attributes.custom.") for v in figures_shown)
        page = Path(shown["path"])
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert f"all {len(records):,} records" in page.read_text(encoding="utf-8")
        plain = run.run("map", "profile")[1]
        assert f"conversation: all {len(records)} records" in plain
        assert told(run, "map", "propose", code=0)["lines"] == []
