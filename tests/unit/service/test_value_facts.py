"""The figures of values: what is outside the target, what is bad, and what may be named."""

from service.value_facts import (
    KindValues,
    facts_of,
    line_facts,
    named,
    outside_tokens,
    said,
    with_names,
)
from transforms.map_lines import FieldLine
from transforms.schema.fields import choose_field
from transforms.schema.profile import Profile
from transforms.schema.source import SourceAttribute
from transforms.schema.tally import PageTally
from transforms.shape import FieldShape

PATH = "attributes.custom.{}"


def token(text: str) -> str:
    return f"<{text[::-1]}>"


def known(*customs: dict[str, object], hidden: tuple[str, ...] = ()) -> KindValues:
    tally = PageTally(token, [], hidden)
    tally.add([{"attributes": {"custom": each}} for each in customs])
    counted = tally.take()
    return KindValues("all", counted.records, counted.profiles, token)


def line(name: str, convert: str = "text", **more: object) -> FieldLine:
    return FieldLine.model_validate({"source": PATH.format(name), "convert": convert, **more})


def field(type: str, picklist: tuple[str, ...] = ()) -> FieldShape:
    return FieldShape(name="F__c", type=type, picklist=picklist)


MOODS = known({"moodStr": "Good"}, {"moodStr": "good "}, {"moodStr": "odd"}, {"moodStr": "sad"}, {})


def test_values_outside_a_picklist_are_counted_letter_case_apart() -> None:
    (facts,) = line_facts(MOODS, line("moodStr"), field("picklist", ("GOOD",)), ())
    assert (facts.outside, facts.outside_distinct) == (2, 2)
    assert (facts.filled, facts.fill_rate, facts.distinct) == (4, 0.8, 3)
    assert said(facts) == (
        "80% filled, 3 distinct, up to 5 characters, 5 bytes, 2 outside the target's values"
    )


def test_a_value_map_without_a_default_is_the_target_that_values_are_outside_of() -> None:
    mapped = line("moodStr", "values", values={"good": "G", "odd": "O"})
    assert line_facts(MOODS, mapped, field("string"), ())[0].outside == 1
    caught = line("moodStr", "values", values={"good": "G"}, default="X")
    assert line_facts(MOODS, caught, field("string"), ())[0].outside is None
    assert line_facts(MOODS, line("moodStr"), field("string"), ())[0].outside is None


def test_only_values_known_from_elsewhere_are_named() -> None:
    profile = MOODS.profiles[PATH.format("moodStr")]
    outside = outside_tokens(profile, token, line("moodStr"), field("picklist", ("Good",)))
    assert outside is not None
    assert named(outside, token, ["Odd", "good", "never seen"]) == ["Odd"]


def test_a_sensitive_attribute_shows_how_it_is_filled_and_no_values() -> None:
    values = known({"moodStr": "a"}, {"moodStr": "b"}, hidden=("moodStr",))
    shape = field("picklist", ("a",))
    (facts,) = line_facts(values, line("moodStr"), shape, ())
    assert (facts.filled, facts.distinct, facts.outside) == (2, None, None)
    # Counted before anybody said that it is sensitive: shown no more than that.
    (facts,) = line_facts(MOODS, line("moodStr"), shape, {PATH.format("moodStr")})
    assert (facts.distinct, facts.outside) == (None, None)


def test_bad_values_are_those_that_the_field_or_the_name_asks_for_and_are_none() -> None:
    values = known(
        {"dueAt": "2024-05-01", "sumNum": "1.5", "mailStr": "a@b.example"},
        {"dueAt": "tomorrow", "sumNum": 2, "mailStr": "a at b"},
        {"dueAt": 1714521600, "sumNum": "many"},
    )
    dates = facts_of(PATH.format("dueAt"), values)
    numbers = facts_of(PATH.format("sumNum"), values)
    (mails,) = line_facts(values, line("mailStr", "text"), field("email"), ())
    assert (dates.bad_dates, dates.bad_numbers, dates.bad_mails) == (2, None, None)
    assert (numbers.bad_dates, numbers.bad_numbers, numbers.bad_mails) == (None, 1, None)
    assert (mails.bad_dates, mails.bad_numbers, mails.bad_mails) == (None, None, 1)


def test_an_attribute_that_no_record_has_is_filled_in_none() -> None:
    (facts,) = line_facts(MOODS, line("otherStr"), None, ())
    assert (facts.filled, facts.fill_rate) == (0, 0.0)
    assert line_facts(KindValues(), line("moodStr"), None, ()) == []


def test_a_proposal_rests_on_all_records_and_says_how_many_values_it_cannot_name() -> None:
    sample = Profile()
    sample.add("Good", type="string")
    attribute = SourceAttribute("moodStr", "Mood", "string", values=("odd",))
    whole = with_names(MOODS.profiles[PATH.format("moodStr")], sample, token, attribute)
    assert dict(whole.values) == {"Good": 2, "odd": 1}
    assert (whole.distinct, whole.unnamed, whole.texts) == (3, 1, 4)
    choice = choose_field(attribute, whole)
    assert choice.values == ("odd", "Good")
    assert choice.confidence == 0.5
    assert "1 more values are in records, not known by name" in choice.flags
