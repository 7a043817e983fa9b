"""Batch columns for tests."""

from state.spool import BatchColumns

ID = "66f0a1b2c3d4e5f60102030{}"


def columns(rows: int, *, bytes_each: int = 0) -> BatchColumns:
    made = BatchColumns.empty(2)
    for number in range(rows):
        made.keys.append(ID.format(number))
        made.parts.append(0)
        made.versions.append(number)
        made.parents[0].append("p")
        made.parents[1].append("")
        made.digests.append("00" * 16)
        made.pages.append(1)
        made.slices.append(0)
        made.payloads.append(f'"row {number} ü"'.encode() + b"x" * bytes_each)
    return made
