"""The rows of one ingest job: where they lie, in what order they go out, and what they came from."""

from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar, overload

from service.aside import Aside
from state.spool import BatchReader
from transforms.compile import ParentField

_YIELD_BYTES = 512_000
_LET_GO_BYTES = 8_000_000
Target = tuple[str, str]
Value = TypeVar("Value")


class RowReader(Protocol):
    """Columns of rows: a batch file, or loose rows out of the ledger."""

    @property
    def keys(self) -> Sequence[str]:
        """Source ids."""
        ...

    @property
    def parts(self) -> Sequence[int]:
        """0, or the number of a split record's later part."""
        ...

    @property
    def versions(self) -> Sequence[int]:
        """The source's updatedAt in epoch ms."""
        ...

    @property
    def parents(self) -> Sequence[Sequence[str]]:
        """References, one column per parent field, and a last one of match keys."""
        ...

    @property
    def digests(self) -> Sequence[str]:
        """Digests of the rows, hexadecimal."""
        ...

    def payload(self, index: int) -> bytes:
        """The CSV cells of row `index`."""
        ...


@dataclass(slots=True)
class JobRow:
    """One row to send: where its cells are."""

    reader: int
    index: int
    key: str
    part: int
    job: "JobRows" = field(repr=False, compare=False)

    @property
    def suffix(self) -> bytes:
        """The cells of its parents, and the line's end."""
        return self.job.suffix(self.reader, self.index)


class CompactRows:
    """A batch file's columns in half the room: four jobs of 50,000 rows are in memory at a time."""

    def __init__(self, reader: BatchReader, known: dict[str, str]) -> None:
        """Take the columns over; `known` shares equal texts between the readers of a job."""
        self.keys = reader.keys
        self.parts: Sequence[int] = (
            bytes(reader.parts) if max(reader.parts, default=0) < 256 else reader.parts
        )
        self.versions = array("q", reader.versions)
        self.parents = [
            [known.setdefault(each, each) for each in column] for column in reader.parents
        ]
        self.digests = Digests(reader.digests)
        self._reader = reader
        reader.pages = reader.slices = reader.versions = reader.parts = []
        reader.parents = []
        reader.digests = []

    def payload(self, index: int) -> bytes:
        """The CSV cells of row `index`."""
        return self._reader.payload(index)

    def let_go(self) -> None:
        """Give back the memory that reading the payloads took; reading goes on."""
        self._reader.let_go()


