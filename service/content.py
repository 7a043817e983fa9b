"""Recognising a row by its content, where the target cannot carry our key (CaseComment).

Results echo the cells as they were sent (salesforce facts, 3.8). Rows that are equal in every
cell are interchangeable, so any of them may take any of their ids.
"""

import csv
import io
from collections.abc import Sequence
from hashlib import blake2b

from service.assemble import JobRow, JobRows


def content_key(columns: Sequence[str], values: Sequence[str]) -> bytes:
    """Sixteen bytes that stand for one row's cells, in the order of `columns`."""
    digest = blake2b(digest_size=16)
    for name, value in zip(columns, values, strict=True):
        digest.update(name.encode())
        digest.update(b"\x00")
        digest.update(value.encode())
        digest.update(b"\x01")
    return digest.digest()


def sent_columns(rows: JobRows) -> list[str]:
    """The columns of a job's rows, in their order."""
    return next(csv.reader(io.StringIO(rows.header.decode())))


def sent_cells(rows: JobRows, row: JobRow) -> list[str]:
    """The cells of one row of a job, as Salesforce will echo them."""
    line = bytes(rows.readers[row.reader].payload(row.index)) + row.suffix
    return next(csv.reader(io.StringIO(line.decode(), newline="")))
