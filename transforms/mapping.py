"""The mapping file: its model, and reading it with every fault named by line."""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from transforms.domains import registered_domain
from transforms.errors import MappingInvalid
from transforms.losses import loss_faults
from transforms.map_lines import (
    Choice,
    ContentLine,
    CreateLine,
    FieldLine,
    MatchByLine,
    MatchLine,
    ObjectLine,
    ParentLine,
    SplitLine,
    Strict,
    passed,
)
from transforms.rules import Bad
from transforms.schema.names import LEGAL_FIELD


class TableLine(Strict):
    """One target object."""

    key: str | None = None
    each: str | None = Field(
        default=None,
        description="Path of a list, or `people-of-message`: one row for each element, which is `each`.",
    )
    match_key: str | None = Field(
        default=None,
        description="Path of domains: a record that has one of them in Website is matched.",
    )
    never_match: list[str] = Field(
        default_factory=list, description="Domains that stand for nobody, beside mail providers'."
    )
    match_anyway: list[str] = Field(
        default_factory=list, description="Domains of mail providers that stand for a company."
    )
    match_by: list[MatchByLine] = Field(
        default_factory=list,
        description="Ways in which an existing record is found, in the order in which they are tried.",
    )
    same_as: str = Field(
        default="",
        description="Field whose value, in any letter case, occurs once: a record that has it is "
        "matched, and of several source records one is made.",
    )
    split: SplitLine | None = None
    object: ObjectLine | None = Field(default=None, description="A custom object to be made.")
    create: dict[str, CreateLine] = Field(
        default_factory=dict, description="Fields to be made, by their API name."
    )
    closed: list[str] = Field(
        default_factory=list, description="Values of Status that close a record."
    )
    leave_out: list[str] = Field(
        default_factory=list, description="Paths that `map propose` makes no lines for."
    )
    unfit: str | None = Field(
        default=None, description="Long text field that keeps the values of lines with `bad: keep`."
    )
    retired: str | None = Field(
        default=None,
        description="Reference field that names the record which one of this object became.",
    )
    supplies: dict[str, FieldLine] = Field(
        default_factory=dict,
        description="What a record gives those that name it as their parent, by a name of its own.",
    )
    fields: dict[str, FieldLine]
    parents: dict[str, ParentLine] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        if self.split and self.split.field not in self.fields:
            faults.append(f"{self.split.field} is split, but is no field of the table")
        if self.split and self.each:
            faults.append("a table that makes a row for each element cannot split a text as well")
        if self.same_as and (self.same_as not in self.fields or self.match_key):
            faults.append("same_as names a field of the table, and is instead of a match_key")
        faults += self._match_faults()
        if self.key is not None and self.key not in self.fields:
            faults.append(f"the key {self.key} is no field of the table")
        kept = [line.keep for line in self.fields.values() if line.keep is not None]
        doubled = sorted(name for name in set(kept) if name in self.fields or kept.count(name) > 1)
        faults += [f"{name} keeps a shortened value and is filled again" for name in doubled]
        columns = {*self.fields, *kept}
        columns |= {name for name in (self.unfit, self.retired) if name is not None}
        if self.retired in self.fields:
            faults.append(f"{self.retired} is set when a record is retired and is filled again")
        faults += self._unfit_faults(kept) + list(loss_faults(self.fields))
        for parent in self.parents.values():
            columns |= set(parent.columns.values())
            given = {name for some in parent.supplied.values() for name in some}
            faults += [f"{name} is filled twice" for name in sorted(given & columns)]
            columns |= given
        unused = sorted(set(self.create) - columns)
        faults += [f"{name} is made, but nothing fills it" for name in unused]
        illegal = sorted(name for name in self.create if not LEGAL_FIELD.match(name))
        faults += [f"{name} is no name that a new field can have" for name in illegal]
        return passed(self, faults)

    def _match_faults(self) -> list[str]:
        faults = []
        if self.match_by and (self.match_key or self.same_as):
            faults.append("match_by is instead of a match_key or same_as")
        if (self.never_match or self.match_anyway) and self.match_key is None:
            faults.append("never_match and match_anyway belong to a match_key")
        listed = [*self.never_match, *self.match_anyway]
        odd = sorted(each for each in listed if registered_domain(each) != each)
        return [*faults, *(f"{each} is no domain that somebody can register" for each in odd)]

    def _unfit_faults(self, kept: list[str]) -> list[str]:
        if "keep" in self._rules() and self.unfit is None:
            return [
                "a line keeps values that do not fit, but the table names no field under `unfit`"
            ]
        if self.unfit is not None and (self.unfit in self.fields or self.unfit in kept):
            return [f"{self.unfit} keeps values that do not fit and is filled again"]
        return []

    def _rules(self) -> set[Bad]:
        return {
            *(line.bad for line in self.fields.values()),
            *(line.bad for line in self.parents.values()),
        }

    def bends(self) -> bool:
        """Whether some line lets a record pass whose value does not fit."""
        return self._rules() - {"hold"} != set()

    def beside(self) -> list[str]:
        """The columns beside the fields: those that keep what was shortened, or did not fit."""
        kept = [line.keep for line in self.fields.values() if line.keep is not None]
        return [*kept, self.unfit] if self.unfit is not None else kept


