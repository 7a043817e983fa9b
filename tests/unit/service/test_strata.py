"""What a sample is picked from and by: shares of strata, and the same picks for the same seed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from service.strata import WITH, WITHOUT, Picker, Stratum, shares, stratum_of

NOW_MS = 1_795_000_000_000  # 2026-11-18
STRATA: list[Stratum] = [
    (channel, status, age, files)
    for channel in ("email", "chat", "sms")
    for status in ("open", "done")
    for age in ("month", "older")
    for files in (WITH, WITHOUT)
]
COUNTS = st.dictionaries(st.sampled_from(STRATA), st.integers(1, 400), min_size=1)


@given(COUNTS, st.integers(1, 2000))
def test_shares_add_up_and_no_stratum_gives_more_than_it_has(
    counts: dict[Stratum, int], wanted: int
) -> None:
    found = shares(counts, wanted)
    assert sum(found.values()) == min(wanted, sum(counts.values()))
    assert all(0 <= found[each] <= counts[each] for each in counts)
    if wanted >= len(counts):
        assert min(found.values()) >= 1


@given(COUNTS)
def test_of_more_strata_than_wanted_every_value_is_there_once(counts: dict[Stratum, int]) -> None:
    values = {value for each in counts for value in enumerate(each)}
    found = shares(counts, len(values))
    picked = {value for each, some in found.items() if some for value in enumerate(each)}
    assert picked == values


def test_shares_are_in_proportion() -> None:
    large, small = STRATA[0], STRATA[1]
    assert shares({large: 900, small: 100}, 100) == {large: 90, small: 10}
    assert shares({large: 9_999, small: 1}, 10) == {large: 9, small: 1}


@given(st.permutations(range(60)), st.integers(1, 70), st.integers(0, 5))
def test_the_order_of_reading_picks_nothing_else(order: list[int], wanted: int, seed: int) -> None:
    def picked(numbers: list[int]) -> dict[Stratum, list[str]]:
        picker = Picker(wanted, seed)
        for number in numbers:
            picker.add(STRATA[number % 5], f"{number:024x}", "")
        return {each: sorted(key for key, _ in some) for each, some in picker.pick().items()}

    assert picked(order) == picked(sorted(order))


def test_what_was_picked_earlier_is_picked_again_and_counts() -> None:
    small, large = Picker(10, 1), Picker(20, 2)
    for number in range(100):
        small.add(STRATA[number % 4], f"{number:024x}", "owner")
    earlier = {key for some in small.pick().values() for key, _ in some}
    large = Picker(20, 2, earlier)
    for number in range(100):
        large.add(STRATA[number % 4], f"{number:024x}", "owner")
    picked = Counter(key for some in large.pick().values() for key, _ in some)
    assert earlier <= picked.keys()
    assert sum(picked.values()) == len(picked) == 20


def test_a_record_that_pages_show_twice_is_picked_once() -> None:
    picker = Picker(5, 0)
    for number in [*range(3), *range(3)]:
        picker.add(STRATA[0], f"{number:024x}", "")
    assert len(picker.pick()[STRATA[0]]) == 3


def test_a_stratum_is_channel_status_age_and_attachments() -> None:
    record = {
        "id": "a" * 24,
        "attributes": {
            "channels": ["chat", "email"],
            "status": "open",
            "createdAt": "2026-11-01T00:00:00.000Z",
        },
    }
    assert stratum_of(record, NOW_MS, {"a" * 24}) == ("chat", "open", "month", WITH)
    old = {"id": "b", "attributes": {"status": "done", "createdAt": "2020-01-01T00:00:00Z"}}
    assert stratum_of(old, NOW_MS, ()) == ("none", "done", "older", WITHOUT)
