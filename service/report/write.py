"""Writes a report's two forms into the workspace."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import orjson
from jinja2 import Environment, StrictUndefined

from service.report.facts import ReportFacts
from state.plain import plain_errors
from state.private import private_folder, write_private


def write_report(facts: ReportFacts, folder: Path) -> Path:
    """Write `report.html` and `report.json` into `folder`; returns the HTML file's path.

    Each is written whole or not at all: an earlier report stays when the disk is full. Raises
    `DiskFull`, `WorkspaceUnusable`.
    """
    page = folder / "report.html"
    with plain_errors():
        private_folder(folder)
        put_file(page, render(facts).encode())
        put_file(
            folder / "report.json", orjson.dumps(facts.model_dump(), option=orjson.OPT_INDENT_2)
        )
    return page


def render(facts: ReportFacts) -> str:
    """Return the report as one self-contained HTML page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["count"] = lambda value: "–" if value is None else f"{value:,}"
    environment.filters["moment"] = moment
    template = (files("service.report") / "report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(facts=facts)


def moment(value: float | None) -> str:
    """Epoch seconds as a page says them; a dash for None."""
    if value is None:
        return "–"
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"


def put_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, for its owner only; raises OSError."""
    aside = path.with_name(f"{path.name}.part")
    try:
        write_private(aside, data)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)  # a full disk needs the room back
        raise