class PhaseLine(Strict):
    """One phase: a match, or tables.

    A phase that is not one of the standard ones is made of the records of a klass (its kind is
    `kobject.NAME`), of the org's tags (`tag`), or once more `of` the records of another phase, under a
    kind of its own.
    """

    kind: str
    of: str | None = Field(default=None, description="Made of the records of this phase.")
    operation: Literal["insert", "update"] = Field(
        default="insert", description="Whether rows are new records or change those made before."
    )
    move: bool = Field(default=True, description="Whether its records are moved at all.")
    deleted: Literal["skip", "move"] = Field(
        default="skip", description="What becomes of records that were deleted in Kustomer."
    )
    content: ContentLine | None = Field(
        default=None, description="How rows are known again where there is no key."
    )
    known_by: str | None = Field(
        default=None,
        description="Path of the mail addresses by which messages name these records.",
    )
    match: MatchLine | None = None
    choose: Choice | None = None
    tables: dict[str, TableLine] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        if (self.match is None) == (not self.tables):
            faults.append("a phase needs either a match or tables")
        if len(self.tables) > 1 and self.choose is None:
            faults.append("a phase with several tables needs a rule to choose by")
        if self.choose is not None:
            chosen = set(self.choose.names()) - set(self.tables)
            faults += [f"{each} is chosen, but is no table" for each in sorted(chosen)]
        if self.of is None and self.operation == "update":
            faults.append("only a phase made of another phase's records can update")
        return passed(self, faults)


class Mapping(Strict):
    """A whole mapping file."""

    version: Literal[1]
    phases: dict[str, PhaseLine]

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        kinds = [line.kind for line in self.phases.values()]
        faults += [
            f"two phases have the kind {k}" for k in sorted(set(kinds)) if kinds.count(k) > 1
        ]
        for name, line in self.phases.items():
            fed = self.phases.get(line.of) if line.of else None
            if line.of and (fed is None or fed.of or fed.match):
                faults.append(f"{name} is made of {line.of}, which is no phase that is read")
            if line.match is not None and line.match.make == "group":
                faults += self._owned_by(line.kind)
            faults += self._not_supplied(name, line)
        return passed(self, faults)

    def _not_supplied(self, name: str, line: PhaseLine) -> list[str]:
        """Say what the records of a phase take over of parents that supply no such thing."""
        given = {
            (parent.kind, target, each)
            for parent in self.phases.values()
            for target, content in parent.tables.items()
            for each in content.supplies
        }
        return [
            f"{name}.{table}: {parent} takes over {each}, which {target} does not supply"
            for table, content in line.tables.items()
            for parent, reference in content.parents.items()
            for target, some in reference.supplied.items()
            for each in some.values()
            if (reference.kinds[0], target, each) not in given
        ]

    def _owned_by(self, kind: str) -> list[str]:
        """Say which references would make a public group the owner of records, which none can be."""
        return [
            f"{name}.{table}: a public group can own no record; take {kind} out of {parent}"
            for name, line in self.phases.items()
            for table, each in line.tables.items()
            for parent, reference in each.parents.items()
            if kind in reference.kinds and "OwnerId" in reference.columns.values()
        ]


def parse_mapping(text: str, name: str) -> Mapping:
    """Read a mapping file; raises `MappingInvalid` with all faults, each as `name:line: sentence`.

    `name` is how faults call the file.
    """
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingInvalid([f"{name}:{line}: not YAML: {error.problem}."]) from None
    except YAMLError:
        raise MappingInvalid([f"{name}:1: not YAML: it holds characters that are not."]) from None
    if not isinstance(tree, dict):
        raise MappingInvalid([f"{name}:1: the file holds no mapping."])
    try:
        return Mapping.model_validate(_plain(tree))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        faults = sorted((_line(tree, each["loc"]), _sentence(each)) for each in found)
        raise MappingInvalid([f"{name}:{line}: {text}" for line, text in faults]) from None


def located(
    text: str, name: str, faults: Sequence[str], places: Sequence[tuple[str, ...]]
) -> list[str]:
    """Say faults of a mapping's text as `name:line: sentence`, in the order of the lines."""
    tree = YAML(typ="rt").load(text)
    numbered = [(_line(tree, place), fault) for fault, place in zip(faults, places, strict=True)]
    return [f"{name}:{line}: {fault}" for line, fault in sorted(numbered)]


def _sentence(fault: ErrorDetails) -> str:
    place = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is no such key; correct or remove it."
    if fault["type"] == "missing":
        return f"{place}: this key is missing; add it."
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}."


def _plain(value: Any) -> Any:
    if isinstance(value, AnyMapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _line(tree: Any, place: tuple[int | str, ...]) -> int:
    """The line of a place in the file, or of its nearest container."""
    line = 1
    for step in place:
        if not isinstance(tree, dict) or step not in tree:
            break
        line = tree.lc.key(step)[0] + 1 if hasattr(tree, "lc") else line
        tree = tree[step]
    return line
