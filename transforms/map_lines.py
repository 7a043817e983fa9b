"""The lines of a mapping file: fields, parents, choices, matches; each checked by itself."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from transforms.converters import line_faults
from transforms.converters.function import function_named
from transforms.rules import Bad
from transforms.schema.fields import DIGITS, LONG_CHARS, FieldType, create_faults
from transforms.schema.names import LONGEST_LABEL


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


class Strict(BaseModel):
    """A part of the file: no key but its own, and never changed once it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Line = TypeVar("_Line", bound=Strict)


class CreateLine(Strict):
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
        return passed(self, list(create_faults(self)))


class ObjectLine(Strict):
    """A custom object that the map needs and `schema deploy` makes."""

    label: str = Field(max_length=LONGEST_LABEL)
    plural: str = Field(max_length=LONGEST_LABEL)


class WhenLine(Strict):
    """A condition on the record: the value at a path is one of these."""

    source: str
    equals: Paths


class FieldLine(Strict):
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
        return passed(self, faults)


class ParentLine(Strict):
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
    supplied: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Fields that are filled with what the parent `supplies`, by the object it became.",
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
        if self.supplied and (len(self.kinds) > 1 or set(self.supplied) - set(self.columns)):
            faults.append("supplied is for a parent of one kind, and by the objects of its columns")
        return passed(self, faults)


class SplitLine(Strict):
    """A text field whose overlong values become several rows."""

    field: str
    bytes: int = Field(gt=100, description="Largest part, in UTF-8 bytes.")


class MatchByLine(Strict):
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
            return passed(self, ["a way by text needs its source, and one by e-mail takes none"])
        return self


class ChoiceLine(Strict):
    """Which table a record goes to: by whether a path has a value."""

    source: str
    present: str
    absent: str

    def names(self) -> list[str]:
        """The tables that are chosen."""
        return [self.present, self.absent]


class RuleLine(Strict):
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
            return passed(self, ["a rule says one of present, equals, in and over"])
        return self


class RulesLine(Strict):
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


class MatchLine(Strict):
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
        return passed(self, faults)


class ContentLine(Strict):
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
            return passed(self, ["what is unique is known by parent and text alone, and by either"])
        if self.either and not self.unique:
            return passed(self, ["either belongs to what is unique"])
        return self


def passed(line: _Line, faults: list[str]) -> _Line:
    """Return the line, or raise `ValueError` with all of its faults."""
    if faults:
        raise ValueError("; ".join(faults))
    return line
