"""What became of ids is counted once each, by the last word."""

from service.split import Outcomes
from transforms.block import Block, HeldRecord, RowSet, SkippedRecord


def rows(*keys: str) -> RowSet:
    return RowSet(keys=list(keys), parts=[0] * len(keys))


def test_an_id_that_comes_again_counts_once_as_what_it_became_last() -> None:
    found = Outcomes()
    found.add(Block({"Contact": rows("a", "b"), "Lead": rows("c")}, [HeldRecord("d", "bad-text")]))
    found.add(
        Block({"Contact": rows("c"), "Lead": rows("d", "a")}, [], [SkippedRecord("b", "deleted")])
    )
    assert found.counts("branch") == {"Contact": 1, "Lead": 2}
    assert (found.counts("held"), found.counts("skipped")) == ({}, {"deleted": 1})


def test_a_part_of_a_split_record_is_no_record_and_very_many_ids_are_told_apart() -> None:
    found = Outcomes()
    found.add(Block({"Lead": RowSet(keys=["a", "a"], parts=[0, 1])}))
    found.add(Block({"Lead": rows(*(f"{n:024x}" for n in range(20_000)))}))
    assert found.counts("branch") == {"Lead": 20_001}
