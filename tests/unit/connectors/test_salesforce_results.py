"""Result files of ingest jobs, against the csv module as the oracle."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import BadReply
from connectors.salesforce.results import (
    Failure,
    existing_id,
    parse_error,
    read_failures,
    read_rows,
    read_successes,
    to_18,
)
from connectors.salesforce.table import TableReader

KEY = "Kustomer_Id__c"
NASTY = st.text(
    st.one_of(
        st.sampled_from('",\n\r aA0é\U0001f642'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
# Cells that try to look like the start of a row.
BAIT = st.sampled_from(
    [
        '\n"500000000000001AAA","true","k"',
        '\n500000000000001AAA","true","k',
        '"500000000000001AAA","true","k",',
        '\n"',
        "\n",
        '"\n"',
        'a\n"500000000000001',
    ]
)
CELL = st.one_of(NASTY, BAIT, st.tuples(NASTY, BAIT, NASTY).map("".join))
ID = st.sampled_from(["500000000000001", "500000000000001AAA", "00Qa0000001AbCdEAK"])
ROW = st.tuples(ID, st.sampled_from(["true", "false"]), CELL, CELL, CELL)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def quoted(
    rows: Sequence[Sequence[str]], *, quoting: Any = csv.QUOTE_ALL, end: str = "\n"
) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)
    return out.getvalue().encode()


async def cut(data: bytes, sizes: Sequence[int]) -> AsyncIterator[bytes]:
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


async def gathered(lists: AsyncIterator[list[Any]]) -> list[Any]:
    return [each async for some in lists for each in some]


def run(work: Callable[[], Any]) -> Any:
    """Run what never really waits, without the cost of an event loop for each example."""
    try:
        work().send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, max_size=8), CUTS, st.booleans())
def test_scanning_finds_the_rows_that_the_csv_module_finds(
    rows: list[tuple[str, ...]], cuts: list[int], ended: bool
) -> None:
    data = quoted([("sf__Id", "sf__Created", KEY, "Body", "Other"), *rows])
    data = data if ended else data[:-1]
    found = run(lambda: gathered(read_successes(cut(data, cuts), key_column=KEY)))
    assert found == [(key, target, made == "true") for target, made, key, *_ in rows]


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, max_size=6), CUTS, st.sampled_from(["\n", "\r\n"]))
def test_columns_in_another_order_are_read_whole(
    rows: list[tuple[str, ...]], cuts: list[int], end: str
) -> None:
    shown = [(body, target, made, key) for target, made, key, body, _ in rows]
    data = quoted([("Body", "sf__Id", "sf__Created", KEY), *shown], end=end)
    found = run(lambda: gathered(read_successes(cut(data, cuts), key_column=KEY)))
    assert found == [(key, target, made == "true") for _, target, made, key in shown]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=6),
    CUTS,
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_a_table_in_any_cuts_is_what_the_csv_module_reads(
    rows: list[list[str]], cuts: list[int], quoting: int
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # the writer leaves a lone carriage return bare
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    data = quoted(rows, quoting=quoting)
    expected = [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]
    reader = TableReader()

    async def read() -> list[list[str]]:
        found = [row async for piece in cut(data, cuts) for row in reader.feed(piece)]
        return found + reader.end()

    assert run(read) == expected


async def test_unquoted_cells_are_read_whole() -> None:
    data = b'"sf__Id","sf__Created","Kustomer_Id__c"\n500000000000001AAA,true,a1\n'
    found = await gathered(read_successes(cut(data, [7]), key_column=KEY))
    assert found == [("a1", "500000000000001AAA", True)]


@pytest.mark.parametrize("data", [b"", b"\n", b'"sf__Id","sf__Created","Kustomer_Id__c"\n'])
async def test_an_empty_result_holds_no_rows(data: bytes) -> None:
    assert await gathered(read_successes(cut(data, [5]), key_column=KEY)) == []
    assert await gathered(read_failures(cut(data, [5]))) == []
    assert await gathered(read_rows(cut(data, [5]))) == []


async def test_successes_come_in_lists_of_some_thousands() -> None:
    rows = [(f"5000000{n:08d}AAA", "true", f"k{n}") for n in range(5_000)]
    data = quoted([("sf__Id", "sf__Created", KEY), *rows])
    sizes = [len(some) async for some in read_successes(cut(data, [4096]), key_column=KEY)]
    assert sum(sizes) == 5_000
    assert max(sizes) < 2_200
    assert len(sizes) == 3


async def test_a_huge_cell_leaves_nothing_in_memory() -> None:
    cell = "text without an end " * 50_000
    data = quoted([("sf__Id", "sf__Created", KEY, "Body"), ("5" * 18, "true", "k", cell)] * 1)
    found = await gathered(read_successes(cut(data, [65_536]), key_column=KEY))
    assert found == [("k", "5" * 18, True)]


@pytest.mark.parametrize(
    "data",
    [
        b'"sf__Id","sf__Created","Kustomer_Id__c"\n"50000000000',
        b'"sf__Id","sf__Created","Kustomer_Id__c"\n"500000000000001AAA","true","a1',
        b'"sf__Id","Kustomer_Id__c"\n"500000000000001AAA","a1"\n',
        b'"sf__Id","sf__Created","Other"\n"500000000000001AAA","true","a1"\n',
        b'"sf__Id","sf__Created","Other","Kustomer_Id__c"\n"500000000000001AAA","true"\n',
        b'"sf__Id","sf__Created","Kustomer_Id__c"\n"500000000000001AAA","true","\xff"\n',
        b"<html><body>maintenance</body></html>\n",
    ],
)
async def test_what_is_no_whole_result_is_refused(data: bytes) -> None:
    with pytest.raises(BadReply):
        await gathered(read_successes(cut(data, [1_000]), key_column=KEY))


@pytest.mark.parametrize(
    "data",
    [
        b'"sf__Id","sf__Error","A"\n"","X:y:--","cut sho',
        b'"sf__Id","sf__Error","A"\n"","X:y:--"\n',
        b'"sf__Id","A","A"\n"","x","y"\n',
        b'"sf__Id","A"\n"","x"\n',
        b'"sf__Id","sf__Error"\n"a"b,"c"\n',
        b'"sf__Id","sf__Error"\n"\xc3\x28","c"\n',
    ],
)
async def test_a_broken_list_of_failures_is_refused(data: bytes) -> None:
    with pytest.raises(BadReply):
        await gathered(read_failures(cut(data, [9])))


async def test_failures_carry_code_message_fields_and_cells() -> None:
    error = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    data = quoted([("sf__Id", "sf__Error", KEY, "Email"), ("", error, "a1", 'x"y\nz')])
    assert await gathered(read_failures(cut(data, [3]))) == [
        Failure(
            "",
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            ("LastName",),
            {KEY: "a1", "Email": 'x"y\nz'},
        )
    ]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("INVALID_FIELD:key: 1 not found:--", ("INVALID_FIELD", "key: 1 not found", ())),
        ("X_Y:a:b:One,Two --", ("X_Y", "a:b", ("One", "Two"))),
        (
            "UNKNOWN_EXCEPTION:oh: no colon at the end",
            ("UNKNOWN_EXCEPTION", "oh: no colon at the end", ()),
        ),
        ("DELETE_FAILED:", ("DELETE_FAILED", "", ())),
        ("what a person wrote", ("UNKNOWN", "what a person wrote", ())),
        ("", ("UNKNOWN", "", ())),
    ],
)
def test_an_error_text_is_split_at_its_outer_colons(text: str, parsed: object) -> None:
    assert parse_error(text) == parsed


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            "duplicate value found: K__c duplicates value on record with id: 0065g00000AbCdE",
            "0065g00000AbCdE",
        ),
        ("duplicates value on record with id: 0065g00000AbCdEAAQ", "0065g00000AbCdEAAQ"),
        ("duplicates value on record with id: <unknown>", None),
        ("duplicates value on record with id: 0065g00000AbCdEA", None),
        ("Duplicate external id specified: 0065g00000AbCdE", None),
    ],
)
def test_a_duplicates_text_names_the_record(message: str, named: str | None) -> None:
    assert existing_id(message) == named


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("001D000000IqhSLIAZ", "001D000000IqhSLIAZ"),
        ("012000000000000", "012000000000000AAA"),
        ("", ""),
    ],
)
def test_a_short_id_gets_its_checksum(short: str, long: str) -> None:
    assert to_18(short) == long
