"""The columns of one table: each line's cell, with the rules around it, in the order of the CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transforms.converters import ConverterContext, spec_of
from transforms.converters.cells import quoted
from transforms.converters.function import Function, function_named
from transforms.converters.place_codes import PlaceCodes
from transforms.errors import Hold
from transforms.fit import Fit
from transforms.generate import Maker
from transforms.map_lines import FieldLine, WhenLine
from transforms.mapping import TableLine
from transforms.record import Cell, Getter, Record, compile_path, first_of
from transforms.rules import UNFIT, KeptLine, depending, lenient, offered_only, unfit_values
from transforms.shape import FieldShape, ObjectShape

_VOLATILE = frozenset(
    f"attributes.{name}"
    for name in ("updatedAt", "rev", "activeUsers", "presence", "lastSeenAt", "recentItems")
)
# These give nothing but what the map itself names, which was compared with the field already.
_NAMED_IN_THE_MAP = frozenset({"values", "constant"})


@dataclass(frozen=True)
class MapSettings:
    """What a map takes from the run.

    `default_owner_id`: the owner of records whose own owner is unknown. `functions`: the operator's
    own, by `module:function`; `unusable` says of the others why they cannot be called.
    """

    default_owner_id: str | None = None
    functions: Mapping[str, Function] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Columns:
    """Columns in CSV order; a cell that several columns show is made once."""

    names: list[str] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    volatile: list[str] = field(default_factory=list)

    def add(self, name: str, maker: Maker, recipe: str) -> int:
        """Add a column; returns the number of its cell."""
        number = self.known.get(recipe)
        if number is None:
            number = self.known[recipe] = len(self.makers)
            self.makers.append(maker)
        self.names.append(name)
        self.order.append(number)
        return number


def columns_of(
    target: ObjectShape, line: TableLine, settings: MapSettings, fit: Fit
) -> tuple[Columns, list[KeptLine]]:
    """The columns of all fields, and the lines whose values are kept when they do not fit.

    Every fault goes to `fit`, with the line that it is about.
    """
    return _Table(target, line, settings, fit).columns()


def add_unfit(
    columns: Columns,
    target: ObjectShape,
    line: TableLine,
    fit: Fit,
    fields: Sequence[KeptLine],
    parents: Sequence[KeptLine],
) -> None:
    """Add the column of a table's unfit values, made last: it looks at what the others noted."""
    name = line.unfit
    shape = fit.usable(target, name, place=()) if name is not None else None
    if name is None or shape is None:
        return
    if shape.type not in ("string", "textarea"):
        fit.fault(f"{target.name}.{name} is no text field.", "unfit")
    cell = unfit_values([*fields, *parents], shape.length)
    # References are written after the cells, so only the cell itself can tell of theirs.
    columns.add(name, Maker(cell, noted="" if parents else UNFIT), name)


class _Table:
    """One table while its columns are made."""

    def __init__(
        self, target: ObjectShape, line: TableLine, settings: MapSettings, fit: Fit
    ) -> None:
        self._target, self._line, self._settings, self._fit = target, line, settings, fit
        self._kept: list[KeptLine] = []
        self._places = _place_codes(target, line)

    def columns(self) -> tuple[Columns, list[KeptLine]]:
        """See `columns_of`."""
        columns = Columns()
        # The key first: results are read by it.
        key = self._line.key
        for name, each in sorted(self._line.fields.items(), key=lambda item: item[0] != key):
            name = _coded(self._target, name, each)
            shape = self._fit.usable(self._target, name, optional=each.optional)
            if shape is not None and self._callable(name, each):
                self._fit.line(self._target, shape, each)
                self._add(columns, shape, each)
        return columns, self._kept

    def _callable(self, name: str, line: FieldLine) -> bool:
        """Whether a line's own function is there; a fault if not."""
        wanted = function_named(line.convert)
        if wanted is None or wanted in self._settings.functions:
            return True
        why = self._settings.unusable.get(wanted, "it was not imported")
        self._fit.fault(f"{self._target.name}.{name}: {line.convert}: {why}.", "fields", name)
        return False

    def _add(self, columns: Columns, shape: FieldShape, line: FieldLine) -> None:
        maker, own = self._maker(shape, line)
        recipe = line.model_dump_json(exclude={"optional", "reason", "confidence"})
        about = f"{shape.name} " if own else ""
        number = columns.add(shape.name, maker, f"{about}{self._length(shape)} {recipe}")
        if line.keep is not None and (whole := self._fit.usable(self._target, line.keep)):
            cell = _whole(line, shape, whole, self._settings)
            if line.bad == "keep":
                self._kept.append(KeptLine(_paths(line), cell))
            if line.bad != "hold":
                cell = lenient(cell, line.keep)
            short = number if shape.length else None
            columns.add(line.keep, Maker(cell, length=shape.length, shortened=short), line.keep)
        if _moves(line):
            columns.volatile.append(shape.name)

    def _maker(self, shape: FieldShape, line: FieldLine) -> tuple[Maker, bool]:
        """A line's maker, and whether it is this column's alone."""
        length = self._length(shape)
        plain = _cell(line, length, self._settings, self._places)
        cell = self._checked(plain, shape, line, ())
        checked = cell is not plain
        if line.bad != "hold":
            if line.bad == "keep":
                self._kept.append(KeptLine(_paths(line), cell))
            cell = lenient(cell, shape.name)
        own = checked or line.bad != "hold"
        if line.when is not None or checked:
            return Maker(cell), own
        spec = spec_of(line.convert)
        has_default = line.convert in ("text", "boolean")
        maker = Maker(
            cell,
            tuple(line.source),
            length,
            plain=line.convert == "text",
            blank=spec.blank if spec else None,
            absent=quoted(line.default or "") if has_default else "",
        )
        return maker, own

    def _checked(
        self, cell: Cell, shape: FieldShape, line: FieldLine, above: tuple[str, ...]
    ) -> Cell:
        """The cell with what its field asks for: closed lists and controlling fields."""
        if shape.restricted and shape.picklist and line.convert not in _NAMED_IN_THE_MAP:
            cell = offered_only(cell, frozenset(shape.picklist))
        controller = self._target.fields.get(shape.controller) if shape.controller else None
        other = self._line.fields.get(shape.controller)
        if controller is None or other is None or shape.controller in above:
            return cell
        if not self._callable(controller.name, other):
            return cell
        makes = _cell(other, self._length(controller), self._settings)
        makes = self._checked(makes, controller, other, (*above, shape.name))
        if other.bad != "hold":
            makes = lenient(makes, controller.name)
        if controller.type == "boolean":
            makes = _ticked(makes)
        return depending(
            cell, makes, dict(shape.valid_for), f"{self._target.name}.{controller.name}"
        )

    def _length(self, shape: FieldShape) -> int:
        split = self._line.split
        return 0 if split is not None and split.field == shape.name else shape.length


