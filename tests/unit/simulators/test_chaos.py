"""Chaos in both stand-ins: as often as asked, the same again for the same seed, of every kind."""

from typing import Any

import pytest

from simulators.chaos import Chaos, ChaosInvalid, ChaosKind
from simulators.faults import Fault
from simulators.kustomer import chaos as kustomer
from simulators.kustomer.faults import KINDS as KUSTOMER_FAULTS
from simulators.salesforce import chaos as salesforce
from simulators.salesforce.faults import Rule

CALLS = [("GET", "/v1/messages"), ("POST", "/v1/customers/search"), ("GET", "/v1/users/current")]


@pytest.mark.parametrize("kinds", [kustomer.KINDS, salesforce.KINDS])
def test_a_share_of_calls_is_struck_and_every_kind_comes(kinds: tuple[ChaosKind, ...]) -> None:
    chaos = Chaos(kinds, 0.05, seed=3)
    struck = [chaos.draw(*CALLS[number % 3]) for number in range(20_000)]
    share = sum(each is not None for each in struck) / len(struck)
    assert 0.045 < share < 0.055
    assert set(chaos.hits) == {kind.name for kind in kinds}


def test_a_seed_draws_the_same_again() -> None:
    one, two, other = (Chaos(kustomer.KINDS, 0.2, seed=seed) for seed in (1, 1, 2))
    drawn = [[each.draw("GET", "/v1/notes") for _ in range(200)] for each in (one, two, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_nothing_strikes_at_rate_zero_and_all_at_one() -> None:
    assert Chaos(kustomer.KINDS, 0.0).draw("GET", "/v1/notes") is None
    assert Chaos(kustomer.KINDS, 1.0).draw("GET", "/v1/notes") is not None


def test_every_kind_is_a_fault_that_its_stand_in_knows() -> None:
    for kind in kustomer.KINDS:
        assert Fault(match="", **kind.spec).kind in KUSTOMER_FAULTS
    for kind in salesforce.KINDS:
        assert Rule.read(kind.spec).kind == kind.spec["kind"]


def test_a_kind_strikes_only_where_it_fits() -> None:
    chaos = Chaos(salesforce.KINDS, 1.0, seed=5)
    for _ in range(500):
        drawn = chaos.draw("POST", "/services/oauth2/token")
        assert drawn is not None
        assert drawn.name not in ("expire_token", "limit_exceeded")


@pytest.mark.parametrize("given", [{"rate": 2}, {"rate": "much"}, {"seed": 1.5}, {"speed": 1}])
def test_what_is_no_chaos_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ChaosInvalid):
        Chaos.read(kustomer.KINDS, given)
