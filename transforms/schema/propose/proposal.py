"""The whole proposal: what a map does not say yet about an org's klasses and custom attributes."""

from collections.abc import Iterator, Mapping
from typing import Any

from transforms.mapping import Mapping as MapFile
from transforms.mapping import PhaseLine
from transforms.schema.names import api_names, stem
from transforms.schema.profile import Profile
from transforms.schema.propose.homes import Home, find_homes
from transforms.schema.propose.klass import klass_phase, object_names
from transforms.schema.propose.lines import Line, can_fill, existing, made
from transforms.schema.propose.org import Org, Proposal, Question
from transforms.schema.propose.references import References
from transforms.schema.propose.routes import Routes
from transforms.schema.propose.table import Place, attributes_of, places
from transforms.schema.propose.unfit import propose_unfit
from transforms.schema.source import KOBJECT, SourceAttribute, SourceKind

_PREFIX = "Kustomer_"
_UNSURE = 0.85
# What a klass's record may belong to: the kind, the relation, and the lookups' names by object.
_BELONGS = (
    ("customer", {"Contact": "Kustomer_Contact__c", "Lead": "Kustomer_Lead__c"}),
    ("company", {"Account": "Kustomer_Account__c"}),
    ("conversation", {"Case": "Kustomer_Case__c"}),
)


def propose(mapping: MapFile, org: Org) -> Proposal:
    """Propose lines for all that the map does not use yet; nothing that is in it is touched.

    The same org and map give the same proposal. `questions` name the close decisions.
    """
    return _Proposer(mapping, org).run()


