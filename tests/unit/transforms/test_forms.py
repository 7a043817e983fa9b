"""The one form of moments and of domains."""

import pytest

from transforms.domains import match_domain
from transforms.moments import epoch_ms, target_moment


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("2026-03-04T05:06:07.089Z", "2026-03-04T05:06:07.089Z"),
        ("2026-03-04T05:06:07Z", "2026-03-04T05:06:07.000Z"),
        ("2026-03-04T05:06:07.089-05:00", "2026-03-04T10:06:07.089Z"),
        ("2026-03-04", "2026-03-04T00:00:00.000Z"),
        ("2026-03-04T05:06:07", "2026-03-04T05:06:07.000Z"),
        ("2026-W10-4T05:06:07.089Z", "2026-03-05T05:06:07.089Z"),
        ("2026-02-30T05:06:07.089Z", None),
        ("1969-12-31T23:59:59.999Z", None),
        ("1970-01-01T00:30:00.000+01:00", None),
        ("9999-12-31T23:59:59.999-10:00", None),
        ("yesterday", None),
    ],
)
def test_moments_are_utc_with_milliseconds(given: str, made: str | None) -> None:
    assert target_moment(given) == made


def test_a_moment_without_an_offset_is_utc() -> None:
    assert epoch_ms("2026-03-04T05:06:07.089") == epoch_ms("2026-03-04T05:06:07.089Z")
    assert epoch_ms("2026-03-04T05:06:07.089Z") == 1772600767089
    assert epoch_ms("x") == 0


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("https://www.Acme.test/path?q=1", "acme.test"),
        ("user@acme.test", "acme.test"),
        ("acme.test.:8080", "acme.test"),
        ("HTTPS://WWW.Support.Acme.co.uk/a/b?c#d", "acme.co.uk"),
        ("acme.co.uk", "acme.co.uk"),
        ("co.uk", ""),
        ("one.github.io", "one.github.io"),
        ("www2.shop.acme.com.au", "acme.com.au"),
        ("gmail.com", ""),
        ("mail.gmail.com", ""),
        ("10.0.0.1", ""),
        ("localhost", ""),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("a" * 300 + ".test", ""),
        ("é" * 300, ""),
        ("", ""),
    ],
)
def test_a_domain_is_brought_into_one_form(value: str, key: str) -> None:
    assert match_domain(value) == key


def test_which_domains_stand_for_nobody_is_the_operators_choice() -> None:
    assert match_domain("x.agency.test", never={"agency.test"}) == ""
    assert match_domain("gmail.com", anyway={"gmail.com"}) == "gmail.com"
