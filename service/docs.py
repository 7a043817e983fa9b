"""Writes the reference pages from the code, or checks that they are what the code says.

`python -m service.docs` writes `docs/reference/`; with `--check` it changes nothing and fails when a
page differs.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import typer.main
from pydantic import BaseModel

import connectors
import service
import state
import transforms
from service.config import Config
from service.errors import DeskferryError
from service.reasons import REASONS
from service.report.facts import ReportFacts

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_HEAD = "<!-- Written by `make docs`; edit the code instead. -->\n"


def pages() -> dict[str, str]:
    """Return every reference page by file name."""
    return {
        "cli.md": _cli(),
        "config.md": _config(),
        "errors.md": _errors(),
        "reasons.md": _reasons(),
        "report.schema.json": _schema(ReportFacts),
    }


def _cli() -> str:
    from service.cli.main import app

    command = typer.main.get_command(app)
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
    for name, field in model.model_fields.items():
        kind = field.annotation
        inner = next((each for each in _models(kind)), None)
        if inner is not None:
            yield from _settings(inner, f"{prefix}{name}.")
            continue
        default = "required" if field.is_required() else f"`{field.default}`"
        yield f"{prefix}{name}", default, field.description or ""


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for each in getattr(kind, "__args__", ()):
        yield from _models(each)


def _errors() -> str:
    lines = [_HEAD, "# Error codes\n", "| code | meaning | next step |", "|---|---|---|"]
    for code, (text, step) in sorted(_error_rows().items()):
        lines.append(f"| `{code}` | {text} | {step} |")
    return "\n".join(lines) + "\n"


def _error_rows() -> dict[str, tuple[str, str]]:
    from connectors.errors import ConnectorError
    from state.errors import StateError
    from transforms.errors import MappingError

    for package in (connectors, state, transforms, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    rows = {}
    for root in (ConnectorError, StateError, MappingError, DeskferryError):
        for each in _family(root):
            text = (each.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
            rows[each.code] = (" ".join(text.split()), getattr(each, "next_step", "as it says"))
    return rows


def _family(root: Any) -> Iterator[Any]:
    yield root
    for each in root.__subclasses__():
        yield from _family(each)


def _reasons() -> str:
    lines = [_HEAD, "# Why rows are held or failed\n", "| reason | cause | fix |", "|---|---|---|"]
    lines += [f"| `{code}` | {each.cause} | {each.fix} |" for code, each in REASONS.items()]
    return "\n".join(lines) + "\n"


def _schema(model: type[BaseModel]) -> str:
    return orjson.dumps(model.model_json_schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


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
            path.write_text(text, encoding="utf-8")
    if wrong:
        typer.echo(f"docs/reference is behind the code: {', '.join(wrong)}. Run make docs.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
