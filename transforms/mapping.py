"""The mapping file: its model, and reading it with every fault named by line."""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from transforms.converters import line_faults
from transforms.converters.function import function_named
from transforms.domains import registered_domain
from transforms.errors import MappingInvalid
from transforms.losses import loss_faults
from transforms.rules import Bad
from transforms.schema.fields import DIGITS, LONG_CHARS, FieldType, create_faults
from transforms.schema.names import LEGAL_FIELD, LONGEST_LABEL


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# Converters that cut a value to its field's length, where the line keeps the whole elsewhere.
SHORTENING = ("text", "unique-text")


def _converter(value: Any) -> Any:
    """A converter's name; `python: module:function` also as a key of its own."""
    if isinstance(value, dict) and list(value) == ["python"]:
        value = f"python:{value['python']}"
    named = function_named(value) if isinstance(value, str) else None
    return f"python:{named}" if named else value


Paths = Annotated[list[str], Field(min_length=1), BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Line = TypeVar("_Line", bound=_Strict)


class CreateLine(_Strict):
    """A field that the map needs and `schema deploy` makes; `length` in characters."""

    type: FieldType
    label: str = Field(default="", max_length=LONGEST_LABEL, description="Shown to agents.")
    length: int = Field(default=0, ge=0, le=LONG_CHARS, description="Most characters of a text.")
    digits: int = Field(default=0, ge=0, le=DIGITS, description="Digits before the point.")
    scale: int = Field(default=0, ge=0, le=DIGITS, description="Digits behind the point.")
    values: list[str] = Field(default_factory=list, description="Values of a picklist.")
    restricted: bool = Field(
        default=True, description="Whether a picklist refuses values that it does not list."
    )
    reference_to: str = Field(default="", description="Object that a lookup or a master names.")
    unique: bool = False
    external_id: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _passed(self, list(create_faults(self)))


class ObjectLine(_Strict):
    """A custom object that the map needs and `schema deploy` makes."""

    label: str = Field(max_length=LONGEST_LABEL)
    plural: str = Field(max_length=LONGEST_LABEL)


class WhenLine(_Strict):
    """A condition on the record: the value at a path is one of these."""

    source: str
    equals: Paths


class FieldLine(_Strict):
    """One target field: where its value comes from, and what is done to it."""

    source: Paths = Field(default=["id"], description="Path, or paths: the first filled.")
    convert: Annotated[str, BeforeValidator(_converter)] = Field(
        default="text", description="Name of a converter, or python:module:function."
    )
    default: str | None = Field(default=None, description="Value when the source has none.")
    values: dict[str, str] = Field(default_factory=dict, description="Value map, any letter case.")
    keep: str | None = Field(default=None, description="Field for the whole of a shortened value.")
    bad: Bad = Field(
        default="hold",
        description="What a value that does not fit does: it holds the record, leaves the field empty "
        "and is counted, or is kept in the table's field for unfit values.",
    )
    when: WhenLine | None = Field(default=None, description="Empty unless this holds.")
    optional: bool = Field(default=False, description="Left out where the org lacks the field.")
    options: dict[str, Any] = Field(default_factory=dict, description="The converter's options.")
    reason: str | None = Field(default=None, description="Why this was proposed.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="How sure the proposal is, 0 to 1."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = list(line_faults(self.convert, self.options))
        if self.keep is not None and self.convert not in SHORTENING:
            faults.append(
                "only converters text and unique-text shorten values, so only they can have keep"
            )
        if self.values and self.convert not in ("values", "tree"):
            faults.append("values belong to the converters values and tree")
        if self.convert == "values" and not self.values:
            faults.append("converter values needs its values")
        if self.convert == "constant" and self.default is None:
            faults.append("converter constant needs the default that it shows")
        return _passed(self, faults)


class ParentLine(_Strict):
    """One reference to another record, resolved when rows are loaded."""

    source: Paths = Field(description="Paths of ids, tried in order.")
    kinds: Paths = Field(description="The kind of each path's ids.")
    columns: dict[str, str] = Field(description="Column by the object that the parent became.")
    required: bool = Field(default=False, description="The row waits for a parent that is named.")
    absent: Literal["allow", "hold"] = Field(
        default="allow", description="What becomes of a record that names no parent."
    )
    gone: Literal["hold", "leave"] = Field(
        default="hold",
        description="What becomes of a row whose required parent was deleted in Kustomer.",
    )
    default: Literal["default_owner"] | None = None
    optional: bool = False
    by: Literal["id", "email"] = Field(
        default="id", description="What the source names a user by: id, or mail address."
    )
    bad: Bad = Field(
        default="hold", description="What a reference that is none does, as in a field."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = []
        if len(self.source) != len(self.kinds):
            faults.append("a parent needs one kind for each source")
        if self.gone == "leave" and (len(self.kinds) > 1 or not self.required):
            faults.append("gone: leave is for a required parent of one kind")
        if self.by == "email" and set(self.kinds) != {"user"}:
            faults.append("only a user can be named by e-mail")
        if self.bad != "hold" and self.absent == "hold":
            faults.append("a parent that every record must have cannot be left empty")
        return _passed(self, faults)


class SplitLine(_Strict):
    """A text field whose overlong values become several rows."""

    field: str
    bytes: int = Field(gt=100, description="Largest part, in UTF-8 bytes.")


class MatchByLine(_Strict):
    """A way of finding existing records: a field of theirs that holds what the record has."""

    field: str = Field(description="Field of the existing records.")
    source: Paths | None = Field(
        default=None, description="Path, or paths, of the value; a way by e-mail needs none."
    )
    as_: Literal["text", "email"] = Field(
        default="text",
        alias="as",
        description="How values are compared: as text in any letter case, or each own mail address.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.source is None) != (self.as_ == "email"):
            return _passed(self, ["a way by text needs its source, and one by e-mail takes none"])
        return self


class TableLine(_Strict):
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
        unused = sorted(set(self.create) - columns)
        faults += [f"{name} is made, but nothing fills it" for name in unused]
        illegal = sorted(name for name in self.create if not LEGAL_FIELD.match(name))
        faults += [f"{name} is no name that a new field can have" for name in illegal]
        return _passed(self, faults)

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


class ChoiceLine(_Strict):
    """Which table a record goes to: by whether a path has a value."""

    source: str
    present: str
    absent: str

    def names(self) -> list[str]:
        """The tables that are chosen."""
        return [self.present, self.absent]


class RuleLine(_Strict):
    """One rule of several: of which records it holds, and the table that those go to."""

    source: str = Field(description="Path of the value that is looked at.")
    present: bool | None = Field(
        default=None, description="Holds where there is a value (true), or none (false)."
    )
    equals: str | int | bool | None = Field(
        default=None, description="Holds for this value, in any letter case; of a list, for any."
    )
    in_: list[str | int | bool] = Field(
        default_factory=list, alias="in", description="Holds for any of these values."
    )
    over: float | None = Field(default=None, description="Holds for numbers above this one.")
    table: str

    @property
    def wanted(self) -> list[str]:
        """The values for which the rule holds, as texts."""
        found = [*self.in_, *([self.equals] if self.equals is not None else [])]
        return [str(each) for each in found]

    @model_validator(mode="after")
    def _check(self) -> Self:
        said = [self.present, self.equals, self.in_ or None, self.over]
        if sum(each is not None for each in said) != 1:
            return _passed(self, ["a rule says one of present, equals, in and over"])
        return self


class RulesLine(_Strict):
    """Which table a record goes to: that of the first rule that holds, else the default."""

    rules: list[RuleLine] = Field(min_length=1)
    default: str = Field(description="Table of the records of which no rule holds.")

    def names(self) -> list[str]:
        """The tables that are chosen."""
        return [*(each.table for each in self.rules), self.default]


def _form_of_choice(value: Any) -> str:
    rules = isinstance(value, RulesLine) or (isinstance(value, dict) and "rules" in value)
    return "rules" if rules else "choice"


Choice = Annotated[
    Annotated[ChoiceLine, Tag("choice")] | Annotated[RulesLine, Tag("rules")],
    Discriminator(_form_of_choice),
]


class MatchLine(_Strict):
    """How records of a kind are matched with existing target records."""

    object: str
    source: str
    target: str
    where: str = ""
    make: Literal["queue", "group"] | None = Field(
        default=None, description="What is made where nothing matches: for teams only."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = ["only a Group can be made"] if self.make and self.object != "Group" else []
        return _passed(self, faults)


class ContentLine(_Strict):
    """How a row is known again in an object that cannot carry our key.

    With `unique`, parent, text and either together occur once: no second one is made, and what is there
    stands for every row that is equal.
    """

    parent: str = Field(description="Column by whose ids rows are asked for.")
    text: str = Field(default="", description="Column that is compared as text.")
    either: list[str] = Field(
        default_factory=list,
        description="Columns of which the first filled one is compared as well, of what is unique.",
    )
    moment: str = Field(default="", description="Column of a moment, kept in whole seconds.")
    author: str = Field(default="", description="Column of a user.")
    unique: bool = Field(default=False, description="Whether there is one at most.")
    most: int = Field(default=0, ge=0, description="Rows that one query may ask for; 0: any.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.unique and (self.moment or self.author):
            return _passed(
                self, ["what is unique is known by parent and text alone, and by either"]
            )
        if self.either and not self.unique:
            return _passed(self, ["either belongs to what is unique"])
        return self


class PhaseLine(_Strict):
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
        return _passed(self, faults)


class Mapping(_Strict):
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
        return _passed(self, faults)

    def _owned_by(self, kind: str) -> list[str]:
        """Say which references would make a public group the owner of records, which none can be."""
        return [
            f"{name}.{table}: a public group can own no record; take {kind} out of {parent}"
            for name, line in self.phases.items()
            for table, each in line.tables.items()
            for parent, reference in each.parents.items()
            if kind in reference.kinds and "OwnerId" in reference.columns.values()
        ]


def _passed(line: _Line, faults: list[str]) -> _Line:
    if faults:
        raise ValueError("; ".join(faults))
    return line


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
