"""The inventory as one self-contained HTML page, and as JSON beside it."""

from importlib.resources import files
from pathlib import Path

import orjson
from jinja2 import Environment, StrictUndefined

from service.discover.facts import DiscoverFacts
from service.discover.forecast import duration
from service.report.write import moment, put_file
from state.plain import plain_errors
from state.private import private_folder


def write_discover(facts: DiscoverFacts, folder: Path) -> Path:
    """Write `discover.html` and `discover.json` into `folder`, for their owner only.

    Each is written whole or not at all. Returns the page's path. Raises `DiskFull`, `WorkspaceUnusable`.
    """
    page = folder / "discover.html"
    with plain_errors():
        private_folder(folder)
        put_file(page, render_discover(facts).encode())
        told = orjson.dumps(facts.model_dump(), option=orjson.OPT_INDENT_2)
        put_file(folder / "discover.json", told)
    return page


def render_discover(facts: DiscoverFacts) -> str:
    """Return the page; whatever a remote named is text in it, never markup."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["count"] = lambda value: "–" if value is None else f"{value:,.0f}"
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.0%}"
    environment.filters["moment"] = moment
    environment.filters["size"] = _size
    environment.filters["lasts"] = _lasts
    template = (files("service.report") / "discover.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(facts=facts)


def _lasts(hours: float | None) -> str:
    if hours is None:
        return "–"
    return duration(hours) if hours else "at once"


def _size(value: float | None) -> str:
    """Bytes in the unit that suits them."""
    if value is None:
        return "–"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1_024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1_024
    return f"{value:,.1f} TB"
