"""Chooses what tags become: choices of a multi-select picklist, topics, or nothing beside their text.

The default map keeps tags as text on every record, which works in every org and without a limit. What is
chosen here comes beside it, so that agents can filter and report by tags.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from transforms.errors import TagsDoNotFit
from transforms.mapping import Mapping as MapFile
from transforms.mapping import PhaseLine
from transforms.schema.fields import MULTISELECT_CHOSEN, MULTISELECT_VALUES, TEXT_CHARS
from transforms.schema.names import api_names
from transforms.schema.propose.org import Proposal
from transforms.shape import TargetShape
from transforms.tag_names import spelled

TagChoice = Literal["auto", "picklist", "topics", "text"]
# Characters of all choices of one record together: the length that describes give such fields.
MULTISELECT_CHARS = 4_099
# Kinds whose records have tags; those but conversations only where some were seen with tags.
_TAGGED = ("conversation", "customer", "company")
_SOURCE = "attributes.tags"
_STEM, _LABEL = "Kustomer_Tag_List", "Kustomer Tag List"
_SURE = 0.95
TOPIC_OBJECTS = ("Topic", "TopicAssignment")
# Rows of TopicAssignment that one query may ask for (salesforce facts, 7.8).
_MOST_ASSIGNMENTS = 1_100


@dataclass(frozen=True)
class OrgTags:
    """The org's tags: names by id, deleted ones included, and the lists that records were seen with.

    `lists` by kind: each distinct list of ids once.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Collection[Sequence[str]]] = field(default_factory=dict)


def picklist_misfits(tags: OrgTags) -> list[str]:
    """Say everything that keeps a multi-select picklist from holding the tags."""
    return list(_misfits(tags))


def propose_tags(
    mapping: MapFile, proposal: Proposal, shapes: TargetShape, tags: OrgTags, choice: TagChoice
) -> None:
    """Add what tags become to a proposal; what the map says of them already stays.

    Raises `TagsDoNotFit`, with all reasons at once, for a choice that the org cannot take.
    """
    before = _chosen_before(mapping)
    if before is not None:
        if choice not in ("auto", before):
            proposal.notes.append(
                f"The map has tags as {before} already; take those lines out to have them as {choice}."
            )
        return
    if choice == "text" or not (tags.names or choice != "auto"):
        return
    misfits = picklist_misfits(tags)
    if choice == "picklist" and misfits:
        raise TagsDoNotFit("multi-select picklist", misfits)
    if choice == "picklist" or (choice == "auto" and not misfits):
        _add_picklist(mapping, proposal, shapes, tags)
        return
    missing = [f"the org shows no object {name}" for name in TOPIC_OBJECTS if name not in shapes]
    if missing and choice == "topics":
        raise TagsDoNotFit("topics", missing)
    if missing:
        reasons = "; ".join([*misfits, *missing])
        proposal.notes.append(f"Tags are kept as text alone: {reasons}.")
        return
    _add_topics(mapping, proposal, shapes, tags, misfits if choice == "auto" else [])


def _misfits(tags: OrgTags) -> Iterator[str]:
    values = {each for each in spelled(tags.names.values()).values() if each}
    if not values:
        yield "the org has no tag"
    if len(values) > MULTISELECT_VALUES:
        yield f"{len(values):,} tags are more than the {MULTISELECT_VALUES} values of a field"
    parted = sum(";" in each for each in values)
    if parted:
        yield f"{parted:,} tags have a semicolon in their name, which parts values"
    long = sum(len(each) > TEXT_CHARS for each in values)
    if long:
        yield f"{long:,} tags have a name of more than {TEXT_CHARS} characters"
    lists = [ids for each in tags.lists.values() for ids in each]
    most = max((len(set(ids)) for ids in lists), default=0)
    if most > MULTISELECT_CHOSEN:
        yield f"a record has {most:,} tags, more than the {MULTISELECT_CHOSEN} of one value"
    chars = max(
        (len(";".join(tags.names.get(each, each) for each in ids)) for ids in lists), default=0
    )
    if chars > MULTISELECT_CHARS:
        yield f"the tags of a record take {chars:,} characters, more than {MULTISELECT_CHARS:,}"


def _chosen_before(mapping: MapFile) -> str | None:
    """What an earlier choice has put into the map."""
    for line in mapping.phases.values():
        if line.kind == "tag":
            return "topics"
        for table in line.tables.values():
            for each in table.fields.values():
                if each.convert == "multi-select" and each.options.get("of") == "tags":
                    return "picklist"
    return None