class Digests(Sequence[str]):
    """Digests of one length, as bytes."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._size = len(digests[0]) // 2 if digests else 0
        self._bytes = bytes.fromhex("".join(digests))
        self._count = len(digests)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(self._count))]
        return self.raw(range(self._count)[at]).hex()

    def raw(self, index: int) -> bytes:
        """Digest `index`, which counts from the start, as bytes."""
        place = index * self._size
        return self._bytes[place : place + self._size]


class ParentCells:
    """The CSV cells of one parent field for each distinct reference, made once.

    `leads`: its cells are the first of the row, with no cell before them to be parted from. `given`: what
    the parents give, by reference; of what does not fit nothing goes out, and `unfit` names the columns.
    """

    def __init__(
        self,
        parent: ParentField,
        targets: Mapping[str, Target],
        *,
        leads: bool = False,
        given: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        self.name = parent.name
        self.required = parent.required
        self.unfit: dict[str, list[str]] = {}
        columns = parent.wide
        self._cells: dict[str, bytes] = {}
        for ref, (table, target_id) in targets.items():
            column = parent.columns.get(table)
            if column is not None:
                filled = {column: target_id}
                if ref in given:
                    filled |= self._taken_over(parent, table, ref, given[ref])
                self._cells[ref] = _row_cells(columns, filled)[leads:]
        default = {columns[0]: parent.default} if parent.default else {}
        self._absent = _row_cells(columns, default)[leads:]

    def _taken_over(
        self, parent: ParentField, table: str, ref: str, given: Mapping[str, str]
    ) -> dict[str, str]:
        """What a parent gives, by the column that it fills; it is whole or not there."""
        found = {}
        for column, name, most in parent.supplied.get(table, ()):
            text = given.get(name, "")
            if most and len(text.replace('""', '"')) > most:
                self.unfit.setdefault(ref, []).append(column)
            else:
                found[column] = text
        return found

    def sent(self, ref: str) -> bytes:
        """The cells that go out for `ref`."""
        return self._cells.get(ref, self._absent)

    def missing(self, refs: Iterable[str]) -> set[str]:
        """Those references whose rows must wait, because the parent is not there."""
        return {ref for ref in refs if ref and ref not in self._cells} if self.required else set()


def _row_cells(columns: Sequence[str], filled: Mapping[str, str]) -> bytes:
    return "".join(f',"{filled.get(column, "")}"' for column in columns).encode()


class JobRows:
    """What one job sends, in order, and what was set aside while putting it together.

    A job waits in Salesforce for minutes, several at a time, so it is kept small: places of rows
    (`readers` and positions in them), not rows. `changes`: its rows change records that are there.
    `moves`: they make records that others, which are there, become.
    """

    def __init__(
        self,
        header: bytes,
        readers: Sequence[RowReader],
        cells: Sequence[ParentCells],
        places: Sequence[tuple[int, int]],
        aside: Aside,
        *,
        changes: bool = False,
        moves: bool = False,
    ) -> None:
        self.header = header
        self.readers = readers
        self.aside = aside
        self.changes = changes
        self.moves = moves
        self._cells = cells
        self._reader_of = array("I", [number for number, _ in places])
        self._index_of = array("I", [index for _, index in places])

    @property
    def of_known(self) -> bool:
        """Whether the records of its rows are in the crosswalk already."""
        return self.changes or self.moves

    @property
    def rows(self) -> Sequence[JobRow]:
        """The rows, each made when it is asked for."""
        return _Rows(self)

    def __len__(self) -> int:
        return len(self._index_of)

    def row(self, position: int) -> JobRow:
        """Row `position` of the job."""
        number, index = self._reader_of[position], self._index_of[position]
        reader = self.readers[number]
        return JobRow(number, index, reader.keys[index], reader.parts[index], self)

    def suffix(self, number: int, index: int) -> bytes:
        """The cells of the parents of a reader's row, and the line's end."""
        parents = zip(self._cells, self.readers[number].parents, strict=False)
        return b"".join(cells.sent(column[index]) for cells, column in parents) + b"\n"

    def places(self) -> Iterator[tuple[str, int]]:
        """(source id, part) of every row."""
        for number, index in zip(self._reader_of, self._index_of, strict=True):
            reader = self.readers[number]
            yield reader.keys[index], reader.parts[index]

    def leave_out(self, places: Container[tuple[str, int]]) -> None:
        """Take rows out of the job, by (source id, part)."""
        kept = [position for position, place in enumerate(self.places()) if place not in places]
        self._reader_of = array("I", [self._reader_of[position] for position in kept])
        self._index_of = array("I", [self._index_of[position] for position in kept])

    def chunks(self) -> Iterator[bytes]:
        """The CSV, header first, in pieces of about half a megabyte."""
        pieces: list[bytes] = [self.header]
        size = len(self.header)
        unreleased = 0
        readers = [
            (reader.payload, [*zip(self._cells, reader.parents, strict=False)])
            for reader in self.readers
        ]
        for number, index in zip(self._reader_of, self._index_of, strict=True):
            payload, parents = readers[number]
            row = payload(index)
            pieces.append(row)
            pieces += [cells.sent(column[index]) for cells, column in parents]
            pieces.append(b"\n")
            size += len(row)
            if size >= _YIELD_BYTES:
                yield b"".join(pieces)
                pieces.clear()
                unreleased += size
                size = 0
                if unreleased >= _LET_GO_BYTES:
                    self._let_go()
                    unreleased = 0
        self._let_go()
        if pieces:
            yield b"".join(pieces)

    def facts(self) -> Mapping[tuple[str, int], tuple[int, bytes]]:
        """Version (epoch ms) and digest of each row sent, by (source id, part)."""
        columns = [(reader.versions, reader.digests) for reader in self.readers]
        reader_of, index_of = self._reader_of, self._index_of

        def facts_of(position: int) -> tuple[int, bytes]:
            versions, digests = columns[reader_of[position]]
            index = index_of[position]
            if isinstance(digests, Digests):
                return versions[index], digests.raw(index)
            return versions[index], bytes.fromhex(digests[index])

        return _ByKey(self, facts_of)

    def positions(self) -> dict[str | tuple[str, int], int]:
        """Positions by source id; those of later parts by (source id, part)."""
        found: dict[str | tuple[str, int], int] = {}
        for position, place in enumerate(zip(self._reader_of, self._index_of, strict=True)):
            reader = self.readers[place[0]]
            key, part = reader.keys[place[1]], reader.parts[place[1]]
            found[(key, part) if part else key] = position
        return found

    def _let_go(self) -> None:
        for reader in self.readers:
            if isinstance(reader, CompactRows):
                reader.let_go()


class _Rows(Sequence[JobRow]):
    def __init__(self, rows: JobRows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> JobRow: ...
    @overload
    def __getitem__(self, at: slice) -> list[JobRow]: ...
    def __getitem__(self, at: int | slice) -> JobRow | list[JobRow]:
        if isinstance(at, slice):
            return [self._rows.row(position) for position in range(*at.indices(len(self)))]
        return self._rows.row(range(len(self))[at])


class _ByKey(Mapping[tuple[str, int], Value], Generic[Value]):
    """Something of each row, made when asked for."""

    def __init__(self, rows: JobRows, make: Callable[[int], Value]) -> None:
        self._rows = rows
        self._make = make

    @cached_property
    def _positions(self) -> dict[str | tuple[str, int], int]:
        return self._rows.positions()

    def __getitem__(self, place: tuple[str, int]) -> Value:
        key, part = place
        return self._make(self._positions[place if part else key])

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((each, 0) if isinstance(each, str) else each for each in self._positions)

    def __len__(self) -> int:
        return len(self._positions)
