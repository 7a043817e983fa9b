"""Writes one function per table that makes all cells of a row: the hot path of a migration.

A call per cell is what mapping costs most. The generated function holds the plain case of plain
text lines in place (short, printable, no quote, not blank), calls the cell for everything else, and
makes a value that several columns show only once. For a line `Status: attributes.status` of a field
with 255 characters it reads:

    v3 = get("status")
    if type(v3) is not str or not (
        len(v3) <= 255 and v3[:1] > " " and '"' not in v3 and v3.isprintable()
    ):
        v3 = cell3(record)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transforms.record import Cell, Record

RowMaker = Callable[[Record], list[str]]


@dataclass(frozen=True)
class Maker:
    """One distinct cell; `attribute` is set where it is plain text of that attribute.

    `length`: the field's, in characters (0: none). The cell gives the same as the plain case does.
    """

    cell: Cell
    attribute: str | None = None
    length: int = 0


def row_maker(makers: Sequence[Maker], order: Sequence[int]) -> RowMaker:
    """Return a function from a record to its cells in the order of the columns; raises `Hold`."""
    lines = ["def make(record):", "    get = record.attributes.get"]
    for number, maker in enumerate(makers):
        lines += _plain_text(number, maker) if maker.attribute else [_call(number)]
    lines.append(f"    return [{', '.join(f'v{number}' for number in order)}]")
    names: dict[str, object] = {f"cell{n}": maker.cell for n, maker in enumerate(makers)}
    # The text is made of numbers and quoted attribute names only; nothing of a record gets in.
    exec(compile("\n".join(lines), "<row of a table>", "exec"), names)  # noqa: S102
    made: RowMaker = names["make"]  # type: ignore[assignment]
    return made


def _call(number: int) -> str:
    return f"    v{number} = cell{number}(record)"


def _plain_text(number: int, maker: Maker) -> list[str]:
    value = f"v{number}"
    fits = f"len({value}) <= {maker.length} and " if maker.length else ""
    return [
        f"    {value} = get({maker.attribute!r})",
        f"    if type({value}) is not str or not (",
        f"""        {fits}{value}[:1] > " " and '"' not in {value} and {value}.isprintable()""",
        "    ):",
        f"        {value} = cell{number}(record)",
    ]
