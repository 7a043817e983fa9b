"""Reads the config file; every fault is named at once, with its line and the nearest known key."""

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

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
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigInvalid("\n".join(sorted(faults, key=_by_line)), next_step=_FIX) from None
    workspace = (path.parent / config.workspace).absolute()
    return config.model_copy(update={"workspace": workspace})


def _tree(text: str, name: str) -> dict[str, Any]:
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigInvalid(f"{name}:{line}: not YAML: {error.problem}.", next_step=_FIX) from None
    if not isinstance(tree, dict):
        raise ConfigInvalid(f"{name}:1: the file holds no settings.", next_step=_FIX)
    return tree


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _line(tree: Any, place: tuple[Any, ...]) -> int:
    line = 1
    for step in place:
        if not isinstance(tree, dict) or step not in tree:
            break
        line = tree.lc.key(step)[0] + 1 if hasattr(tree, "lc") else line
        tree = tree[step]
    return line


def _sentence(fault: Any) -> str:
    place = fault["loc"]
    name = ".".join(str(step) for step in place) or "config"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _known(place[:-1]), n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        return f"{name} is no setting{hint}"
    if fault["type"] == "missing":
        return f"{name} is missing."
    message = str(fault["msg"])
    message = message.removeprefix("Input ").removeprefix("Value error, ")
    return f"{name}: {message}."


def _known(place: tuple[Any, ...]) -> list[str]:
    model: Any = Config
    for step in place:
        field = model.model_fields.get(step)
        if field is None:
            return []
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)


def _by_line(fault: str) -> tuple[int, str]:
    number = fault.split(":")[1]
    return (int(number) if number.isdigit() else 0, fault)
