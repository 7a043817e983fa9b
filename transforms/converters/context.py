"""What a converter is told when a map is compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.converters.place_codes import PlaceCodes
from transforms.record import Getter


@dataclass(frozen=True)
class ConverterContext:
    """One line of the map: the target field's length in characters (0: none), and options.

    `values` has its keys in lower case. `function` is the operator's own, where the line names one.
    `places`: the codes of states and countries, where the org has picklists of them.
    """

    get: Getter
    length: int = 0
    default: str | None = None
    keep: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    function: Callable[[Any, Any], Any] | None = None
    places: PlaceCodes | None = None
