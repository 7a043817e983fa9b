"""Reads the config file; every fault is named at once, with its line and the nearest known key."""

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from service.config import Config
from service.errors import ConfigInvalid

_FIX = "Correct the lines named and run the command again."


def load_config(path: Path) -> Config:
    """Return the config in `path`; raises `ConfigInvalid` with all faults."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigInvalid(
            f"There is no config file {path.name}.",
            next_step="Name it with --config PATH, or write one as the README shows.",
        ) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigInvalid(f"{path.name} cannot be read as text.", next_step=_FIX) from None
    tree = _tree(text, path.name)
    try:
        config = Config.model_validate(_plain(tree))
    except ValidationError as error:
        faults = [
            f"{path.name}:{_line(tree, fault['loc'])}: {_sentence(fault)}"
            for fault in error.errors(include_url=False)
        ]
        raise ConfigInvalid("\n".join(sorted(faults, key=_by_line)), next_step=_FIX) from None
    workspace = (path.parent / config.workspace).absolute()
    return config.model_copy(update={"workspace": workspace})


def _tree(text: str, name: str) -> dict[str, Any]:
    try:
        tree = YAML(typ="rt").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigInvalid(_yaml_fault(name, error), next_step=_FIX) from None
    if not isinstance(tree, dict):
        raise ConfigInvalid(f"{name}:1: the file holds no settings.", next_step=_FIX)
    return tree


def _yaml_fault(name: str, error: Exception) -> str:
    """Say where the text is no YAML. The parser's own words may echo a secret: they are not used."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return f"{name}:1: this is not YAML that can be read."
    line = error.problem_mark.line + 1
    if isinstance(error, DuplicateKeyError):
        return f"{name}:{line}: a setting is given twice."
    return f"{name}:{line}: not YAML from here on; look at quotes, colons and indentation."


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _line(tree: Any, place: tuple[Any, ...]) -> int:
    line = 1
    for step in place:
        if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            line = tree.lc.item(step)[0] + 1 if hasattr(tree, "lc") else line
        elif isinstance(tree, dict) and step in tree:
            line = tree.lc.key(step)[0] + 1 if hasattr(tree, "lc") else line
        else:
            break
        tree = tree[step]
    return line


def _sentence(fault: Any) -> str:
    place = fault["loc"]
    steps = [str(step + 1 if isinstance(step, int) else step) for step in place]
    name = ".".join(steps) or "config"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _known(place[:-1]), n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        return f"{name} is no setting{hint}"
    if fault["type"] == "missing":
        return f"{name} is missing."
    if fault["type"] in _BOUNDS:
        return f"{name} must be {_allowed(place)} (is {_shown(fault.get('input'))})."
    if fault["type"] == "string_type":
        return f"{name} must be a text; put it in quotes."
    message = str(fault["msg"]).removeprefix("Input ").removeprefix("Value error, ")
    return f"{name} {message.replace('should', 'must', 1)}."


_BOUNDS = frozenset(
    {"greater_than_equal", "less_than_equal", "int_parsing", "float_parsing", "int_from_float"}
)


def _allowed(place: tuple[Any, ...]) -> str:
    """The range of a number, in words."""
    model: Any = _model(place[:-1])
    bounds: dict[str, Any] = {}
    field = _fields(model)[place[-1]]
    for rule in field.metadata:
        bounds |= {name: getattr(rule, name) for name in ("ge", "le") if hasattr(rule, name)}
    whole = int in (field.annotation, *get_args(field.annotation))
    number = "whole number" if whole else "number"
    if "le" in bounds:
        return f"a {number} between {bounds['ge']} and {bounds['le']}"
    return f"a {number} of at least {bounds['ge']}"


def _shown(value: Any) -> str:
    """A number may be repeated; a text may be a secret in the wrong place."""
    return str(value) if isinstance(value, int | float) else "a text"


def _known(place: tuple[Any, ...]) -> list[str]:
    model = _model(place)
    return list(_fields(model)) if model else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a section by the names that the file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model(place: tuple[Any, ...]) -> type[BaseModel] | None:
    """The section that a place in the file belongs to; a section may be optional."""
    model: type[BaseModel] = Config
    for step in place:
        if isinstance(step, int):  # one of a list
            continue
        field = _fields(model).get(str(step))
        if field is None:
            return None
        kinds = (field.annotation, *get_args(field.annotation))
        sections = [
            each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)
        ]
        if not sections:
            return None
        model = sections[0]
    return model


def _by_line(fault: str) -> tuple[int, str]:
    number = fault.split(": ", 1)[0].rpartition(":")[2]
    return (int(number) if number.isdigit() else 0, fault)
