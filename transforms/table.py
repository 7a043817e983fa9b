"""One compiled table: from a record to one row, or several where a text is split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from transforms.block import RowSet
from transforms.errors import Hold
from transforms.fingerprint import fingerprint, length_marked, mark, seed
from transforms.generate import RowMaker
from transforms.match_keys import Matching
from transforms.moments import epoch_ms
from transforms.record import Cell, Getter, Record
from transforms.references import ParentField, parent_mark
from transforms.rules import UNFIT
from transforms.shape import FieldShape
from transforms.split import split_text

# A row of a Bulk 2.0 job may have this many characters (salesforce facts, 3.5).
ROW_CHARS = 400_000
SEALED = frozenset({"EmailMessage"})


@dataclass(frozen=True)
class Table:
    """A target object's columns, in CSV order (the key first), and how rows are made.

    `shapes`: the field behind each column, those of parents among them. The columns of the numbers
    `volatile` move without the record's having changed. `make` gives all cells of a row,
    `cells` one by one, to say which of them holds a record. `each` reads the list of which every element
    makes a row. A table of `changes` makes no row that would change nothing. `match_key` writes the keys
    by which a record is known again, `matching` says among what. `retired` is the field that names what a
    record became, where the org has it. `supplies` makes what a record gives the children that name it.
    """

    object: str
    columns: tuple[str, ...]
    parents: tuple[ParentField, ...]
    key_column: str | None
    make: RowMaker
    cells: tuple[Cell, ...]
    references: tuple[Callable[[Record], str], ...]
    match_key: Callable[[Record], str] | None = None
    split_at: int | None = None
    split_bytes: int = 0
    each: Getter | None = None
    changes: bool = False
    shapes: Mapping[str, FieldShape] = field(default_factory=dict)
    volatile: tuple[int, ...] = ()
    matching: Matching | None = None
    retired: str = ""
    supplies: Mapping[str, Cell] = field(default_factory=dict)

    @cached_property
    def cell_seeds(self) -> tuple[tuple[int, int, int | None], ...]:
        """Number, seed and length of each column that can be changed, but of those that move."""
        return tuple(
            (number, seed(name), length_marked(self.shapes[name].type))
            for number, name in enumerate(self.columns)
            if number not in self.volatile and self.can_change(name)
        )

    @cached_property
    def parent_seeds(self) -> tuple[tuple[int, int], ...]:
        """Number and seed of each parent field that can be changed."""
        return tuple(
            (number, seed(parent_mark(parent.name)))
            for number, parent in enumerate(self.parents)
            if any(c in self.shapes and self.can_change(c) for c in parent.columns.values())
        )

    @cached_property
    def followed(self) -> bool:
        """Whether a record that is there already can be changed when its row comes out differently.

        A row of a list has no identity that would last; one without a key cannot be named in results.
        """
        if self.each is not None or self.key_column is None:
            return False
        return any(self.can_change(name) for name in self.shapes if name != self.key_column)

    def can_change(self, column: str) -> bool:
        """Whether a column can be set on a record that is there already.

        An e-mail is read-only once it is no draft, but for custom fields, whatever its describe says
        (salesforce facts, 7.2).
        """
        shape = self.shapes[column]
        return shape.updateable and (shape.custom or self.object not in SEALED)

    def add(self, record: Record, rows: RowSet) -> None:
        """Append the record's row or rows; raises `Hold`, and appends nothing then.

        A table with `each` makes one row for each element of a list, none where there is none;
        elements that come to the same row make one.
        """
        if self.each is None:
            made = self._made(record)
        else:
            found = self.each(record)
            elements = found if isinstance(found, list) else [found]
            every = []
            for element in elements:
                record.each = element
                if element is not None and element != "":
                    every += self._made(record)
            made = list(dict.fromkeys(every))
        match_key = self.match_key(record) if self.match_key is not None else ""
        version = epoch_ms(record.attributes.get("updatedAt"))
        source_id = record.row["id"]
        for part, (payload, references, digest) in enumerate(made):
            rows.keys.append(source_id)
            rows.parts.append(part)
            rows.versions.append(version)
            rows.payloads.append(payload)
            rows.digests.append(digest)
            rows.match_keys.append("" if part else match_key)
            for number, column in enumerate(rows.parents):
                column.append(references[number])

    def given(self, record: Record) -> Mapping[str, str]:
        """What a record that made rows gives its children, finished cells by name."""
        return {name: text for name, make in self.supplies.items() if (text := make(record))}

    def _made(self, record: Record) -> list[tuple[bytes, tuple[str, ...], str]]:
        """The cells, the references and the fingerprint of each row of a record."""
        try:
            cells = self.make(record)
        except Hold as hold:
            raise self._located(record, hold) from None
        references = tuple([make(record) for make in self.references])
        if self.changes and not self._says_something(cells, references):
            return []
        trailer = ("\x1f" + "\x1f".join(references)).encode() + self._taken_over
        payloads = self._payloads(cells)
        marks: list[int] = []
        if self.followed:
            marks = [mark(seeded, cells[number][:most]) for number, seeded, most in self.cell_seeds]
            marks += [mark(seeded, references[number]) for number, seeded in self.parent_seeds]
        return [
            (payload, references, fingerprint(self._stable(payload, cells) + trailer, marks))
            for payload in payloads
        ]

    @cached_property
    def _taken_over(self) -> bytes:
        """Tells rows that take over values of parents from those of a map by which they did not."""
        given = [f"{parent.name}.{each}" for parent in self.parents for each in parent.given]
        return ("\x1e" + "\x1e".join(given)).encode() if given else b""

    def _stable(self, payload: bytes, cells: Sequence[str]) -> bytes:
        """A row without what moves while nothing is changed; such columns stand near its end."""
        end = len(payload)
        for number in reversed(range(min(self.volatile, default=len(cells)), len(cells))):
            start = end - len(cells[number].encode()) - 3
            if number in self.volatile:
                payload = payload[:start] + payload[end:]
            end = start
        return payload

    def _says_something(self, cells: Sequence[str], references: Sequence[str]) -> bool:
        """Whether a change would change anything: the record itself and its key are no news."""
        named = any(
            reference
            for parent, reference in zip(self.parents, references, strict=True)
            if "Id" not in parent.columns.values()
        )
        filled = zip(self.columns, cells, strict=True)
        return named or any(cell for column, cell in filled if column != self.key_column)

    def empty(self) -> RowSet:
        """Return a row set with a column for each parent field."""
        return RowSet(parents=[[] for _ in self.parents])

    def _located(self, record: Record, hold: Hold) -> Hold:
        """The same hold, with the column it is about."""
        if hold.field:
            return hold
        for number, make in enumerate(self.cells):
            try:
                make(record)
            except Hold:
                return Hold(hold.reason, self.columns[number], hold.detail)
        return hold

    def _payloads(self, cells: list[str]) -> list[bytes]:
        """The row's CSV cells; of a split text, those of each part."""
        at = self.split_at
        if at is None:
            return [joined(cells)]
        text = cells[at]
        if len(text) * 4 <= self.split_bytes:
            return [joined(cells)]
        made = []
        for piece in split_text(_checked(text.replace('""', '"')), self.split_bytes):
            cells[at] = piece.replace('"', '""')
            made.append(joined(cells))
        return made


class LenientTable(Table):
    """A table with lines that values may not fit without holding the record: those are counted."""

    def add(self, record: Record, rows: RowSet) -> None:
        """As `Table.add`; a record that made rows counts for each line left empty."""
        before = len(rows.keys)
        super().add(record, rows)
        if UNFIT in record.memo and len(rows.keys) > before:
            for column, reason in record.memo[UNFIT].items():
                rows.unfit[column, reason] = rows.unfit.get((column, reason), 0) + 1


def joined(cells: list[str]) -> bytes:
    """Join finished cells into a row; raises `Hold` for a row too long or that is no text.

    A row without cells of its own is empty: it is made of the ids of its parents alone.
    """
    if not cells:
        return b""
    row = '"' + '","'.join(cells) + '"'
    if len(row) > ROW_CHARS:
        raise Hold("row-too-long")
    return _encoded(row)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Hold("bad-text") from None


def _checked(text: str) -> str:
    _encoded(text)
    return text
