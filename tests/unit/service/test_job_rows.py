"""The rows of a job: what goes out, what is asked of them later, and how little they weigh."""

import csv
import io
import tracemalloc
from contextlib import ExitStack
from pathlib import Path

from service.aside import Aside
from service.job_rows import CompactRows, JobRows, ParentCells
from state.spool import BatchColumns, Spool
from transforms.compile import ParentField

PARENTS = (
    ParentField("conversation", ("conversation",), {"Case": "ParentId"}, True, None, False),
    ParentField("creator", ("user",), {"User": "CreatedById"}, False, None, False),
)
HEADER = b'"Kustomer_Id__c","TextBody","ParentId","CreatedById"\n'


def columns(rows: int, first: int = 0) -> BatchColumns:
    made = BatchColumns.empty(3)
    for number in range(first, first + rows):
        key = f"{number:024x}"
        made.keys.append(key)
        made.parts.append(0)
        made.versions.append(1_700_000_000_000 + number)
        made.parents[0].append(f"c{number // 5:023x}")
        made.parents[1].append("" if number % 2 else "u1")
        made.parents[2].append("")
        made.digests.append(f"{number:032x}")
        made.pages.append(1)
        made.slices.append(0)
        made.payloads.append(f'"{key}","say ""{number}"""'.encode())
    return made


def job(stack: ExitStack, spool: Spool, batches: list[BatchColumns]) -> JobRows:
    files = [spool.write("messages", each) for each in batches]
    known: dict[str, str] = {}
    readers = [
        CompactRows(stack.enter_context(spool.open(file.name, file.crc)), known) for file in files
    ]
    refs = {ref for reader in readers for ref in reader.parents[0]}
    cells = [
        ParentCells(PARENTS[0], {ref: ("Case", f"500{ref[-4:]}") for ref in refs}),
        ParentCells(PARENTS[1], {}),
    ]
    places = [(n, index) for n, reader in enumerate(readers) for index in range(len(reader.keys))]
    return JobRows(HEADER, readers, cells, places[::-1], Aside())


def test_what_goes_out_is_what_every_row_says_it_is(tmp_path: Path) -> None:
    with ExitStack() as stack:
        rows = job(stack, Spool(tmp_path), [columns(300), columns(200, 300)])
        header, *sent = csv.reader(io.StringIO(b"".join(rows.chunks()).decode()))
        assert header == ["Kustomer_Id__c", "TextBody", "ParentId", "CreatedById"]
        assert len(sent) == len(rows.rows) == 500
        for line, row in zip(sent, rows.rows, strict=True):
            cells = rows.readers[row.reader].payload(row.index) + row.suffix
            assert next(csv.reader([cells.decode()])) == line
            assert line[0] == row.key
            assert line[2] == f"500{int(row.key, 16) // 5:04x}"
            assert line[3] == ""


def test_a_row_is_found_by_its_key_with_its_version_and_digest(tmp_path: Path) -> None:
    with ExitStack() as stack:
        rows = job(stack, Spool(tmp_path), [columns(30), columns(20, 30)])
        facts = rows.facts()
        assert len(facts) == 50
        for number in range(50):
            key = f"{number:024x}"
            assert facts[key, 0] == (1_700_000_000_000 + number, bytes.fromhex(f"{number:032x}"))
        assert ("absent", 0) not in facts
        assert facts.get((f"{1:024x}", 1)) is None
        assert set(facts) == set(rows.places())
        assert set(facts) == {(f"{number:024x}", 0) for number in range(50)}


def test_a_job_that_waits_takes_under_250_bytes_a_row(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with ExitStack() as stack:
        tracemalloc.start()
        try:
            rows = job(stack, spool, [columns(1_500, 1_500 * number) for number in range(4)])
            size = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert size / len(rows.rows) < 250


def test_rows_that_are_left_out_do_not_go(tmp_path: Path) -> None:
    with ExitStack() as stack:
        rows = job(stack, Spool(tmp_path), [columns(30), columns(20, 30)])
        gone = {(f"{number:024x}", 0) for number in (0, 7, 31, 49)}
        rows.leave_out(gone)
        _, *sent = csv.reader(io.StringIO(b"".join(rows.chunks()).decode()))
        assert len(sent) == len(rows.rows) == 46
        assert not gone & {(line[0], 0) for line in sent}
