"""Money, HTML, trees, yes and no, links and addresses: as they really come, and what holds a record."""

from typing import Any

import pytest

from transforms.converters import CONVERTERS, ConverterContext, line_faults, spec_of
from transforms.converters.html import text_of
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.map_lines import FieldLine
from transforms.record import Record, compile_path


def made(convert: str, value: Any, **told: Any) -> str:
    known = {name: told.pop(name) for name in ("length", "default", "values") if name in told}
    assert not list(line_faults(convert, told))
    context = ConverterContext(get=compile_path("attributes.x"), options=told, **known)
    return CONVERTERS[convert].make(context)(Record({"id": "a"}, {"x": value}, Lookups()))


def reason(convert: str, value: Any, **told: Any) -> str:
    with pytest.raises(Hold) as held:
        made(convert, value, **told)
    return held.value.reason


@pytest.mark.parametrize(
    ("value", "amount", "code"),
    [
        (12, "12", ""),
        (12.5, "12.5", ""),
        ("12,50 €", "12.50", "EUR"),
        ("€12.50", "12.50", "EUR"),
        ("EUR 1.234,50", "1234.50", "EUR"),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("CHF 12.-", "12", "CHF"),
        ("-£3.20", "-3.20", "GBP"),
        ("£-3.20", "-3.20", "GBP"),
        ("(3.20 GBP)", "-3.20", "GBP"),
        ("US$ 1,234.50", "1234.50", "USD"),
        ("A$5", "5", "AUD"),
        ("12 zł", "12", "PLN"),
        ("1 234,5 SEK", "1234.5", "SEK"),
    ],
)
def test_an_amount_is_a_number_and_a_code(value: Any, amount: str, code: str) -> None:
    assert made("currency", value, multi=True) == amount
    assert made("currency", value, part="code") == code


def test_an_amount_in_another_currency_than_its_field_holds_the_record() -> None:
    assert made("currency", "12 EUR", currency="EUR") == "12"
    assert reason("currency", "12 USD", currency="EUR") == "other-currency"
    assert reason("currency", "12 USD") == "other-currency"
    assert made("currency", 12, currency="EUR", part="code") == "EUR"
    assert made("currency", 12, part="code", default="USD") == "USD"


def test_a_sign_of_several_currencies_is_what_the_line_says_or_holds_the_record() -> None:
    assert reason("currency", "$5", multi=True) == "ambiguous-currency"
    assert made("currency", "$5", part="code", symbols={"$": "CAD"}) == "CAD"
    assert made("currency", "$5", currency="USD") == "5"
    assert reason("currency", "kr 5", currency="EUR") == "ambiguous-currency"


def test_what_is_no_amount_holds_the_record_and_so_does_one_that_reads_two_ways() -> None:
    for value in (
        "12 pcs",
        "12 PCS",
        "EUR 12 USD",
        "EUR",
        "--5",
        "-(5)",
        "1-2",
        True,
        [1],
        {},
        "5 apples",
    ):
        assert reason("currency", value, multi=True) == "not-a-number", value
    assert reason("currency", "€1,234", multi=True) == "ambiguous-number"
    assert made("currency", "€1,234", multi=True, decimal=".") == "1234"
    assert made("currency", "€1.234", multi=True, decimal=",") == "1234"
    assert reason("currency", 1e18) == reason("currency", float("nan")) == "out-of-range"
    assert made("currency", "") == made("currency", None) == ""


