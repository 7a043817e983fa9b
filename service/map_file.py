"""Puts additions into the map's file: what is there stays as it is, comments and layout too."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from state.plain import plain_errors
from state.private import write_private
from transforms.schema.propose.org import Addition

_WIDE = 1_000_000
# Depth of a single line (a field, a parent, a field to be made): written in one line.
_LINE_DEPTH = 6


def with_additions(text: str, additions: Sequence[Addition]) -> tuple[str, list[Addition]]:
    """Return the file's text with all additions, and those that were made.

    A place that is filled already stays as it is. Without additions the text is the same.
    """
    yaml = _yaml()
    tree = yaml.load(text)
    made = [each for each in additions if _put(tree, each)]
    if not made:
        return text, []
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue(), made


def write_map(path: Path, text: str) -> None:
    """Write the map whole or not at all, for its owner only; raises `DiskFull`, `WorkspaceUnusable`."""
    aside = path.with_name(f"{path.name}.part")
    with plain_errors():
        try:
            write_private(aside, text.encode())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = _WIDE
    yaml.preserve_quotes = True
    return yaml


def _put(tree: Any, addition: Addition) -> bool:
    node = tree
    for key in addition.path[:-1]:
        if node.get(key) is None:
            node[key] = CommentedMap()
        node = node[key]
    last = addition.path[-1]
    if last in node:
        return False
    node[last] = _node(addition.value, len(addition.path))
    return True


def _node(value: Any, depth: int) -> Any:
    """A value as the file writes it: from single lines on in flow style."""
    if isinstance(value, dict):
        made = CommentedMap({key: _node(each, depth + 1) for key, each in value.items()})
        if depth >= _LINE_DEPTH or _is_small(value):
            made.fa.set_flow_style()
        return made
    if isinstance(value, (list, tuple)):
        listed = CommentedSeq(_node(each, depth + 1) for each in value)
        listed.fa.set_flow_style()
        return listed
    return value


def _is_small(value: dict[str, Any]) -> bool:
    return bool(value) and not any(isinstance(each, dict) for each in value.values())
