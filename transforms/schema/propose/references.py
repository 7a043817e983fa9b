"""References: to a lookup or a master, in the phase itself or in a second pass, or a junction."""

from collections.abc import Mapping
from typing import Any

from transforms.schema.names import label, shortened
from transforms.schema.propose.klass import KEY
from transforms.schema.propose.org import Org, Proposal
from transforms.schema.propose.routes import Routes
from transforms.schema.propose.table import Place
from transforms.schema.propose.unfit import propose_unfit
from transforms.schema.source import KOBJECT, SourceAttribute

# A child that had its parent in each of so many records cannot be without it.
ALWAYS = 20
Objects = Mapping[str, tuple[str, ...]]


class References:
    """Puts references into a proposal. `objects`: what the records of each kind become."""

    def __init__(
        self,
        org: Org,
        proposal: Proposal,
        routes: Routes,
        objects: Objects,
        choose: Mapping[str, Any],
        there: set[str],
    ) -> None:
        self._org, self._proposal, self._routes = org, proposal, routes
        self._objects, self._choose, self._there = objects, choose, there
        self._mastered: set[str] = set()

    def can(self, attribute: SourceAttribute) -> bool:
        """Tell whether an attribute names records that will be there to be referred to."""
        return attribute.type == "reference" and attribute.target in self._objects

    def add(self, kind: str, attribute: SourceAttribute, place: Place, name: str) -> None:
        """Propose an attribute's reference; its field is called `name` (with `__c`)."""
        assert attribute.target is not None  # `can` was asked
        profile = self._org.profile(kind, attribute.name)
        if attribute.several or profile.lists:
            self._junction(kind, attribute, place)
            return
        master = self._is_master(kind, attribute, place)
        own_pass = self._first_pass(kind, attribute.target, place)
        phase = place.phase if own_pass else self._second_pass(kind, place)
        columns = self._columns(attribute.target, name)
        at = ("phases", phase, "tables", place.object)
        for target, column in columns.items():
            form: dict[str, Any] = {
                "type": "MasterDetail" if master and own_pass else "Lookup",
                "reference_to": target,
                "label": label(attribute.label),
            }
            if place.shape is None or column not in place.shape.fields:
                self._proposal.add(*at, "create", column, value=form)
        parent: dict[str, Any] = {
            "source": [attribute.path],
            "kinds": [attribute.target],
            "columns": columns,
            "required": True,
        }
        if own_pass and not master and not attribute.sensitive:
            # An update would write over what the first pass kept; a held update is there all the same.
            parent["bad"] = "keep"
            propose_unfit(self._proposal, place)
        if master and own_pass:
            parent["absent"] = "hold"
            self._mastered.add(place.object)
        self._proposal.add(*at, "parents", attribute.name, value=parent)

    def _first_pass(self, kind: str, target: str, place: Place) -> bool:
        """Whether rows can wait for what they name: never a standard object for a klass."""
        standard = not kind.startswith(KOBJECT) and target.startswith(KOBJECT)
        if standard and kind != "message":  # a message cannot be changed once it is in
            return False
        return self._routes.need(place.phase, [target])

    def _is_master(self, kind: str, attribute: SourceAttribute, place: Place) -> bool:
        """Never without it in enough records, of a new object, and the first of its kind."""
        profile = self._org.profile(kind, attribute.name)
        target = attribute.target or ""
        always = profile.seen >= ALWAYS and profile.filled == profile.seen and not profile.bad
        new = place.shape is None and place.object not in self._mastered
        return always and new and kind != target and target.startswith(KOBJECT)

    def _columns(self, target: str, name: str) -> dict[str, str]:
        objects = self._objects[target]
        stem = name.removesuffix("__c")
        return {
            each: name if number == 0 else f"{shortened(f'{stem}_{each}')}__c"
            for number, each in enumerate(objects)
        }

    def _second_pass(self, kind: str, place: Place) -> str:
        """The phase that fills references once both sides are there; made when it is needed."""
        name = f"{place.phase}.links"
        if name not in self._there:
            self._there.add(name)
            value: dict[str, Any] = {
                "kind": f"{kind}.links",
                "of": place.phase,
                "operation": "update",
            }
            if place.phase in self._choose:
                value["choose"] = dict(self._choose[place.phase])
            value["tables"] = {
                each: {
                    "key": KEY,
                    "fields": {KEY: {"source": "id", "convert": "id"}},
                    "parents": {"self": _itself(kind, each)},
                }
                for each in self._objects[kind]
            }
            self._proposal.add("phases", name, value=value)
        return name

    def _junction(self, kind: str, attribute: SourceAttribute, place: Place) -> None:
        """Several ids: a record for each, in an object that holds both lookups."""
        assert attribute.target is not None
        name = f"{place.phase}.{attribute.name}"
        if name in self._there:
            return  # a customer's list, seen once more for its other object
        self._there.add(name)
        own = _lookups("", self._objects[kind])
        other = _lookups("To_" if kind == attribute.target else "", self._objects[attribute.target])
        first, second = (next(iter(each.values())).removesuffix("__c") for each in (own, other))
        made = shortened(f"{first}_{second}")
        shown = label(f"{first} {second}".replace("_", " "))
        form = {"type": "Text", "length": 64, "unique": True, "external_id": True}
        table = {
            "each": attribute.path,
            "key": KEY,
            "object": {"label": shown, "plural": label(f"{attribute.label} of {first}")},
            "create": {
                KEY: {**form, "label": "Kustomer Id"},
                **{
                    column: {
                        "type": "Lookup",
                        "reference_to": target,
                        "label": label(column[:-3].replace("_", " ")),
                    }
                    for target, column in [*own.items(), *other.items()]
                },
            },
            "fields": {KEY: {"source": ["id", "each"], "convert": "pair"}},
            "parents": {
                "one": _parent("id", kind, own),
                "other": _parent("each", attribute.target, other),
            },
        }
        value = {
            "kind": name,
            "of": place.phase,
            # Its key is made of two ids: a row is known again by that, not by one record's id.
            "content": {"parent": KEY},
            "tables": {f"{made}__c": table},
        }
        self._proposal.add("phases", name, value=value)


def _lookups(prefix: str, objects: tuple[str, ...]) -> dict[str, str]:
    return {each: f"{prefix}{each.removesuffix('__c')}__c" for each in objects}


def _parent(source: str, kind: str, columns: Mapping[str, str]) -> dict[str, Any]:
    return {"source": [source], "kinds": [kind], "columns": dict(columns), "required": True}


def _itself(kind: str, name: str) -> dict[str, Any]:
    return _parent("id", kind, {name: "Id"})