class _Proposer:
    def __init__(self, mapping: MapFile, org: Org) -> None:
        self._mapping, self._org = mapping, org
        self._proposal = Proposal()
        self._routes = Routes(mapping)
        self._new = self._klasses()
        known = {line.kind for line in mapping.phases.values()}
        self._kinds = [
            k for k in org.schema.kinds.values() if k.name in known or k.name in self._new
        ]
        self._references = References(
            org,
            self._proposal,
            self._routes,
            self._objects(),
            {
                name: line.choose.model_dump(by_alias=True, exclude_defaults=True)
                for name, line in mapping.phases.items()
                if line.choose is not None
            },
            set(mapping.phases),
        )

    def run(self) -> Proposal:
        for name, target in self._new.items():
            self._routes.join(name, name)
            phase = klass_phase(self._org.schema.kinds[name], target, self._org.shapes)
            self._proposal.add("phases", name, value=phase)
        for kind in self._kinds:
            self._belongings(kind)
        waiting = [
            each
            for kind in self._kinds
            for place in self._places(kind)
            for each in self._table(kind, place)
        ]
        # Masters first: a detail cannot wait for a second pass.
        for kind, attribute, place, field in sorted(waiting, key=self._weight):
            self._references.add(kind.name, attribute, place, field)
        return self._proposal

    def _weight(
        self, each: tuple[SourceKind, SourceAttribute, Place, str]
    ) -> tuple[bool, str, str]:
        kind, attribute, place, _ = each
        profile = self._org.profile(kind.name, attribute.name)
        always = bool(profile.seen) and profile.filled == profile.seen
        return (not always, place.phase, attribute.name)

    def _klasses(self) -> dict[str, str]:
        """The objects of klasses that have no phase yet, by kind."""
        known = {line.kind for line in self._mapping.phases.values()}
        taken = [t for line in self._mapping.phases.values() for t in line.tables]
        names = object_names(self._org.schema, taken)
        return {kind: name for kind, name in names.items() if kind not in known}

    def _objects(self) -> dict[str, tuple[str, ...]]:
        """What the records of each kind become, of all kinds that are moved."""
        found: dict[str, tuple[str, ...]] = {
            line.kind: tuple(line.tables)
            for line in self._mapping.phases.values()
            if line.move and not line.of and _referable(line)
        }
        for kind, name in self._new.items():
            if self._org.schema.kinds[kind].status != "disabled":
                found[kind] = (name,)
        return {kind: ("User",) if kind == "user" else each for kind, each in found.items()}

    def _places(self, kind: SourceKind) -> list[Place]:
        if kind.name not in self._new:
            return places(kind.name, self._mapping, self._org)
        name = self._new[kind.name]
        phase = klass_phase(kind, name, self._org.shapes)
        table = phase["tables"][name]
        columns = {
            *table["fields"],
            *table["create"],
            *(c for _, cs in _BELONGS for c in cs.values()),
        }
        shape = self._org.shapes.get(name)
        return [Place(kind.name, name, shape, frozenset(), frozenset(columns))]

    def _belongings(self, kind: SourceKind) -> None:
        """The customer, company and conversation that a klass's records were seen to belong to."""
        if kind.name not in self._new:
            return
        at = ("phases", kind.name, "tables", self._new[kind.name])
        related = self._org.relations.get(kind.name, frozenset())
        known = {line.kind for line in self._mapping.phases.values()}
        for name, columns in _BELONGS:
            if name not in related or name not in known or not self._routes.need(kind.name, [name]):
                continue
            for target, column in columns.items():
                form = {
                    "type": "Lookup",
                    "reference_to": target,
                    "label": column[:-3].replace("_", " "),
                }
                self._proposal.add(*at, "create", column, value=form)
            parent = {
                "source": [f"relationships.{name}.data.id"],
                "kinds": [name],
                "columns": dict(columns),
                "required": True,
            }
            self._proposal.add(*at, "parents", name, value=parent)

    def _table(
        self, kind: SourceKind, place: Place
    ) -> Iterator[tuple[SourceKind, SourceAttribute, Place, str]]:
        """Propose the lines of one table; yields its references, which need all phases known."""
        open_ = [a for a in attributes_of(kind, self._org) if a.path not in place.used]
        plain = [
            (a, self._org.profile(kind.name, a.name)) for a in open_ if not self._references.can(a)
        ]
        hints = self._org.hints.get(kind.name, {})
        homes = find_homes(plain, place.free(), usable=can_fill, hints=hints)
        names = self._names(open_, homes, place)
        for attribute, profile in plain:
            home = homes[attribute.name]
            self._put(place, self._line(attribute, profile, home, names, place))
            self._question(kind, attribute, profile, home)
        for attribute in open_:
            if self._references.can(attribute):
                yield kind, attribute, place, names[attribute.name]

    def _names(
        self, open_: list[SourceAttribute], homes: Mapping[str, Home], place: Place
    ) -> dict[str, str]:
        new = [a for a in open_ if a.name not in homes or homes[a.name].field is None]
        wanted = {a.name: (stem(a.bare_name, a.label), stem(a.name, a.label)) for a in new}
        given = api_names(wanted, prefix=_PREFIX, taken=place.taken())
        return {attribute: f"{name}__c" for attribute, name in given.items()}

    def _line(
        self,
        attribute: SourceAttribute,
        profile: Profile,
        home: Home,
        names: Mapping[str, str],
        place: Place,
    ) -> Line:
        if home.field is not None:
            return existing(attribute, profile, home)
        name = names[attribute.name]
        return made(attribute, profile, name, home, whole_kept=place.keeps_custom)

    def _put(self, place: Place, line: Line) -> None:
        at = ("phases", place.phase, "tables", place.object)
        if line.create is not None:
            self._proposal.add(*at, "create", line.field, value=dict(line.create))
        self._proposal.add(*at, "fields", line.field, value=dict(line.line))
        if line.line.get("bad") == "keep":
            propose_unfit(self._proposal, place)

    def _question(
        self, kind: SourceKind, attribute: SourceAttribute, profile: Profile, home: Home
    ) -> None:
        if home.others and home.confidence < _UNSURE:
            chosen = home.field.name if home.field else None
            facts = {"filled": profile.filled, "seen": profile.seen, "longest": profile.chars}
            self._proposal.questions.append(
                Question(
                    kind.name,
                    attribute.name,
                    attribute.label,
                    attribute.type,
                    facts,
                    chosen,
                    home.confidence,
                    home.others,
                )
            )


def _referable(line: PhaseLine) -> bool:
    """Whether records of a phase can be looked up: not groups, mails or comments."""
    if line.kind in ("user", "customer", "company", "conversation"):
        return True
    return line.kind.startswith(KOBJECT)


def summary(proposal: Proposal) -> dict[str, Any]:
    """How many lines there are by confidence: sure (0.85 and more), likely (0.6), to be looked at."""
    counts = {"sure": 0, "likely": 0, "look": 0}
    for addition in proposal.additions:
        if len(addition.path) == 6 and addition.path[4] == "fields":
            confidence = addition.value.get("confidence", 1.0)
            counts["sure" if confidence >= 0.85 else "likely" if confidence >= 0.6 else "look"] += 1
    return counts
