"""Writes the reference pages from the code, or checks that they are what the code says.

`python -m service.docs` writes `docs/reference/`; with `--check` it changes nothing and fails when a
page differs.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import click
import orjson
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

import connectors
import service
import state
import transforms
from service.cli.documents import DOCUMENTS
from service.config import Config
from service.crash_points import POINTS, VARIABLE
from service.errors import ROOTS, DeskferryError, exit_code_of, recovery_of
from service.hooks.document import HookDocument
from service.hooks.points import POINTS as POINTS_OF_HOOKS
from service.reasons import REASONS
from service.report.facts import ReportFacts
from transforms.converters import CONVERTERS, spec_of
from transforms.mapping import Mapping

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_HEAD = "<!-- Written by `make docs`; edit the code instead. -->\n"
_HELP = """\
What helps: `retry` the same command may succeed later; `hold` only some records are affected; `stop`
somebody must look before anything is sent again; `refuse` it stays so until something is changed.
"""


def pages() -> dict[str, str]:
    """Return every reference page by file name."""
    return {
        "cli.md": _cli(),
        "config.md": _config(),
        "converters.md": _converters(),
        "crash-points.md": _crash_points(),
        "errors.md": _errors(),
        "reasons.md": _reasons(),
        "hooks.md": _hooks(),
        "report.schema.json": _schema(ReportFacts),
        "schemas/mapping.json": _schema(Mapping, "validation"),
        "schemas/hook.json": _schema(HookDocument),
        "schemas/config.json": _schema(Config, "validation"),
        **{f"schemas/{name}.json": _schema(model) for name, model in DOCUMENTS.items()},
    }


_CRASHES = f"""\
For whoever works on Deskferry; nothing here is of use to an operator. `{VARIABLE}=NAME` makes a command
end at the named point as by a power cut (SIGKILL), `NAME:N` at its N-th passing; "crash point NAME" on
stderr tells that it did. Without the variable the points do nothing. A name that is none is refused (exit
code 2).

A new step that a crash could cut through gets a point: a line in `service/crash_points.py` and one
`reach("name")`. `tests/process/test_crash_points.py` walks every point with the real process, goes on
after it, and compares the whole target, the effects and the books with those of an undisturbed run. It
fails for a point that is never reached; one that only a recovery passes is named there with the crash
that comes first. `tests/process/test_soak.py` kills one migration 200 times at random.
"""


def _crash_points() -> str:
    lines = [_HEAD, "# Crash points\n", _CRASHES, "| point | where the process dies |", "|---|---|"]
    lines += [f"| `{name}` | {where} |" for name, where in POINTS.items()]
    return "\n".join(lines) + "\n"


def _cli() -> str:
    from service.cli.main import application

    command = typer.main.get_command(application())
    text = [_HEAD, "# Commands\n"]
    for path, each in _commands(command, ("deskferry",)):
        context = click.Context(each, info_name=" ".join(path), terminal_width=96)
        text.append(f"## {' '.join(path)}\n\n```text\n{each.get_help(context)}\n```\n")
    return "\n".join(text)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from _commands(each, (*path, name))


def _config() -> str:
    lines = [_HEAD, "# Settings\n", "| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {default} | {text} |" for key, default, text in _settings(Config, "")]
    return "\n".join(lines) + "\n"


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for attribute, field in model.model_fields.items():
        kind, name = field.annotation, field.alias or attribute
        inner = next((each for each in _models(kind)), None)
        if inner is not None:
            many = "[]" if get_origin(kind) is list else ""
            yield from _settings(inner, f"{prefix}{name}{many}.")
            continue
        default = "required" if field.is_required() else f"`{_default(field)}`"
        yield f"{prefix}{name}", default, field.description or ""


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for each in getattr(kind, "__args__", ()):
        yield from _models(each)


def _errors() -> str:
    lines = [
        _HEAD,
        "# Error codes\n",
        _HELP,
        "| code | exit code | what helps | meaning | next step |",
        "|---|---|---|---|---|",
        *sorted(_error_rows()),
    ]
    return "\n".join(lines) + "\n"


def _error_rows() -> Iterator[str]:
    for package in (connectors, state, transforms, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    rooms = {"connectors", "state", "transforms", "service"}
    for each in {kind for root in ROOTS for kind in _family(root)}:
        if each in ROOTS or each.__module__.split(".")[0] not in rooms:
            continue
        text = " ".join((each.__doc__ or "").split("\n\n")[0].split())
        step = "as it says" if issubclass(each, DeskferryError) else each.next_step
        exit_code, recovery = exit_code_of(each), recovery_of(each)
        yield f"| `{each.code}` | {exit_code} | {recovery} | {text} | {step} |"


def _family(root: Any) -> Iterator[Any]:
    yield root
    for each in root.__subclasses__():
        yield from _family(each)


def _reasons() -> str:
    lines = [_HEAD, "# Why rows are held or failed\n", "| reason | cause | fix |", "|---|---|---|"]
    lines += [f"| `{code}` | {each.cause} | {each.fix} |" for code, each in REASONS.items()]
    return "\n".join(lines) + "\n"


_TOLD = """\
Every hook gets one JSON document ([schema](schemas/hook.json)). How hooks are declared:
[the operator's page](../operator/hooks.md). The fields of the document:
"""


def _hooks() -> str:
    lines = [_HEAD, "# Points of hooks\n", _TOLD, "| field | means |", "|---|---|"]
    lines += [
        f"| `{name}` | {field.description} |" for name, field in HookDocument.model_fields.items()
    ]
    for name, point in POINTS_OF_HOOKS.items():
        lines.append(f"\n## {name}\n\n{point.when}")
        if point.figures:
            lines += ["\n| figure | means | such as |", "|---|---|---|"]
        for figure, (meaning, such) in point.figures.items():
            lines.append(f"| `{figure}` | {meaning} | `{orjson.dumps(such).decode()}` |")
    return "\n".join(lines) + "\n"


_VALUES = """\
`convert` of a field's line names one of these, or `python:module:function`. What a converter cannot
make of a value holds the record, unless the line says otherwise under `bad`; nothing is shortened but by
a line that keeps the whole elsewhere. [The map](../operator/map.md) tells how lines are written.
"""


def _converters() -> str:
    lines = [_HEAD, "# Converters\n", _VALUES]
    own = spec_of("python:module:function")
    assert own is not None
    for name, spec in sorted({**CONVERTERS, "python:module:function": own}.items()):
        lines += [f"## {name}\n", f"{' '.join((spec.make.__doc__ or '').split())}\n"]
        needed = [f"`{each}` (required)" for each in spec.required]
        options = needed + [f"`{each}`" for each in spec.options if each not in spec.required]
        lines.append(f"Options: {', '.join(options) or 'none'}.")
        kinds = ", ".join(sorted(spec.types)) if spec.types is not None else "any"
        lines.append(f"Fields: {kinds}.\n")
    return "\n".join(lines).rstrip() + "\n"


def _schema(model: type[BaseModel], mode: JsonSchemaMode = "serialization") -> str:
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **model.model_json_schema(mode=mode)}
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"


def main() -> int:
    """Write or check; returns the exit code."""
    check = "--check" in sys.argv
    wrong = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                wrong.append(name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if wrong:
        typer.echo(f"docs/reference is behind the code: {', '.join(wrong)}. Run make docs.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
