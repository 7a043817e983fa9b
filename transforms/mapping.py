"""The mapping file: its model, and reading it with every fault named by line."""

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from transforms.converters import CONVERTERS
from transforms.errors import MappingInvalid


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldLine(_Strict):
    """One target field: where its value comes from, and what is done to it."""

    source: str | list[str] = Field(default="id", description="Path, or paths: the first filled.")
    convert: str = Field(default="text", description="Name of a converter.")
    default: str | None = Field(default=None, description="Value when the source has none.")
    values: dict[str, str] = Field(default_factory=dict, description="Value map, lower-case keys.")
    keep: str | None = Field(default=None, description="Field for the whole of a shortened value.")
    optional: bool = Field(default=False, description="Left out where the org lacks the field.")
    options: dict[str, Any] = Field(default_factory=dict, description="The converter's options.")


class ParentLine(_Strict):
    """One reference to another record, resolved when rows are loaded."""

    source: list[str] = Field(description="Paths of ids, tried in order.")
    kinds: list[str] = Field(description="The kind of each path's ids.")
    columns: dict[str, str] = Field(description="Column by the object that the parent became.")
    required: bool = Field(default=False, description="Hold the row when a named parent is absent.")
    default: Literal["default_owner"] | None = None
    optional: bool = False


class SplitLine(_Strict):
    """A text field whose overlong values become several rows."""

    field: str
    bytes: int = Field(gt=100, description="Largest part, in UTF-8 bytes.")


class TableLine(_Strict):
    """One target object."""

    key: str | None = None
    match_key: str | None = Field(default=None, description="Path of the values of a match key.")
    split: SplitLine | None = None
    fields: dict[str, FieldLine]
    parents: dict[str, ParentLine] = Field(default_factory=dict)


class ChoiceLine(_Strict):
    """Which table a record goes to: by whether a path has a value."""

    source: str
    present: str
    absent: str


class MatchLine(_Strict):
    """How records of a kind are matched with existing target records."""

    object: str
    source: str
    target: str
    where: str = ""


class PhaseLine(_Strict):
    """One phase: a match, or tables."""

    kind: str
    match: MatchLine | None = None
    choose: ChoiceLine | None = None
    tables: dict[str, TableLine] = Field(default_factory=dict)


class Mapping(_Strict):
    """A whole mapping file."""

    version: Literal[1]
    phases: dict[str, PhaseLine]


def parse_mapping(text: str, name: str) -> Mapping:
    """Read a mapping file; raises `MappingInvalid` with all faults, each as `name:line: sentence`."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingInvalid([f"{name}:{line}: not YAML: {error.problem}."]) from None
    if not isinstance(tree, dict):
        raise MappingInvalid([f"{name}:1: the file holds no mapping."])
    try:
        mapping = Mapping.model_validate(_plain(tree))
    except ValidationError as error:
        faults = [
            f"{name}:{_line(tree, fault['loc'])}: {'.'.join(map(str, fault['loc']))}: "
            f"{fault['msg']}."
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise MappingInvalid(faults) from None
    faults = [f"{name}:{_line(tree, place)}: {text}" for place, text in _faults(mapping)]
    if faults:
        raise MappingInvalid(faults)
    return mapping


def _plain(value: Any) -> Any:
    if isinstance(value, AnyMapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    return value


def _line(tree: Any, place: tuple[Any, ...]) -> int:
    """The line of a place in the file, or of its nearest container."""
    line = 1
    for step in place:
        if not isinstance(tree, dict) or step not in tree:
            break
        line = tree.lc.key(step)[0] + 1 if hasattr(tree, "lc") else line
        tree = tree[step]
    return line


def _faults(mapping: Mapping) -> Iterator[tuple[tuple[str, ...], str]]:
    for phase_name, phase in mapping.phases.items():
        here = ("phases", phase_name)
        if (phase.match is None) == (not phase.tables):
            yield here, f"phase {phase_name} needs either a match or tables."
        if len(phase.tables) > 1 and phase.choose is None:
            yield here, f"phase {phase_name} has several tables and no rule to choose by."
        if phase.choose is not None:
            for table in (phase.choose.present, phase.choose.absent):
                if table not in phase.tables:
                    yield here, f"phase {phase_name} chooses {table}, which is no table of it."
        for table_name, table in phase.tables.items():
            yield from _table_faults((*here, "tables", table_name), table)


def _table_faults(here: tuple[str, ...], table: TableLine) -> Iterator[tuple[tuple[str, ...], str]]:
    for field, line in table.fields.items():
        if line.convert not in CONVERTERS:
            known = ", ".join(sorted(CONVERTERS))
            place = (*here, "fields", field, "convert")
            yield place, f"there is no converter {line.convert}; there are {known}."
    for parent, reference in table.parents.items():
        if len(reference.source) != len(reference.kinds):
            yield (*here, "parents", parent), f"parent {parent} needs one kind per source."
    if table.split and table.split.field not in table.fields:
        yield (*here, "split"), f"{table.split.field} is split, but is no field of the table."
