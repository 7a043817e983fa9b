"""Agents are matched by rule, and never as the first of several."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.agents import TargetUser, UserBook, untagged

ADA = TargetUser("005A", "ada@acme.example")
BEN = TargetUser("005B", "ben@acme.example", federation="b.smith@acme.example")
TAGGED = TargetUser("005C", "ada+support@acme.example")
LEFT = TargetUser("005D", "cleo@acme.example", active=False)
BACK = TargetUser("005E", "cleo@acme.example")


def ids(book: UserBook, address: str) -> list[str]:
    return [user.id for user in book.find(address)]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("ada@acme.example", ["005A"]),
        (" ADA@Acme.Example ", ["005A"]),
        ("B.Smith@acme.example", ["005B"]),  # a federation id
        ("ben+vip@acme.example", ["005B"]),
        ("ada@old.example", ["005A"]),  # a former domain
        ("augusta@acme.example", ["005A"]),  # a former address
        ("ben+vip@old.example", ["005B"]),
        ("cleo@acme.example", ["005E"]),  # the active one of two
        ("nobody@acme.example", []),
        ("", []),
    ],
)
def test_an_address_is_found_by_rule(address: str, found: list[str]) -> None:
    aliases = {"Old.example": "acme.example", "augusta@acme.example": "ada@acme.example"}
    assert ids(UserBook([ADA, BEN, LEFT, BACK], aliases), address) == found


def test_an_exact_address_stands_above_one_without_its_tag() -> None:
    book = UserBook([ADA, TAGGED], {})
    assert ids(book, "ada@acme.example") == ["005A"]
    assert ids(book, "ada+support@acme.example") == ["005C"]
    assert ids(book, "ada+sales@acme.example") == ["005A", "005C"], "in doubt, so nobody's"


def test_a_mail_address_and_a_federation_id_of_two_users_are_in_doubt() -> None:
    other = TargetUser("005F", "x@acme.example", federation="ada@acme.example")
    assert ids(UserBook([ADA, other], {}), "ada@acme.example") == ["005A", "005F"]


def test_only_an_inactive_user_is_told_as_such() -> None:
    (found,) = UserBook([LEFT], {}).find("cleo@acme.example")
    assert not found.active


@given(st.lists(st.sampled_from([ADA, BEN, TAGGED, LEFT, BACK])), st.sampled_from("abc+@. "))
def test_the_order_of_users_decides_nothing(users: list[TargetUser], filler: str) -> None:
    forward, backward = UserBook(users, {}), UserBook(users[::-1], {})
    for address in ("ada@acme.example", f"ada{filler}x@acme.example", "cleo@acme.example"):
        assert forward.find(address) == backward.find(address)


def test_an_address_that_is_nothing_but_a_tag_stays() -> None:
    assert untagged("+x@acme.example") == "+x@acme.example"
    assert untagged("a+b+c@acme.example") == "a@acme.example"
