"""The go/no-go page of a cutover, its JSON, and the list of conversations in flight."""

import csv
import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import orjson
from jinja2 import Environment, StrictUndefined

from service.crosswalk_csv import as_text
from service.cutover.facts import CutoverFacts
from service.cutover.in_flight import Flight
from service.report.write import moment, put_file
from state.plain import plain_errors
from state.private import private_folder

PAGE, DATA, FLIGHTS = "cutover.html", "cutover.json", "in-flight.csv"
_COLUMNS = (
    "conversation",
    "status",
    "assigned",
    "snoozed_until",
    "sla_before",
    "sla_after",
    "case",
    "case_number",
    "case_status",
    "owner",
    "owner_name",
)


def write_cutover(facts: CutoverFacts, flights: Sequence[Flight], folder: Path) -> Path:
    """Write the three files into `folder`, for their owner only; returns the page's path.

    Each is written whole or not at all. Raises `DiskFull`, `WorkspaceUnusable`.
    """
    with plain_errors():
        private_folder(folder)
        put_file(folder / PAGE, render_cutover(facts).encode())
        told = orjson.dumps(facts.model_dump(), option=orjson.OPT_INDENT_2)
        put_file(folder / DATA, told)
        put_file(folder / FLIGHTS, _csv(flights).encode())
    return folder / PAGE


def render_cutover(facts: CutoverFacts) -> str:
    """Return the page; whatever a remote named is text in it, never markup."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["count"] = lambda value: "–" if value is None else f"{value:,}"
    environment.filters["moment"] = moment
    template = (files("service.report") / "cutover.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(facts=facts)


def _csv(flights: Sequence[Flight]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in flights:
        values = [getattr(each, name) for name in _COLUMNS]
        writer.writerow([as_text(v if isinstance(v, str) else " ".join(v)) for v in values])
    return out.getvalue()
