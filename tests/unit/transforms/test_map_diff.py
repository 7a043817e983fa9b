"""What differs between two maps, whose rows that affects, and which values have no target."""

from importlib.resources import files
from typing import Any

from transforms.map_diff import affected, changes, meaning
from transforms.mapping import Mapping, parse_mapping
from transforms.schema.profile import Profile
from transforms.schema.source import SourceKind, SourceSchema, read_attribute
from transforms.totality import kinds_to_look_at, unmapped_values

TEXT = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
SUBJECT = "          Subject: {source: [attributes.subject, attributes.meta.subject]}\n"


def parsed(text: str) -> Mapping:
    return parse_mapping(text, "m")


def replaced(old: str, new: str) -> Mapping:
    assert old in TEXT
    return parsed(TEXT.replace(old, new))


def test_comments_layout_reasons_and_confidence_change_nothing() -> None:
    other = replaced(
        SUBJECT,
        "          # as before\n          Subject:\n            source: [attributes.subject, "
        "attributes.meta.subject]\n            reason: it is the subject\n            confidence: 0.9\n",
    )
    assert changes(parsed(TEXT), other) == []
    assert meaning(parsed(TEXT)) == meaning(other)
    assert affected(parsed(TEXT), other) == {}


def test_a_changed_line_is_named_and_only_its_table_is_affected() -> None:
    other = replaced(SUBJECT, SUBJECT.replace("attributes.subject,", "attributes.preview,"))
    (change,) = changes(parsed(TEXT), other)
    assert (change.path, change.kind, change.phase) == (
        ("phases", "messages", "tables", "EmailMessage", "fields", "Subject"),
        "changed",
        "messages",
    )
    assert affected(parsed(TEXT), other) == {"messages": frozenset({"EmailMessage"})}


def test_a_line_more_and_a_line_less_affect_their_tables_alone() -> None:
    other = replaced("          MailingCity: {convert: address, options: {part: city}}\n", "")
    assert [each.kind for each in changes(parsed(TEXT), other)] == ["removed"]
    assert [each.kind for each in changes(other, parsed(TEXT))] == ["added"]
    assert affected(parsed(TEXT), other) == {"customers": frozenset({"Contact"})}


def test_what_a_field_is_made_as_affects_no_row() -> None:
    other = replaced("{type: Number, digits: 2,", "{type: Number, digits: 3,")
    assert [each.path[-1] for each in changes(parsed(TEXT), other)] == ["Kustomer_Priority__c"]
    assert affected(parsed(TEXT), other) == {}


def test_another_rule_of_choice_affects_all_tables_and_a_phase_not_moved_none() -> None:
    other = replaced(
        "choose: {source: relationships.company.data.id,",
        "choose: {source: attributes.custom.vipBool,",
    )
    assert affected(parsed(TEXT), other) == {"customers": frozenset({"Contact", "Lead"})}
    still = replaced("    kind: note\n", "    kind: note\n    move: false\n")
    assert affected(parsed(TEXT), still) == {}
    assert affected(still, parsed(TEXT)) == {"notes": frozenset({"CaseComment"})}


def test_a_value_that_is_listed_or_was_seen_needs_a_target_or_a_default() -> None:
    line = (
        "          Severity__c: {source: attributes.custom.sevStr, convert: values%s, "
        "values: {A: a}}\n"
    )
    attribute = read_attribute("sevStr", {"enumeration": ["a", "B"]})
    schema = SourceSchema(
        {"conversation": SourceKind("conversation", "Conversation", {"sevStr": attribute})}
    )
    profile = Profile()
    profile.add("c", type="string")
    profiles = {"conversation": {"sevStr": profile}}
    after = (
        "          Kustomer_Status__c: {source: attributes.status}\n          Kustomer_Priority__c"
    )
    mapping = replaced(after, line % "" + after)
    assert kinds_to_look_at(mapping) == {"conversation"}
    (found,) = unmapped_values(mapping, schema, profiles)
    assert (found.place[-1], found.values) == ("Severity__c", ("B", "c"))
    mapping = replaced(after, line % ", default: z" + after)
    assert unmapped_values(mapping, schema, profiles) == []
    assert kinds_to_look_at(mapping) == set()


def total(line: str, *values: Any, **facts: Any) -> list[Any]:
    """What is missing of an attribute's values in a line's map."""
    attribute = read_attribute("sev", facts)
    schema = SourceSchema(
        {"conversation": SourceKind("conversation", "Conversation", {"sev": attribute})}
    )
    profile = Profile()
    for value in values:
        profile.add(value, type=attribute.type)
    after = (
        "          Kustomer_Status__c: {source: attributes.status}\n          Kustomer_Priority__c"
    )
    mapping = replaced(
        after, f"          Sev__c: {{source: attributes.custom.sev, {line}}}\n{after}"
    )
    missing = unmapped_values(mapping, schema, {"conversation": {"sev": profile}})
    return [value for each in missing for value in (*each.values, *(["..."] if each.open else []))]


def test_records_without_a_value_yes_and_no_and_what_cannot_be_listed_need_a_target_too() -> None:
    line = "convert: values, values: {a: A}"
    assert total(line, "a") == []
    assert total(line, "a", None) == [""]
    assert total("convert: values, values: {a: A, '': ''}", "a", None) == []
    assert total(line, "a", 7) == ["..."]
    assert total(line, *(f"v{n}" for n in range(300))) == ["..."]
    yes = "convert: values, values: {'true': A}"
    assert total(yes, True, type="boolean") == ["false"]


def test_a_trees_map_needs_a_target_for_the_part_that_its_line_takes() -> None:
    line = (
        "convert: tree, options: {part: level, level: 1}, values: {a: A}}\n"
        "          Path__c: {source: attributes.custom.sev, convert: tree"
    )
    assert total(line, "a.b", "a.c", "", "a..x") == []
    assert total(line, "a.b", "d.c") == ["d"]
