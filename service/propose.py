"""`map propose`: reads both orgs, and writes what the map does not say yet into its file."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from connectors.clock import Clock
from connectors.errors import ConnectorError, RoleMissing
from connectors.http import HttpClient, RetryPolicy
from connectors.kustomer.client import KustomerClient
from connectors.language_model import LanguageModel
from service.compose import open_kustomer, open_salesforce
from service.config import Config, LanguageModelConfig
from service.declared import phases_of
from service.map_file import with_additions, write_map
from service.map_samples import whole_values
from service.mapped import MAPPING_FILE, describe_all, map_text
from service.names import read_tags
from service.person_accounts import has_person_accounts, person_mapping, person_type
from service.sampling import Sample, take_sample
from service.source_schema import read_source_schema
from service.value_facts import with_names
from state.workspace import make_workspace
from transforms.mapping import Mapping, parse_mapping
from transforms.schema.profile import Profile
from transforms.schema.propose.klass import object_names
from transforms.schema.propose.org import Addition, Org, Proposal, Question
from transforms.schema.propose.proposal import propose
from transforms.schema.propose.tags import TOPIC_OBJECTS, OrgTags, TagChoice, propose_tags
from transforms.schema.source import SourceSchema

PERSONS = (
    "The org has person accounts: customers without a company become such accounts, and no Leads."
)
NO_PERSON_TYPE = (
    "The org has person accounts, but the running user sees no record type for them: customers without "
    "a company become Leads. Assign a type, remove the map and propose again to have persons."
)
SCHEMA_FILE = "mapping.schema.json"
_EDITORS = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
SURE, LIKELY = 0.85, 0.6
# A model answers in its own time; it is asked once.
_PATIENT = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class ProposedLine:
    """One line that was added to the map: its phase, object and field, and why."""

    phase: str
    object: str
    field: str
    source: str
    new_field: bool
    confidence: float | None
    reason: str


@dataclass(frozen=True)
class Proposed:
    """What a proposal came to. `phases` are new ones; `warnings` say what could not be read."""

    lines: list[ProposedLine]
    phases: list[str]
    disabled: list[str]
    warnings: list[str] = field(default_factory=list)
    path: Path = Path()


async def propose_map(config: Config, clock: Clock, *, tags: TagChoice = "auto") -> Proposed:
    """Propose and write; what is in the file already is not changed. `tags`: what they become.

    Costs a few dozen requests: metadata, tags, up to eight pages of each kind, a describe of each
    object. After extraction the figures of all records decide, and the sample only says what values are
    called. Raises `MappingInvalid` when the file has faults, `TagsDoNotFit`, and the connectors' errors.
    """
    make_workspace(config.workspace)
    _put_schema(config)
    fresh = not (config.workspace / MAPPING_FILE).exists()
    notes: list[str] = []
    if fresh:
        notes = await _put_first_map(config, clock)
    text = (_EDITORS if fresh else "") + map_text(config)
    mapping = parse_mapping(text, MAPPING_FILE)
    org, known_tags, warnings = await _read(config, clock, mapping)
    proposal = propose(mapping, org)
    if config.map.language_model and proposal.questions:
        hints, more = await _ask(config.map.language_model, clock, proposal.questions)
        warnings += more
        if hints:
            proposal = propose(mapping, _with_hints(org, hints))
    propose_tags(mapping, proposal, org.shapes, known_tags, tags)
    changed, made = with_additions(text, proposal.additions)
    phases_of(parse_mapping(changed, MAPPING_FILE))  # whatever we write can be read again
    path = config.workspace / MAPPING_FILE
    if made or fresh:
        write_map(path, changed)
    return _told(proposal, made, org, [*notes, *warnings], path)


async def _put_first_map(config: Config, clock: Clock) -> list[str]:
    """Put the default map's variant there for an org with person accounts; returns what to say of it."""
    async with open_salesforce(config, clock) as salesforce:
        if not has_person_accounts(await describe_all(["Account"], salesforce)):
            return []
        kind = await person_type(salesforce)
    if not kind:
        return [NO_PERSON_TYPE]
    write_map(config.workspace / MAPPING_FILE, person_mapping(kind))
    return [PERSONS]


