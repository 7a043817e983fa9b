"""Whatever the order of events, the books conserve records and the spool gives back its rows."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from state.keys import decode_id, encode_id, encode_ids
from state.ledger import Ledger
from state.rows import RowEntry, RowState
from state.spool import BatchColumns, Spool

any_text = st.text(st.characters(exclude_categories=()), max_size=30)
text = st.text(max_size=30)
object_id = st.binary(min_size=12, max_size=12).map(bytes.hex)
near_object_id = st.binary(min_size=9, max_size=13).map(lambda raw: raw.decode("latin-1"))


@given(st.lists(st.one_of(object_id, any_text, near_object_id), unique=True))
def test_keys_are_one_to_one(ids: list[str]) -> None:
    keys = encode_ids(ids)
    assert keys == [encode_id(each) for each in ids]
    assert len(set(keys)) == len(ids)
    assert [decode_id(key) for key in keys] == ids


row = st.tuples(text, st.integers(0, 9), st.integers(0, 2**53), text, text, st.binary(max_size=200))


@settings(deadline=None)
@given(st.lists(row, max_size=40))
def test_a_batch_file_is_a_round_trip(rows: list[tuple[str, int, int, str, str, bytes]]) -> None:
    columns = BatchColumns.empty(2)
    for number, (key, part, version, parent, match_key, payload) in enumerate(rows):
        columns.keys.append(key)
        columns.parts.append(part)
        columns.versions.append(version)
        columns.parents[0].append(parent)
        columns.parents[1].append(match_key)
        columns.digests.append(f"{number:032x}")
        columns.pages.append(number)
        columns.slices.append(0)
        columns.payloads.append(payload)
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        file = spool.write("x", columns)
        with spool.open(file.name, file.crc) as reader:
            assert (reader.keys, reader.parts, reader.parents) == (
                columns.keys,
                columns.parts,
                columns.parents,
            )
            assert reader.versions == columns.versions
            assert [reader.payload(n) for n in range(len(rows))] == columns.payloads


# An event is (what happens, to which record, and whether its transaction is rolled back).
fate = st.sampled_from(["load", "match", "hold", "fail", "pend", "skip", "see again"])
event = st.tuples(fate, st.integers(0, 7), st.booleans())
ROW_STATES: dict[str, RowState] = {"hold": "held", "fail": "failed", "pend": "pending"}


class _Abort(Exception):
    pass


@settings(deadline=None, max_examples=60)
@given(st.lists(event, max_size=40))
def test_books_conserve_records_whatever_happens_in_whatever_order(
    events: list[tuple[str, int, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), events))


async def _play(folder: Path, events: list[tuple[str, int, bool]]) -> None:
    model: dict[int, str] = {}
    seen = duplicates = 0
    async with Ledger.open(folder, clock=lambda: 0.0) as ledger:
        for what, number, rolled_back in events:
            try:
                await _happen(ledger, model, what, number, rolled_back)
            except _Abort:
                continue
            first = number not in model
            seen += first or what == "see again"
            duplicates += what == "see again" and not first
            model[number] = _after(model.get(number), what)
        book = await ledger.books.read("p")
        places = list(model.values())
        assert (book.extracted, book.duplicates) == (seen, duplicates)
        assert (book.loaded, book.matched) == (places.count("load"), places.count("match"))
        assert sum(book.held.values()) == places.count("hold")
        assert sum(book.failed.values()) == places.count("fail")
        assert sum(book.skipped.values()) == places.count("skip")
        assert book.difference == book.pending == places.count("pend")
        assert book.balanced == ("pend" not in places)
        assert await ledger.crosswalk.count("k") == book.loaded + book.matched


def _after(before: str | None, what: str) -> str:
    """Loaded, matched and skipped are ends; what is set apart can still move among its states."""
    if before in ("load", "match", "skip"):
        return before
    if what == "see again":
        return before or "pend"
    if before is not None and what == "skip":
        return before
    return what


async def _happen(
    ledger: Ledger, model: dict[int, str], what: str, number: int, rolled_back: bool
) -> None:
    """Do in one transaction what the service does for a record of this fate."""
    key, before = f"{number:024x}", model.get(number)
    async with ledger.write() as tx:
        if before is None or what == "see again":
            await ledger.books.add(tx, "p", extracted=1)
        if before is not None and what == "see again":
            await ledger.books.add(tx, "p", duplicates=1)
        after = _after(before, what)
        if after in ("load", "match"):  # doing it again must count nothing again
            origin = "loaded" if after == "load" else "matched"
            new = await ledger.crosswalk.learn(
                tx, "k", "Case", [(key, 0, "500", 0, b"")], origin=origin, job=1
            )
            loaded, matched = (new, 0) if after == "load" else (0, new)
            await ledger.books.add(tx, "p", loaded=loaded, matched=matched)
            await ledger.rows.assign_job(tx, "p", [(key, 0)], 1)
            await ledger.rows.clear_of_job(tx, "p", 1)
        elif after == "skip":
            if before is None:
                await ledger.books.add_reason(tx, "p", "skipped", "deleted", 1)
        else:
            entry = RowEntry("p", key, 0, ROW_STATES[after], "why", "", "", None)
            assert await ledger.rows.put(tx, [entry]) == (before is None)
        if rolled_back:
            raise _Abort
