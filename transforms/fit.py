"""Whether a map fits the target: fields, their types, their values, what an insert requires."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from transforms.converters import spec_of
from transforms.dependence import impossible
from transforms.map_lines import FieldLine, ParentLine
from transforms.mapping import TableLine
from transforms.shape import FieldShape, ObjectShape


@dataclass
class Fit:
    """Collects every fault of a map; nothing is raised until all of it was looked at.

    `places`: for each fault the keys that lead to its line; `at`: those of the table at hand.
    """

    faults: list[str] = field(default_factory=list)
    places: list[tuple[str, ...]] = field(default_factory=list)
    at: tuple[str, ...] = ()

    def fault(self, sentence: str, *place: str) -> None:
        """Note a fault at a place in the table at hand."""
        self.faults.append(sentence)
        self.places.append((*self.at, *place))

    def usable(
        self,
        target: ObjectShape,
        name: str,
        *,
        optional: bool = False,
        place: tuple[str, ...] = ("fields",),
    ) -> FieldShape | None:
        """Return the field when an insert may set it; else None, and a fault unless optional."""
        shape = target.fields.get(name)
        if shape is not None and shape.createable:
            return shape
        if not optional:
            what = "has no field" if shape is None else "does not let us set"
            sentence = f"{target.name} {what} {name} (or the running user may not see or write it)."
            self.fault(sentence, *place, name)
        return None

    def line(self, target: ObjectShape, shape: FieldShape, line: FieldLine) -> None:
        """Compare a line of the map with its field."""
        spec = spec_of(line.convert)
        allowed = spec.types if spec is not None else None
        if allowed is not None and shape.type not in allowed:
            self.fault(
                f"{target.name}.{shape.name} is of type {shape.type}, which converter "
                f"{line.convert} does not make.",
                "fields",
                shape.name,
            )
        if line.bad != "hold" and shape.required:
            self.fault(
                f"{target.name} requires {shape.name}, so a value that does not fit cannot leave it "
                "empty.",
                "fields",
                shape.name,
            )
        self._values(target, shape, line)
        if line.default is not None and shape.length and len(line.default) > shape.length:
            sentence = f"{target.name}.{shape.name} is too short for the line's default."
            self.fault(sentence, "fields", shape.name)

    def _values(self, target: ObjectShape, shape: FieldShape, line: FieldLine) -> None:
        """A picklist takes unknown values without a word (salesforce facts, 15.10): refuse them."""
        offered = ("true", "false") if shape.type == "boolean" else shape.picklist
        if not offered and not shape.restricted:
            return
        wanted = {value for value in (*line.values.values(), line.default) if value}
        missing = sorted(wanted - set(offered))
        if missing:
            sentence = f"{target.name}.{shape.name} does not offer {', '.join(missing)}."
            self.fault(sentence, "fields", shape.name)

    def dependent(self, target: ObjectShape, line: TableLine, *, changes: bool) -> None:
        """Every value that a line can put into a dependent picklist must go with a controlling one.

        A controlling field that an insert leaves empty goes with none, unless the org fills it.
        """
        for name, each in line.fields.items():
            shape = target.fields.get(name)
            controller = target.fields.get(shape.controller) if shape else None
            if shape is None or controller is None:
                continue
            other = line.fields.get(controller.name)
            if other is None and (changes or controller.defaulted_on_create):
                continue
            about = f"{target.name}.{name} depends on {target.name}.{controller.name}"
            for what in impossible(shape, controller, each, other):
                self.fault(f"{about}: {what}.", "fields", name)

    def parent(self, target: ObjectShape, name: str, line: ParentLine) -> bool:
        """Tell whether the columns of a parent can be used; references must lead to its objects."""
        usable = True
        for parent_object, column in line.columns.items():
            if column == "Id":  # the record itself, which an update names
                continue
            shape = self.usable(
                target, column, optional=line.optional, place=("parents", name, "columns")
            )
            if shape is None:
                usable = False
            elif shape.reference_to and parent_object not in shape.reference_to:
                self.fault(
                    f"{target.name}.{column} refers to {' or '.join(shape.reference_to)}, "
                    f"not to {parent_object}.",
                    "parents",
                    name,
                )
        return usable

    def supplied(
        self, target: ObjectShape, line: ParentLine
    ) -> dict[str, list[tuple[str, str, int]]]:
        """What a parent's values fill, as `ParentField` has it; fields the org lacks are left out."""
        return {
            parent_object: [
                (column, name, shape.length)
                for column, name in some.items()
                if (shape := self.usable(target, column, optional=True)) is not None
            ]
            for parent_object, some in line.supplied.items()
        }

    def key(self, target: ObjectShape, name: str | None) -> None:
        """A key must be unique in the target: it is what keeps a row from being made twice."""
        shape = target.fields.get(name) if name is not None else None
        if shape is not None and not (shape.external_id and shape.unique):
            self.fault(f"{target.name}.{name} is not a unique external id.", "key")

    def required(self, target: ObjectShape, given: Iterable[str]) -> None:
        """Every field that an insert needs must have a column."""
        columns = set(given)
        # A person account is named by its first and last name, and takes no other (facts, 7.5).
        if "LastName" in columns and "IsPersonAccount" in target.fields:
            columns.add("Name")
        for name, shape in target.fields.items():
            if shape.required and name not in columns:
                self.fault(f"{target.name} requires {name}, which the map does not give.", "fields")
