"""A row waits for a user who would own it, and for no other."""

from service.open_users import open_chains, open_plain


def test_a_chain_waits_for_users_before_the_first_that_is_settled() -> None:
    settled = {"user:b": 1, "team:t": 1}
    refs = ["user:a|user:b", "user:b|user:a", "user:a|team:t", "team:x|team:t", "user:a|user:c"]
    assert open_chains(refs, settled) == {
        "user:a|user:b": ["user:a"],
        "user:a|team:t": ["user:a"],
        "user:a|user:c": ["user:a", "user:c"],
    }


def test_a_single_user_is_settled_or_waited_for() -> None:
    assert open_plain(["a", "b"], {"a": 1}) == {"b": ["user:b"]}