def _tagged(mapping: MapFile, tags: OrgTags) -> Iterator[tuple[str, PhaseLine]]:
    """The phases whose records carry tags."""
    for name, line in mapping.phases.items():
        used = line.kind == "conversation" or any(tags.lists.get(line.kind, ()))
        if line.kind in _TAGGED and line.move and not line.of and used:
            yield name, line


def _add_picklist(mapping: MapFile, proposal: Proposal, shapes: TargetShape, tags: OrgTags) -> None:
    values = sorted({each for each in spelled(tags.names.values()).values() if each})
    most = max((len(ids) for each in tags.lists.values() for ids in each), default=0)
    reason = (
        f"a multi-select picklist holds all {len(values):,} tags, and the {most:,} at most that one "
        "record was seen with; a tag without a name keeps its id"
    )
    for phase, line in _tagged(mapping, tags):
        for table in line.tables:
            at = ("phases", phase, "tables", table)
            name = _field_name(line, table, shapes, proposal, at)
            # A tag that Kustomer gets tomorrow must not keep a record from arriving.
            form = {
                "type": "MultiselectPicklist",
                "label": _LABEL,
                "values": values,
                "restricted": False,
            }
            proposal.add(*at, "create", name, value=form)
            proposal.add(
                *at,
                "fields",
                name,
                value={
                    "source": _SOURCE,
                    "convert": "multi-select",
                    "options": {"of": "tags", "unknown": "keep"},
                    "reason": reason,
                    "confidence": _SURE,
                },
            )


def _field_name(
    line: PhaseLine, table: str, shapes: TargetShape, proposal: Proposal, at: tuple[str, ...]
) -> str:
    """The picklist's name; one of our making that the org has already is used again."""
    known = shapes[table].fields if table in shapes else {}
    there = known.get(f"{_STEM}__c")
    proposed = {
        each.path[5] for each in proposal.additions if each.path[:4] == at and len(each.path) > 5
    }
    used = {*line.tables[table].fields, *line.tables[table].create, *proposed}
    if there is not None and there.type == "multipicklist" and there.name not in used:
        return there.name
    taken = sorted({*known, *used})
    return f"{api_names({'tags': [_STEM]}, taken=taken)['tags']}__c"


def _add_topics(
    mapping: MapFile,
    proposal: Proposal,
    shapes: TargetShape,
    tags: OrgTags,
    misfits: Sequence[str],
) -> None:
    why = f", since {' and '.join(misfits)}" if misfits else ""
    name: dict[str, Any] = {
        "source": "attributes.name",
        "convert": "unique-text",
        "keep": "Description",
        "reason": f"tags become topics{why}; names that differ in letter case alone share one",
        "confidence": _SURE,
    }
    proposal.add(
        "phases",
        "tags",
        value={
            "kind": "tag",
            "deleted": "move",  # records keep the ids of tags that were deleted
            "content": {"parent": "Name", "unique": True},
            "tables": {"Topic": {"same_as": "Name", "fields": {}}},
        },
    )
    proposal.add("phases", "tags", "tables", "Topic", "fields", "Name", value=name)
    leads_to = shapes["TopicAssignment"].fields["EntityId"].reference_to
    for phase, line in _tagged(mapping, tags):
        without = [each for each in line.tables if leads_to and each not in leads_to]
        if without:
            proposal.notes.append(
                f"Tags of {phase} are kept as text alone: {', '.join(without)} cannot have topics."
            )
            continue
        proposal.add("phases", f"{phase}.topics", value=_assignments(phase, line))


def _assignments(phase: str, line: PhaseLine) -> dict[str, Any]:
    """The phase of the topics of one kind of record: a row for each tag."""
    record = {
        "source": ["id"],
        "kinds": [line.kind],
        "columns": dict.fromkeys(line.tables, "EntityId"),
        "required": True,
    }
    topic = {
        "source": ["each"],
        "kinds": ["tag"],
        "columns": {"Topic": "TopicId"},
        "required": True,
    }
    return {
        "kind": f"{line.kind}.topics",
        "of": phase,
        "content": {
            "parent": "EntityId",
            "text": "TopicId",
            "unique": True,
            "most": _MOST_ASSIGNMENTS,
        },
        "tables": {
            "TopicAssignment": {
                "each": _SOURCE,
                "fields": {},
                # Named as other phases name it: their jobs and these never meet at one record's lock.
                "parents": {line.kind: record, "topic": topic},
            }
        },
    }
