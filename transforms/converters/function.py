"""Functions of the operator's own: `python:module:function` in place of a converter's name.

What is here imports nothing: the service finds the function and hands it over when a map is compiled.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from transforms.converters.cells import clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.record import Cell, Record

Function = Callable[[Any, Mapping[str, Any]], str | None]
_NAMED = re.compile(r"python:\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*)\Z", re.ASCII)
PREFIX = "python:"


def function_named(convert: str) -> str | None:
    """The `module:function` that a line asks for; None for a converter's name."""
    found = _NAMED.match(convert)
    return found[1] if found else None


def own_function(context: ConverterContext) -> Cell:
    """A function `(value, record) -> str | None`, `record` being the source's JSON:API resource.

    It is called for every record, with None where the source has no value; None becomes the line's
    default. It must be pure, and must not change the record. An exception in it, or an answer that is
    no text, holds the record (function-failed); only the exception's type is told.
    """
    call, get, limit = context.function, context.get, context.length
    assert call is not None  # a map with a function that is not there does not compile
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        try:
            made = call(get(record), record.row)
        except Hold:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is this record's alone
            raise Hold("function-failed", detail=type(error).__name__) from None
        if made is None:
            return default
        if not isinstance(made, str):
            raise Hold("function-failed", detail=f"answered with {type(made).__name__}")
        return fitted(clean(made), limit)

    return cell
