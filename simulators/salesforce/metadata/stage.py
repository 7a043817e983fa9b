"""The setup of the org as a deployment would leave it; nothing is real before it is committed."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.salesforce.definitions import ObjectDef
from simulators.salesforce.org import Org


class Problem(Exception):
    """Why a component cannot be deployed."""


@dataclass
class Result:
    """What became of one component."""

    type: str
    name: str
    file: str
    problem: str = ""
    created: bool = False
    changed: bool = False
    deleted: bool = False

    def told(self) -> dict[str, Any]:
        """The result as the API tells it."""
        told: dict[str, Any] = {
            "fullName": self.name,
            "componentType": self.type,
            "fileName": self.file,
            "success": not self.problem,
            "created": self.created,
            "changed": self.changed,
            "deleted": self.deleted,
            "warning": False,
        }
        if self.problem:
            told |= {"problem": self.problem, "problemType": "Error"}
            told |= {"lineNumber": 1, "columnNumber": 1}
        return told


@dataclass
class Stage:
    """A copy of the setup that components are put into, one after the other."""

    org: Org
    objects: dict[str, ObjectDef] = field(init=False)
    permission_sets: dict[str, dict[str, bool]] = field(init=False)
    labels: dict[str, str] = field(default_factory=dict)
    later: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        schema = self.org.store.schema
        self.objects = copy.deepcopy(schema.objects)
        self.permission_sets = copy.deepcopy(schema.permission_sets)

    def object(self, name: str) -> ObjectDef:
        """An object that a component names; raises `Problem`."""
        found = self.objects.get(name)
        if found is None:
            raise Problem(f"Entity of type 'CustomObject' named '{name}' cannot be found")
        return found

    def commit(self) -> None:
        """Make it real: the schema first, then what lives among the records."""
        store = self.org.store
        schema = store.schema
        for name in [name for name in schema.objects if name not in self.objects]:
            del schema.objects[name]
        for name, staged in self.objects.items():
            if name in schema.objects:
                schema.objects[name].take(staged)
            else:
                schema.objects[name] = staged
        schema.permission_sets = self.permission_sets
        store.reshape()
        for step in self.later:
            step()
        store.reshape()
