"""What a proposal is made from, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.schema.profile import Profile
from transforms.schema.propose.homes import Hints
from transforms.schema.source import SourceSchema
from transforms.shape import TargetShape


@dataclass(frozen=True)
class Org:
    """Both sides. `profiles` by kind and attribute; `relations` by kind: those that records have.

    `shapes` are the target's objects; one that is not there is missing. `hints` by kind: fields that
    a model prefers, by attribute.
    """

    schema: SourceSchema
    profiles: Mapping[str, Mapping[str, Profile]]
    shapes: TargetShape
    relations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hints: Mapping[str, Hints] = field(default_factory=dict)

    def profile(self, kind: str, attribute: str) -> Profile:
        """How an attribute is filled; an empty profile where nothing was seen."""
        return self.profiles.get(kind, {}).get(attribute) or Profile()


@dataclass(frozen=True)
class Addition:
    """One thing to be put into the map, at a path of keys, unless something is there."""

    path: tuple[str, ...]
    value: Any


@dataclass
class Question:
    """An attribute that has several fields to choose from, as a model may be asked: no values."""

    kind: str
    attribute: str
    label: str
    type: str
    facts: Mapping[str, int]
    chosen: str | None
    confidence: float
    others: tuple[str, ...]


@dataclass
class Proposal:
    """All additions in the order of the file, and what a person should know."""

    additions: list[Addition] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *path: str, value: Any) -> None:
        """Note one addition."""
        self.additions.append(Addition(path, value))
