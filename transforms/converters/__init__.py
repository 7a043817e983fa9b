"""Converters by name: what a line of the mapping file can ask for."""

from transforms.converters.registry import CONVERTERS, Converter, ConverterContext

__all__ = ["CONVERTERS", "Converter", "ConverterContext"]
