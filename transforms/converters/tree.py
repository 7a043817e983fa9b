"""Values of tree attributes: paths such as `billing.refund.late` (kustomer facts, 6.7)."""

from collections.abc import Mapping
from typing import Any

from transforms.converters.cells import as_text, clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.record import Cell, Record

SEPARATOR = "."


def tree(context: ConverterContext) -> Cell:
    """A path in a tree: whole, its `leaf`, or the step at one `level` (1 is the top).

    `part`: path (default), leaf, or level; a level that the value does not reach is empty. `separator`
    is between the source's steps (default `.`), `with` between those of the cell (default the same).
    Fields for levels or a leaf stand beside a line that keeps the whole path. `values` may map what
    comes out; then what is not in it takes the default, or holds the record (unknown-value). A path
    with an empty step has no levels (bad-path).
    """
    get, limit, options = context.get, context.length, context.options
    table = {key: quoted(value) for key, value in context.values.items()}
    default = quoted(context.default) if context.default is not None else None

    def cell(record: Record) -> str:
        made = tree_part(_single(get(record)), options)
        if not made:
            return default or ""
        if not table:
            return fitted(made, limit)
        found = table.get(made.strip().lower(), default)
        if found is None:
            raise Hold("unknown-value")
        return found

    return cell


def tree_part(value: Any, options: Mapping[str, Any]) -> str:
    """What a line with these options takes of a path; raises `Hold`."""
    text = clean(as_text(value)).strip()
    if not text:
        return ""
    separator = str(options.get("separator", SEPARATOR))
    between = str(options.get("with", separator))
    part = options.get("part", "path")
    if part == "path":
        return text if between == separator else between.join(text.split(separator))
    steps = [step.strip() for step in text.split(separator)]
    if not all(steps):
        raise Hold("bad-path")
    if part == "leaf":
        return steps[-1]
    level = int(options.get("level", 1))
    return steps[level - 1] if level <= len(steps) else ""


def _single(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) > 1:
        raise Hold("too-many-values")
    return value[0] if value else None
