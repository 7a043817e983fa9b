"""Reads the labelled pairs as the proposer sees an org: attributes, profiles of values, fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from transforms.schema.profile import Profile
from transforms.schema.source import SourceAttribute, read_attribute
from transforms.shape import FieldShape

# Weights were fitted on these; the others were left out of that.
TUNED_ON = ("retail customers", "software companies", "travel conversations", "bank customers")
_LISTS = ("picklist", "multipicklist")


@dataclass(frozen=True)
class Group:
    """One object with the attributes that are to find their fields, and the right ones by name."""

    name: str
    fields: Sequence[FieldShape]
    attributes: Sequence[tuple[SourceAttribute, Profile]]
    labels: dict[str, str | None]


def read_groups() -> list[Group]:
    """Read all groups of pairs.yaml."""
    text = (Path(__file__).parent / "pairs.yaml").read_text(encoding="utf-8")
    return [_group(told) for told in YAML(typ="safe").load(text)["groups"]]


def _group(told: dict[str, Any]) -> Group:
    labels: dict[str, str | None] = {}
    attributes = []
    for line in told["pairs"]:
        name, label, values, field = (part.strip() for part in line.split(" | "))
        attribute = read_attribute(name, {"displayName": label})
        attributes.append((attribute, _profile(attribute, values)))
        labels[name] = None if field == "null" else field
    return Group(told["name"], [_field(line) for line in told["fields"]], attributes, labels)


def _field(line: str) -> FieldShape:
    name, label, kind, more = (part.strip() for part in f"{line} ".split("|"))
    return FieldShape(
        name=name,
        label=label,
        type=kind,
        length=int(more) if more and kind not in _LISTS else 0,
        picklist=tuple(more.split(";")) if kind in _LISTS else (),
        custom=name.endswith("__c"),
    )


def _profile(attribute: SourceAttribute, values: str) -> Profile:
    profile = Profile()
    given = [values] if attribute.type in ("text", "url") else values.split(", ")
    for value in given:
        profile.add(_typed(attribute, value), type=attribute.type)
    return profile


def _typed(attribute: SourceAttribute, value: str) -> Any:
    if attribute.type == "number":
        return float(value)
    return value == "true" if attribute.type == "boolean" else value
