"""Converters by name: what a line of the mapping file can ask for."""

from transforms.converters.context import ConverterContext
from transforms.converters.registry import (
    CONVERTERS,
    Converter,
    ConverterSpec,
    line_faults,
    spec_of,
)

__all__ = ["CONVERTERS", "Converter", "ConverterContext", "ConverterSpec", "line_faults", "spec_of"]
