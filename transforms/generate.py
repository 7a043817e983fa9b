"""Writes one function per table that makes all cells of a row: the hot path of a migration.

A call per cell is what mapping costs most, so the generated function settles in place what most
records are: plain text (short, printable, no quote, not blank) is taken as it is, and a line whose
source is not there gets its empty cell. Everything else is for the cell's own function, which gives
the same wherever both could answer. A value that several columns show is made once. For the lines
`Status: attributes.status` (255 characters) and `CcAddress: attributes.meta.cc` it reads:

    v3 = get("status")
    if type(v3) is not str or not (
        len(v3) <= 255 and v3[:1] > " " and '"' not in v3 and v3.isprintable()
    ):
        v3 = "" if v3 is None else cell3(record)
    v4 = cell4(record) if type(o0) is not dict or o0.get("cc") else ""
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from transforms.record import Cell, Record

RowMaker = Callable[[Record], list[str]]
Blank = Literal["none", "falsy"]


@dataclass(frozen=True)
class Maker:
    """One distinct cell, and what is known of it beforehand.

    `paths`: where its value comes from. `plain`: it is plain text of up to `length` characters (0:
    any). `blank`: a source that is None, or anything empty, gives the finished cell `absent`.
    `shortened`: it keeps the whole of that other cell (its number) once that has `length` characters.
    `noted`: it is empty unless the record's memo has this by then.
    """

    cell: Cell
    paths: tuple[str, ...] = ()
    length: int = 0
    plain: bool = False
    blank: Blank | None = None
    absent: str = ""
    shortened: int | None = None
    noted: str = ""


def row_maker(makers: Sequence[Maker], order: Sequence[int]) -> RowMaker:
    """Return a function from a record to its cells in the order of the columns; raises `Hold`."""
    writer = _Writer()
    for number, maker in enumerate(makers):
        writer.add(number, maker)
    lines = [
        "def make(record):",
        "    get = record.attributes.get",
        *writer.objects(),
        *writer.lines,
    ]
    lines.append(f"    return [{', '.join(f'v{number}' for number in order)}]")
    names: dict[str, object] = {f"cell{n}": maker.cell for n, maker in enumerate(makers)}
    # The text is made of numbers, quoted names of attributes and quoted constants of the map; nothing
    # of a record gets in.
    exec(compile("\n".join(lines), "<row of a table>", "exec"), names)  # noqa: S102
    made: RowMaker = names["make"]  # type: ignore[assignment]
    return made


class _Writer:
    """The lines of one function. Objects that several paths go into are fetched once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._objects: dict[str, str] = {}

    def objects(self) -> list[str]:
        return [f"    {name} = get({each!r})" for each, name in self._objects.items()]

    def add(self, number: int, maker: Maker) -> None:
        paths = [path.split(".")[1:] for path in maker.paths if path.startswith("attributes.")]
        simple = len(paths) == len(maker.paths) and all(0 < len(path) <= 2 for path in paths)
        value, call = f"v{number}", f"cell{number}(record)"
        if maker.shortened is not None:
            line = f'{value} = "" if len(v{maker.shortened}) < {maker.length} else {call}'
            self.lines.append(f"    {line}")
        elif maker.noted:
            self.lines.append(f'    {value} = {call} if {maker.noted!r} in record.memo else ""')
        elif maker.plain and simple and paths:
            self._plain(value, call, paths, maker)
        elif maker.blank and simple and paths:
            there = " or ".join(self._there(path, maker.blank) for path in paths)
            self.lines.append(f"    {value} = {call} if {there} else {maker.absent!r}")
        else:
            self.lines.append(f"    {value} = {call}")

    def _plain(self, value: str, call: str, paths: list[list[str]], maker: Maker) -> None:
        fits = f"len({value}) <= {maker.length} and " if maker.length else ""
        first, *others = (self._value(path) for path in paths)
        self.lines.append(f"    {value} = {first}")
        for other in others:
            self.lines.append(f'    if {value} is None or {value} == "":')
            self.lines.append(f"        {value} = {other}")
        self.lines += [
            f"    if type({value}) is not str or not (",
            f"""        {fits}{value}[:1] > " " and '"' not in {value} and {value}.isprintable()""",
            "    ):",
            f"        {value} = {maker.absent!r} if {value} is None else {call}",
        ]

    def _value(self, path: list[str]) -> str:
        """An expression for the value; `...`, which is no value, where only the cell can tell."""
        if len(path) == 1:
            return f"get({path[0]!r})"
        name = self._object(path[0])
        return (
            f"{name}.get({path[1]!r}) if type({name}) is dict else None if {name} is None else ..."
        )

    def _there(self, path: list[str], blank: Blank) -> str:
        """A condition that is true where the value may be there."""
        is_there = " is not None" if blank == "none" else ""
        if len(path) == 1:
            return f"get({path[0]!r}){is_there}"
        name = self._object(path[0])
        there = f"{name}.get({path[1]!r}){is_there}"
        return f"({there} if type({name}) is dict else {name} is not None)"

    def _object(self, attribute: str) -> str:
        return self._objects.setdefault(attribute, f"o{len(self._objects)}")
