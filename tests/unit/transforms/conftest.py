"""The default map, compiled against the target that it is made for."""

from importlib.resources import files

import pytest

from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.mapping import parse_mapping


@pytest.fixture(scope="session")
def default_map() -> CompiledMapping:
    text = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
    mapping = parse_mapping(text, "default_mapping.yaml")
    return compile_mapping(mapping, default_shape(), MapSettings("005000000000001AAA"))
