"""The map as one self-contained HTML page."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from service.map_view import MapView
from service.report.write import put_file
from service.value_facts import basis_said, said
from state.plain import plain_errors
from state.private import private_folder


def write_map_page(view: MapView, folder: Path) -> Path:
    """Write `map.html` into `folder`, for its owner only; raises `DiskFull`, `WorkspaceUnusable`."""
    page = folder / "map.html"
    with plain_errors():
        private_folder(folder)
        put_file(page, render_map(view).encode())
    return page


def render_map(view: MapView) -> str:
    """Return the page; whatever a record holds is text in it, never markup."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["said"] = said
    environment.globals["basis_said"] = basis_said
    template = (files("service.report") / "map.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(facts=view.facts, outside=view.outside)
