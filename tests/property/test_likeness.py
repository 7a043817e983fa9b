"""Of notes sent, exactly those that Salesforce made are found again, whatever it does to them."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from service.likeness import likeness, pair

AUTHORS = ("005000000000001AAA", "005000000000002AAA")
NOW = "2026-01-01T00:00:00.000+0000"
moments = st.one_of(
    st.just(""),
    st.integers(0, 2).flatmap(
        lambda second: st.sampled_from(["Z", ".700Z"]).map(
            lambda end: f"2024-05-06T07:08:0{second}{end}"
        )
    ),
)
texts = st.text(alphabet="ab \n\r\t", min_size=1, max_size=4)
notes = st.tuples(
    st.sampled_from(["500000000000001", "500000000000002"]),
    st.sampled_from(AUTHORS),
    texts,
    moments,
)


def stored(note: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    """As Salesforce keeps it: ids in full, line feeds, no blanks at the ends, whole seconds."""
    parent, author, text, moment = note
    kept = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    shown = NOW
    if moment:
        read = datetime.fromisoformat(moment).astimezone(UTC)
        shown = read.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return f"{parent}AAA", author, kept, shown


@given(st.lists(st.tuples(notes, st.booleans()), max_size=25), st.randoms(use_true_random=False))
def test_as_many_are_found_as_were_made_and_no_record_stands_for_two(sent, chance) -> None:
    made = [stored(note) for note, went_in in sent if went_in]
    chance.shuffle(made)
    pairs = pair(
        [likeness(*note) for note, _ in sent],
        [likeness(*record) for record in made],
    )
    assert len(pairs) == len(made)
    assert len(set(pairs.values())) == len(pairs)
    for mine, its in pairs.items():
        parent, author, text, _ = sent[mine][0]
        assert (f"{parent}AAA", author) == made[its][:2]
        assert text.split() == made[its][2].split()


@given(st.lists(st.tuples(notes, st.booleans()), max_size=25))
def test_notes_that_differ_keep_their_own_record(sent) -> None:
    seen, ours = set(), []
    for note, went_in in sent:
        place = (note[0], note[1], tuple(note[2].split()), stored(note)[3])
        if place not in seen:
            seen.add(place)
            ours.append((note, went_in))
    made = [stored(note) for note, went_in in ours if went_in]
    pairs = pair([likeness(*note) for note, _ in ours], [likeness(*record) for record in made])
    assert {mine: made[its] for mine, its in pairs.items()} == {
        number: stored(note) for number, (note, went_in) in enumerate(ours) if went_in
    }