def test_a_line_may_say_which_mark_is_before_the_fraction() -> None:
    assert made("decimal", "1,234", decimal=".") == "1234"
    assert made("decimal", "1,234", decimal=",") == "1.234"
    assert made("decimal", "1.234.567,8", decimal=",") == "1234567.8"
    assert reason("decimal", "1.234,5", decimal=".") == "not-a-number"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>One</p><p>Two &amp; &euro;</p>", "One\n\nTwo & €"),
        ("a<br>b<br/>\nc", "a\nb\nc"),
        ("a<br><br>b", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<b>bold</b> and<i> more</i>", "bold and more"),
        ('<a href="https://x.test/a?b=1&amp;c=2">here</a>.', "here (https://x.test/a?b=1&c=2)."),
        ('<a href="https://x.test">https://x.test</a>', "https://x.test"),
        ('<a href="mailto:a@b.test">a@b.test</a>', "a@b.test"),
        ('<a href="#top">up</a>', "up"),
        ('<a href="https://x.test"><img src="cid:1"></a>', "https://x.test"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>one<ul><li>in</li></ul></li><li>two</li></ol>", "1. one\n  - in\n2. two"),
        (
            "<table><tr><th>a</th><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
            "a | b\nc | d",
        ),
        ("<style>p {}</style><script>var a = '<p>';</script>x", "x"),
        ("<head><title>t</title><meta charset='x'></head><body>x</body>", "x"),
        ("<!-- no --><![if !mso]>yes<![endif]>", "yes"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("x<blockquote>said<br>so</blockquote>y", "x\n\n> said\n> so\n\ny"),
        ("a<hr>b", "a\n---\nb"),
        ("a &lt;b&gt; c", "a <b> c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("unclosed <b>bold", "unclosed bold"),
        ("tail &am", "tail &am"),
        ("&#8364;&#x20ac;&nbsp;x", "€€\xa0x"),
        ("</p></ul></a>x", "x"),
    ],
)
def test_html_reads_as_its_reader_saw_it(html: str, text: str) -> None:
    assert text_of(html) == text


def test_html_that_is_longer_than_its_field_as_text_holds_the_record() -> None:
    assert made("html-to-text", f"<b>{'x' * 20}</b>", length=20) == "x" * 20
    assert reason("html-to-text", f"<b>{'x' * 21}</b>", length=20) == "too-long"
    assert made("html-to-text", "<p></p>", default="none") == "none"
    assert reason("html-to-text", ["<p>"]) == "wrong-type"


def test_text_becomes_html_that_shows_the_same() -> None:
    assert made("text-to-html", "a < b\n\nc  d") == "a &lt; b<br><br>c&nbsp; d"
    link = made("text-to-html", 'see https://x.test/a?b=1&c="2".').replace('""', '"')
    assert link == (
        'see <a href="https://x.test/a?b=1&amp;c=">https://x.test/a?b=1&amp;c=</a>&quot;2&quot;.'
    )
    assert made("text-to-html", "https://x.test", links=False) == "https://x.test"
    assert text_of(made("text-to-html", "a <b>\nc & d").replace('""', '"')) == "a <b>\nc & d"
    assert reason("text-to-html", "<", length=3) == "too-long"


def test_a_tree_gives_its_path_its_leaf_or_a_level() -> None:
    assert made("tree", "a.b.c") == "a.b.c"
    assert made("tree", "a.b.c", **{"with": " > "}) == "a > b > c"
    assert made("tree", ["a.b"], part="leaf") == "b"
    assert [made("tree", "a.b", part="level", level=n) for n in (1, 2, 3)] == ["a", "b", ""]
    assert made("tree", "a/b", part="leaf", separator="/") == "b"
    assert made("tree", None) == made("tree", []) == ""


def test_a_tree_that_is_none_or_is_not_in_the_value_map_holds_the_record() -> None:
    assert reason("tree", "a..b", part="leaf") == "bad-path"
    assert reason("tree", ["a", "b"]) == "too-many-values"
    assert reason("tree", {"a": 1}) == "wrong-type"
    assert made("tree", "A.b", part="level", level=1, values={"a": "Top"}) == "Top"
    assert reason("tree", "z.b", part="level", level=1, values={"a": "Top"}) == "unknown-value"
    assert made("tree", "z", values={"a": "Top"}, default="Other") == "Other"


def test_yes_and_no_are_read_in_many_words() -> None:
    assert [made("yes-no", each) for each in (True, 1, "Yes ", "on", "TRUE")] == ["true"] * 5
    assert [made("yes-no", each) for each in (False, 0, "no", "off")] == ["false"] * 4
    assert made("yes-no", "Oui", yes=["oui"]) == "true"
    assert made("yes-no", None, default="false") == made("yes-no", " ", default="false") == "false"
    assert reason("yes-no", "maybe") == reason("yes-no", 2) == "unknown-value"
    assert reason("yes-no", ["yes"]) == "wrong-type"


def test_texts_that_are_addresses_numbers_and_links_are_taken_only_as_such() -> None:
    assert made("email-text", " a@b.test ") == "a@b.test"
    assert reason("email-text", "a@b") == "bad-email"
    assert reason("email-text", "ann@b.test", length=5) == "too-long"
    assert made("phone-text", "+49 30 123") == "+49 30 123"
    assert reason("phone-text", "none yet") == "bad-phone"
    assert made("url", "x.test/a") == "https://x.test/a"
    assert made("url", "ftp://x.test/a") == "ftp://x.test/a"
    assert reason("url", "see the wiki") == reason("url", "wiki") == "bad-url"
    assert made("picklist", [" a "]) == made("picklist", "a") == "a"
    assert reason("picklist", ["a", "b"]) == "too-many-values"
    assert reason("multi-select", [f"v{n}" for n in range(101)]) == "too-many-values"


def test_options_that_make_no_sense_are_faults() -> None:
    for convert, options in (
        ("currency", {"currency": "XXY"}),
        ("currency", {"symbols": {"$": "dollar"}}),
        ("currency", {"part": "half"}),
        ("tree", {"part": "level"}),
        ("tree", {"level": 1}),
        ("tree", {"part": "level", "level": 0}),
        ("tree", {"separator": ""}),
        ("decimal", {"decimal": ";"}),
        ("yes-no", {"yes": "oui"}),
    ):
        assert list(line_faults(convert, options)), (convert, options)


def test_a_function_of_ones_own_is_named_in_any_of_three_ways_and_nothing_else() -> None:
    for written in ("python:m.n:f", "python: m.n:f", {"python": "m.n:f"}):
        assert FieldLine.model_validate({"convert": written}).convert == "python:m.n:f"
    assert spec_of("python:m:f") is not None
    for wrong in ("python:m", "python:m:f()", "python:m:f:g", "python:../m:f"):
        assert "names no function" in next(iter(line_faults(wrong, {})))


def test_a_function_of_ones_own_gets_the_value_and_the_record_and_may_hold_it() -> None:
    def call(function: Any, value: Any, **told: Any) -> str:
        spec = spec_of("python:m:f")
        assert spec is not None
        context = ConverterContext(get=compile_path("attributes.x"), function=function, **told)
        return spec.make(context)(Record({"id": "a"}, {"x": value}, Lookups()))

    assert call(lambda value, record: f"{record['id']}-{value}", 'q"') == 'a-q""'
    assert call(lambda value, record: None, 1, default="d") == "d"

    def raises(value: Any, record: Any) -> str:
        raise ValueError(f"secret {value}")

    for function, detail in ((raises, "ValueError"), (lambda v, r: 5, "answered with int")):
        with pytest.raises(Hold) as held:
            call(function, "secret")
        assert (held.value.reason, held.value.detail) == ("function-failed", detail)
        assert held.value.__cause__ is None
    with pytest.raises(Hold) as held:
        call(lambda value, record: value, "x" * 5, length=4)
    assert held.value.reason == "too-long"
