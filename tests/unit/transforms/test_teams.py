"""Groups for teams: names that fit, are nobody else's, and find the team again."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.teams import NAME_CHARS, new_groups


def test_a_name_that_is_taken_gets_a_number_and_tells_the_whole_in_its_description() -> None:
    made = new_groups({"a": "Support", "b": "SUPPORT", "c": "Sales"}, {"sales"})
    assert [(each.name, each.description) for each in made] == [
        ("Support", ""),
        ("SUPPORT (2)", "SUPPORT"),
        ("Sales (2)", "Sales"),
    ]


@given(
    st.dictionaries(
        st.text("0123456789abcdef", min_size=24, max_size=24), st.text(max_size=90), max_size=12
    ),
    st.sets(st.text(max_size=40).map(str.lower), max_size=4),
)
def test_every_group_fits_and_no_two_share_a_name(names: dict[str, str], taken: set[str]) -> None:
    made = new_groups(names, taken)
    assert {each.source_id for each in made} == names.keys()
    lowered = [each.name.lower() for each in made]
    assert len(set(lowered)) == len(lowered)
    assert taken.isdisjoint(lowered)
    assert all(0 < len(each.name) <= NAME_CHARS for each in made)
    assert len({each.developer_name for each in made}) == len(made)
    assert all(len(each.developer_name) <= 80 for each in made)
