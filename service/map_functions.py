"""The operator's own functions that a map names: found, looked at, and handed over to be called.

A module is a file in the folder `functions` of the workspace, or one that is installed. A file of the
folder is run afresh from the very text that its digest is of, so what was confirmed is what is called;
it can import what is installed, and not its neighbours. Of an installed module the digest covers its
own file. Running a module is the operator's own act: the map names it, and a person has confirmed it.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from service.config import Config
from transforms.columns import MapSettings
from transforms.converters.function import Function, function_named
from transforms.mapping import Mapping as MapFile

FOLDER = "functions"
FACTS = "functions"
"""The key of the functions' digests among the facts of a confirmation."""


@dataclass(frozen=True)
class Functions:
    """All functions that a map names, by `module:function`.

    `found` can be called; `faults` says of the others why not. `digests` are those of their sources.
    """

    found: Mapping[str, Function] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def settings(self, default_owner_id: str) -> MapSettings:
        """What a map is compiled with."""
        return MapSettings(default_owner_id, self.found, self.faults)


class _Unusable(Exception):
    """A function that cannot be called; its text is the end of a sentence."""


def names_of(mapping: MapFile) -> set[str]:
    """The functions that a map names."""
    lines = (
        line
        for phase in mapping.phases.values()
        for table in phase.tables.values()
        for line in table.fields.values()
    )
    return {name for line in lines if (name := function_named(line.convert))}


def load_functions(config: Config, mapping: MapFile) -> Functions:
    """Import every function that the map names; raises nothing, each fault is told in the result."""
    found: dict[str, Function] = {}
    faults: dict[str, str] = {}
    digests: dict[str, str] = {}
    modules: dict[str, tuple[ModuleType, str]] = {}
    for name in sorted(names_of(mapping)):
        module, _, function = name.partition(":")
        try:
            if module not in modules:
                modules[module] = _module(config, module)
            there, digests[name] = modules[module]
            found[name] = _function(there, function)
        except _Unusable as fault:
            faults[name] = str(fault)
    return Functions(found, faults, digests)


def digests_of(config: Config, mapping: MapFile) -> dict[str, str]:
    """The digests of the sources of a map's functions, without running any that lies in the folder."""
    found = {}
    for name in sorted(names_of(mapping)):
        try:
            found[name] = _digest(_source(config, name.partition(":")[0]))
        except _Unusable:
            continue
    return found


def _file(config: Config, module: str) -> Path:
    return Path(config.workspace) / FOLDER / f"{module}.py"


def _source(config: Config, module: str) -> bytes:
    path = _file(config, module)
    if path.is_file():
        return _read(path)
    return _read(Path(_installed(module).__file__ or ""))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise _Unusable("its source cannot be read, so nobody can confirm it") from None


def _digest(source: bytes) -> str:
    return sha256(source).hexdigest()


def _module(config: Config, name: str) -> tuple[ModuleType, str]:
    path = _file(config, name)
    if not path.is_file():
        module = _installed(name)
        file = Path(module.__file__ or "")
        if file.suffix != ".py":
            raise _Unusable("its module has no source that could be confirmed")
        return module, _digest(_read(file))
    source = _read(path)
    module = ModuleType(name)
    module.__file__ = f"{FOLDER}/{name}.py"
    _run(lambda: exec(compile(source, module.__file__ or name, "exec"), vars(module)))  # noqa: S102
    return module, _digest(source)


def _installed(name: str) -> ModuleType:
    found: list[ModuleType] = []
    _run(lambda: found.append(importlib.import_module(name)))
    return found[0]


def _run(work: Callable[[], Any]) -> None:
    """Run a module's own code; whatever happens in it is told by type, and by line where it is known."""
    try:
        work()
    except ModuleNotFoundError as error:
        raise _Unusable(f"there is no module {error.name}") from None
    except SyntaxError as error:
        raise _Unusable(f"its module is no Python (line {error.lineno})") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  it is other people's code
        raise _Unusable(f"its module ends with {type(error).__name__} when imported") from None


def _function(module: ModuleType, name: str) -> Function:
    function = getattr(module, name, None)
    if function is None:
        raise _Unusable(f"{module.__name__} has no {name}")
    if not callable(function):
        raise _Unusable("it is not callable")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise _Unusable("it must be a plain function")
    try:
        inspect.signature(function).bind(None, {})
    except TypeError:
        raise _Unusable("it does not take two arguments, (value, record)") from None
    except ValueError:
        raise _Unusable("its arguments cannot be told; wrap it in a function of your own") from None
    made: Function = function
    return made
