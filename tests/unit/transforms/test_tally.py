"""Profiles of whole pages: they add up, and say the same as values counted one by one."""

from hashlib import blake2b
from importlib.resources import files
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from transforms.mapping import parse_mapping
from transforms.schema.profile import MOST_TOKENS, Profile
from transforms.schema.tally import Counted, PageTally, meaning, standard_paths

PATH = "attributes.custom.a"
FORMS = ["a@b.example", "2024-05-01", "2024-05-01T00:00:00Z", "12", " 12", "+49 30 1234567"]
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from([*FORMS, "http://x", "e\u0301 \U0001f600"]))
SCALARS = st.one_of(
    TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({"x": 1}))
RECORDS = st.lists(st.one_of(VALUES, st.just("absent")), max_size=30)


def token(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=b"k").hexdigest()


def rows(values: list[Any]) -> list[dict[str, Any]]:
    return [{"attributes": {"custom": {} if v == "absent" else {"a": v}}} for v in values]


def tallied(*pages: list[Any]) -> Counted:
    tally = PageTally(token, [])
    for page in pages:
        tally.add(rows(page))
    return tally.take()


def of(counted: Counted) -> Profile:
    return counted.profiles.get(PATH) or Profile()


@given(RECORDS, RECORDS)
def test_profiles_of_two_parts_add_up_to_the_profile_of_the_whole(
    first: list[Any], second: list[Any]
) -> None:
    merged = of(tallied(first))
    merged.merge(of(tallied(second)))
    assert merged == of(tallied(first + second)) == of(tallied(first, second))
    assert tallied(first, second).records == len(first) + len(second)


@given(RECORDS, st.integers(0, 30))
def test_what_is_taken_in_between_adds_up(values: list[Any], cut: int) -> None:
    tally = PageTally(token, [])
    merged = Profile()
    for part in (values[:cut], values[cut:]):
        tally.add(rows(part))
        merged.merge(of(tally.take()))
    assert merged == of(tallied(values))


@given(RECORDS, st.sampled_from(["string", "number", "datetime", "boolean", "unknown"]))
def test_a_page_counts_what_its_values_count_one_by_one(values: list[Any], kind: str) -> None:
    single, moments = Profile(), Profile()
    for each in values:
        if each != "absent":
            single.add(each, type=kind)
            moments.add(each, type="datetime")
    whole = of(tallied(values))
    expected = single.counts() | {
        name: count for name, count in moments.counts().items() if name in ("moments", "midnights")
    }
    assert whole.counts() == expected
    assert whole.bad_as(kind) == single.bad
    assert set(whole.values) == {token(meaning(each)) for each in single.values}
    assert whole.values.total() == single.values.total()


def test_one_value_more_than_is_kept_leaves_none_whatever_the_parts_are() -> None:
    values = [f"v{n}" for n in range(MOST_TOKENS)]
    assert of(tallied(values)).distinct == MOST_TOKENS
    parts = [values[:300], [*values[300:], "one more"]]
    tally, merged = PageTally(token, []), Profile()
    for part in parts:
        tally.add(rows(part))
        merged.merge(of(tally.take()))
    assert (merged.distinct, merged.values.total(), merged.filled) == (None, 0, MOST_TOKENS + 1)
    tally.add(rows(["v1"]))
    assert of(tally.take()).open_ended
    alone = of(tallied(parts[0]))
    alone.merge(of(tallied(parts[1])))
    assert alone == merged


def test_no_value_is_in_a_profile_and_a_hidden_one_has_no_token() -> None:
    page = [{"attributes": {"custom": {"a": "Secret", "b": "Secret"}}}]
    tally = PageTally(token, [], hidden=["b"])
    tally.add(page)
    found = tally.take().profiles
    assert dict(found[PATH].values) == {token("secret"): 1}
    hidden = found["attributes.custom.b"]
    assert (hidden.filled, hidden.chars, dict(hidden.values)) == (1, 6, {})


def test_standard_attributes_are_those_that_the_map_fills_plain_fields_from() -> None:
    text = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
    paths = standard_paths(parse_mapping(text, "m"), "conversations")
    assert "attributes.status" in paths
    assert "attributes.createdAt" not in paths
    assert "attributes.custom" not in paths
    tally = PageTally(token, paths)
    tally.add([{"attributes": {"status": "öpen"}}, {"attributes": {"status": None}}, None, {}])
    counted = tally.take()
    assert counted.records == 4
    status = counted.profiles["attributes.status"]
    assert (status.filled, status.chars, status.bytes, status.distinct) == (1, 4, 5, 1)
    assert tally.take() == Counted()
