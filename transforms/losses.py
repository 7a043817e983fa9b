"""Whether some line of a table takes only a part of a value that no other line keeps whole. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.map_lines import FieldLine


def loss_faults(fields: Mapping[str, FieldLine]) -> Iterator[str]:
    """Lines that take only a part of what is there, while no line of the table keeps the whole."""
    lines = fields.values()
    used = {line.convert for line in lines}
    if used & {"first-name", "last-name"} and "full-name" not in used:
        yield "first-name and last-name may be shortened, so a line must have full-name"
    for name, line in fields.items():
        beside = [each for each in lines if each.source == line.source and each is not line]
        if line.convert == "tree" and line.options.get("part", "path") != "path":
            whole = (each.convert in ("text", "json", "join") or _is_path(each) for each in beside)
            if not any(whole):
                yield f"{name} takes a part of a path, so a line must keep the whole of it"
        if line.convert == "currency" and line.options.get("multi"):
            codes = (each.options.get("part") == "code" for each in beside)
            if line.options.get("part") != "code" and not any(codes):
                yield f"{name} takes any currency, so a line must have its code (part: code)"


def _is_path(line: FieldLine) -> bool:
    return line.convert == "tree" and line.options.get("part", "path") == "path" and not line.values
