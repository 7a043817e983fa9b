"""Keys that may occur once: within a chunk, and among all records (facts, 3.9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from simulators.salesforce.outcomes import BadValue, FieldError
from simulators.salesforce.reading import Reader
from simulators.salesforce.shelves import Record, Shelf


def doubled(
    reader: Reader, shelf: Shelf, rows: Sequence[Mapping[str, Any]], key: str
) -> dict[int, FieldError]:
    """Numbers of the rows whose unique key another row of the chunk carries too, in whatever case.

    `key` is the field by which an upsert finds records; empty for an insert.
    """
    found = []
    for number, row in enumerate(rows):
        plan = reader.plan(shelf.definition, tuple(row), "insert")
        for spelling, column in plan.unique:
            if row[spelling]:
                found.append((number, column, str(row[spelling])))
        if key and key not in shelf.definition.unique:
            value = next((v for name, v in row.items() if name.lower() == key.lower()), None)
            if value:
                found.append((number, key, str(value)))
    counts = Counter((column, value.lower()) for _, column, value in found)
    if len(counts) == len(found):
        return {}
    return {
        number: FieldError(
            "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", (column,)
        )
        for number, column, value in found
        if counts[column, value.lower()] > 1
    }


def claim(shelf: Shelf, values: Record, own: str | None, *, short_ids: bool) -> None:
    """Make sure that the unique values of a row are free or already its own.

    Raises `BadValue` with the id of the holder, of 15 characters if `short_ids`.
    """
    for column in shelf.definition.unique:
        value = values.get(column)
        holder = shelf.holder(column, value) if value else None
        if holder is not None and holder != own:
            shown = holder[:15] if short_ids else holder
            message = f"duplicate value found: {column} duplicates value on record with id: {shown}"
            raise BadValue("DUPLICATE_VALUE", message)