async def _read(config: Config, clock: Clock, mapping: Mapping) -> tuple[Org, OrgTags, list[str]]:
    async with (
        open_kustomer(config, clock) as kustomer,
        open_salesforce(config, clock) as salesforce,
    ):
        schema = await read_source_schema(kustomer)
        sample = await take_sample(kustomer, schema)
        names, gaps = await _tags(kustomer)
        tables = {table for line in mapping.phases.values() for table in line.tables}
        wanted = tables | set(object_names(schema, sorted(tables)).values())
        shapes = await describe_all(wanted | set(TOPIC_OBJECTS), salesforce)
    await _put_counted(config, clock, mapping, schema, sample)
    org = Org(schema, sample.profiles, shapes, sample.relations)
    return org, OrgTags(names, sample.tags), [*schema.gaps, *gaps]


async def _tags(kustomer: KustomerClient) -> tuple[dict[str, str], list[str]]:
    try:
        return await read_tags(kustomer), []
    except RoleMissing as error:
        return {}, [f"Tags cannot be read: {error.message}"]


async def _put_counted(
    config: Config, clock: Clock, mapping: Mapping, schema: SourceSchema, sample: Sample
) -> None:
    """Put the figures of all records in the place of the sample's, for kinds read to their end.

    The sample keeps telling what values are called; of all records only tokens are known.
    """
    phases = phases_of(mapping)
    counted = await whole_values(config, clock, phases)
    for phase in phases:
        known, kind = counted.get(phase.name), schema.kinds.get(phase.kind)
        if known is None or kind is None:
            continue
        profiles = sample.profiles.setdefault(phase.kind, {})
        for name, attribute in kind.attributes.items():
            whole = known.profiles.get(attribute.path) or Profile(seen=known.records)
            profiles[name] = with_names(
                whole, profiles.get(name) or Profile(), known.token, attribute
            )


async def _ask(
    config: LanguageModelConfig, clock: Clock, questions: list[Question]
) -> tuple[dict[str, dict[str, str | None]], list[str]]:
    """Ask the model about close decisions: names, types and counts. Its failure is a warning."""
    parts = urlsplit(config.base_url)
    asked = {f"{each.kind}/{each.attribute}": _question(each) for each in questions}
    hints: dict[str, dict[str, str | None]] = {}
    try:
        http = HttpClient(
            f"{parts.scheme}://{parts.netloc}", name="language-model", clock=clock, policy=_PATIENT
        )
        async with http:
            key = config.api_key.resolve() if config.api_key else None
            model = LanguageModel(http, path=parts.path, model=config.model, api_key=key)
            for name, chosen in (await model.choose(asked)).items():
                kind, _, attribute = name.partition("/")
                hints.setdefault(kind, {})[attribute] = chosen
    except ConnectorError as error:
        return {}, [f"The language model was left out: {error.message}"]
    return hints, []


def _question(each: Question) -> dict[str, object]:
    options = [name for name in (each.chosen, *each.others) if name]
    return {
        "attribute": each.attribute,
        "label": each.label,
        "type": each.type,
        "of": each.kind,
        **each.facts,
        "options": options,
    }


def _with_hints(org: Org, hints: dict[str, dict[str, str | None]]) -> Org:
    return Org(org.schema, org.profiles, org.shapes, org.relations, hints)


def _put_schema(config: Config) -> None:
    """The schema that editors check the map with, beside it."""
    schema = orjson.dumps(Mapping.model_json_schema(), option=orjson.OPT_INDENT_2).decode()
    write_map(config.workspace / SCHEMA_FILE, schema + "\n")


def _told(
    proposal: Proposal, made: list[Addition], org: Org, warnings: list[str], path: Path
) -> Proposed:
    lines: list[ProposedLine] = []
    created = {
        (each.path[1], each.path[3], each.path[5])
        for each in made
        if len(each.path) == 6 and each.path[4] == "create"
    }
    for each in made:
        if len(each.path) == 6 and each.path[4] in ("fields", "parents"):
            _, phase, _, table, _, name = each.path
            source = each.value.get("source", "id")
            lines.append(
                ProposedLine(
                    phase,
                    table,
                    name,
                    source if isinstance(source, str) else ", ".join(source),
                    each.path[4] == "parents" or (phase, table, name) in created,
                    each.value.get("confidence"),
                    each.value.get("reason", "a reference to another record"),
                )
            )
    phases = [each.path[1] for each in made if len(each.path) == 2]
    disabled = [each.path[1] for each in made if len(each.path) == 2 and "move" in each.value]
    return Proposed(lines, phases, disabled, [*warnings, *proposal.notes], path)
