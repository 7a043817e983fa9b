"""SQL by name: statements live in `sql/*.sql`, each below a line `-- name: WHAT_IT_DOES`."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load(group: str) -> dict[str, str]:
    """Return the statements of `sql/GROUP.sql` by name."""
    text = (files("state") / "sql" / f"{group}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    names, bodies = pieces[1::2], pieces[2::2]
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


def migrations() -> list[str]:
    """Return the migration scripts in order; the first brings an empty file to version 1."""
    folder = files("state") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]
