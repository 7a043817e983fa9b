"""Amounts of money, as numbers or as people write them: `12,50 €`, `USD 1,234.50`, `(3.00)`."""

import re
from collections.abc import Mapping
from typing import Any

from transforms.converters.cells import quoted
from transforms.converters.context import ConverterContext
from transforms.converters.numbers import LARGEST, read_number
from transforms.errors import Hold
from transforms.record import Cell, Record

_ISO_4217 = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW "
    "KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD "
    "NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES "
    "VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)
ISO_CODES = frozenset(_ISO_4217.split())
_DOLLARS = "USD CAD AUD NZD SGD HKD MXN ARS CLP COP TWD BMD BSD JMD"
# A sign that several currencies share may stand for any of these.
_SIGNS: Mapping[str, frozenset[str]] = {
    "$": frozenset(_DOLLARS.split()),
    "¥": frozenset({"JPY", "CNY"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    **{
        sign: frozenset({code})
        for sign, code in (
            ("€", "EUR"),
            ("£", "GBP"),
            ("₹", "INR"),
            ("₩", "KRW"),
            ("₽", "RUB"),
            ("₺", "TRY"),
            ("₪", "ILS"),
            ("₫", "VND"),
            ("₴", "UAH"),
            ("฿", "THB"),
            ("₱", "PHP"),
            ("zł", "PLN"),
            ("Kč", "CZK"),
        )
    },
}
_BETWEEN = r"[\s\u00a0\u202f]*"
_SIGN = "|".join(re.escape(each) for each in _SIGNS)
_MARK = rf"[A-Z]{{3}}|[A-Z]{{0,2}}\$|{_SIGN}"
_MONEY = re.compile(
    rf"(?P<minus>[-+−]?){_BETWEEN}(?P<before>{_MARK})?{_BETWEEN}(?P<number>[-+−]?[\d.,'\s\u00a0\u202f]*\d)"
    rf"(?:[.,][-–—])?{_BETWEEN}(?P<after>{_MARK})?\Z"
)


def currency(context: ConverterContext) -> Cell:
    """An amount as a number, or with `part: code` its currency's ISO code.

    `currency` names what amounts without a mark are in; another one holds the record (other-currency),
    for the field would show it as that. `multi: true` takes amounts of any currency: for orgs with
    several, where a second line fills CurrencyIsoCode by `part: code`. `$`, `¥` and `kr` are what
    `symbols` says, or `currency`; else they hold the record (ambiguous-currency). `decimal` as for
    converter decimal.
    """
    get = context.get
    code = context.options.get("part") == "code"
    reader = _Reader(context.options)
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return default if code else ""
        amount, mark = reader.read(value)
        return (mark or default) if code else amount

    return cell


def is_money(text: str) -> bool:
    """Tell whether a text is an amount with a currency's mark."""
    found = _MONEY.match(text.strip())
    mark = (found["before"] or found["after"]) if found else None
    return bool(mark) and (mark in ISO_CODES or not str(mark).isalpha() or mark in _SIGNS)


class _Reader:
    """Reads amounts under one line's options."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._own = str(options.get("currency", ""))
        self._any = bool(options.get("multi", False)) or options.get("part") == "code"
        self._symbols: Mapping[str, str] = options.get("symbols", {})
        self._decimal = str(options.get("decimal", ""))

    def read(self, value: Any) -> tuple[str, str]:
        """Return (number, ISO code or ""); raises `Hold`."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Hold("not-a-number")
        made, mark = self._parts(value) if isinstance(value, str) else (repr(value), "")
        if not abs(float(made)) < LARGEST:
            raise Hold("out-of-range")
        found = self._code(mark) if mark else self._own
        if found and not self._any and found != self._own:
            raise Hold("other-currency")
        return made, found

    def _parts(self, text: str) -> tuple[str, str]:
        text = text.strip()
        in_brackets = text.startswith("(") and text.endswith(")")
        found = _MONEY.match(text[1:-1].strip() if in_brackets else text)
        if found is None or (found["before"] and found["after"]):
            raise Hold("not-a-number")
        signs = [sign for sign in (found["minus"], found["number"][0]) if sign in ("-", "−")]
        if len(signs) + in_brackets > 1:
            raise Hold("not-a-number")
        number = read_number(found["number"].lstrip("+-−"), self._decimal)
        made = f"-{number}" if signs or in_brackets else number
        return made, found["before"] or found["after"] or ""

    def _code(self, mark: str) -> str:
        given = self._symbols.get(mark)
        if given is not None:
            return str(given)
        if mark in ISO_CODES:
            return mark
        if mark.endswith("$") and len(mark) > 1:  # US$, CA$, A$
            code = next((c for c in sorted(_SIGNS["$"]) if c.startswith(mark[:-1])), None)
            if code is None or (len(mark) == 2 and mark[0] not in "AC"):
                raise Hold("ambiguous-currency")
            return "AUD" if mark == "A$" else "CAD" if mark in ("C$", "CA$") else code
        meant = _SIGNS.get(mark)
        if meant is None:
            raise Hold("not-a-number")
        if len(meant) == 1:
            return next(iter(meant))
        if self._own in meant:
            return self._own
        raise Hold("ambiguous-currency")