def _moves(line: FieldLine) -> bool:
    """Whether a line shows only what moves when somebody merely looks (kustomer facts, section 7)."""
    return line.keep is None and _VOLATILE.issuperset(line.source)


def _paths(line: FieldLine) -> list[tuple[str, Getter]]:
    return [(path, compile_path(path)) for path in line.source]


def _ticked(cell: Cell) -> Cell:
    """A checkbox that nothing fills is not ticked."""
    return lambda record: cell(record) or "false"


def _coded(target: ObjectShape, name: str, line: FieldLine) -> str:
    """The field of codes beside a state or country, where the org has picklists of them (facts, 7.5)."""
    if line.convert != "address" or line.options.get("part") not in ("state", "country"):
        return name
    coded = target.fields.get(f"{name}Code")
    return coded.name if coded is not None and coded.createable and coded.picklist else name


def _place_codes(target: ObjectShape, line: TableLine) -> PlaceCodes | None:
    """What the org offers for the states and countries of a table's addresses; None for plain texts."""
    codes = {
        str(each.options.get("part")): target.fields[coded]
        for name, each in line.fields.items()
        if (coded := _coded(target, name, each)) != name
    }
    if "country" not in codes:
        return None
    states = codes.get("state")
    return PlaceCodes(
        frozenset(codes["country"].picklist), dict(states.valid_for) if states else {}
    )


def supplies_of(line: TableLine, settings: MapSettings, fit: Fit) -> dict[str, Cell]:
    """What makes the values that records give their children; they have no length of their own."""
    made = {}
    for name, each in line.supplies.items():
        wanted = function_named(each.convert)
        if wanted is not None and wanted not in settings.functions:
            fit.fault(f"{name}: {each.convert}: it was not imported.", "supplies", name)
        else:
            made[name] = _unheld(_cell(each, 0, settings))
    return made


def _unheld(cell: Cell) -> Cell:
    """The cell, empty where a value cannot be made: the record itself has arrived."""

    def given(record: Record) -> str:
        try:
            return cell(record)
        except Hold:
            return ""

    return given


def _cell(
    line: FieldLine, length: int, settings: MapSettings, places: PlaceCodes | None = None
) -> Cell:
    spec = spec_of(line.convert)
    assert spec is not None  # the line was read, so its converter is known
    wanted = function_named(line.convert)
    cell = spec.make(
        ConverterContext(
            get=first_of(line.source),
            length=length,
            default=line.default,
            keep=line.keep is not None,
            values={key.lower(): value for key, value in line.values.items()},
            options=line.options,
            function=settings.functions.get(wanted) if wanted else None,
            places=places,
        )
    )
    return cell if line.when is None else _guarded(cell, line.when)


def _guarded(cell: Cell, when: WhenLine) -> Cell:
    """The cell for records of which the condition holds; empty for all others."""
    get, equals = compile_path(when.source), frozenset(when.equals)

    def guarded(record: Record) -> str:
        value = get(record)
        return cell(record) if isinstance(value, str) and value in equals else ""

    return guarded


def _whole(line: FieldLine, short: FieldShape, whole: FieldShape, settings: MapSettings) -> Cell:
    """The cell that keeps the whole of a value that was shortened; else empty."""
    limit = short.length
    text = FieldLine(source=line.source, convert="text", when=line.when)
    cell = _cell(text, whole.length, settings)

    def kept(record: Record) -> str:
        if not limit:
            return ""
        # A cell is never shorter than its text: one that fits was not shortened.
        made = cell(record)
        if len(made) <= limit:
            return ""
        return made if len(made.replace('""', '"')) > limit else ""

    return kept
