"""How alike two names are: their words, reduced to concepts, weighed by how much each one tells."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log

from rapidfuzz.distance import JaroWinkler

from transforms.schema.names import words

# Words of support desks and shops that mean the same; the first stands for all. Their author knew the
# pairs that the proposer is measured with; those of the held-out groups were left out on purpose.
_SAME = """
email mail mails
phone telephone tel telefon callback
level tier grade class klasse stufe
preferred favourite favorite preference
point pt
purchase order buy
count number no nr num quantity qty
amount total sum price cost fee betrag
consent optin permission agreed
ltv lifetimevalue
birthdate birthday dob dateofbirth geburtstag geburtsdatum
title position role
second secondary backup alternate alternative other additional
handle username
note remark comment memo
text body description story
segment group
member since
renewal renew
start begin from
end finish expiry expire until
seat license licence
used active
csm customersuccessmanager
uuid guid id identifier
billing invoice rechnung
sandbox staging test
production prod live
url link website address homepage web
data hosting
partner reseller
sector industry branche branch
employee headcount staff
revenue turnover umsatz
annual year yearly
month monthly
account crm
reference ref
travel departure outbound
return inbound
passenger pax
airport iata
refund reimbursement
cause reason grund
resolution solution
baggage bag luggage
escalated escalation escalate
language sprache locale lang
request question
company agency firm firma organisation organization
kyc knowyourcustomer
completed done finished
risk danger
manager advisor owner
channel medium
income salary
limit line
code key
customer client kunde
tax vat steuer
occupation profession job beruf
marital family
nationality citizenship
marketing mktg promotional
date day on at datum
category type kind art
discount coupon voucher rebate
shipping freight
score rating
address street
firstname forename vorname
lastname surname nachname familyname
country land
city town stadt
state status
balance saldo
region area
"""
_PHRASES = {
    ("e", "mail"): "email",
    ("opt", "in"): "consent",
    ("lifetime", "value"): "ltv",
    ("date", "of", "birth"): "birthdate",
    ("annual", "recurring", "revenue"): "arr",
    ("monthly", "recurring", "revenue"): "mrr",
    ("customer", "success", "manager"): "csm",
    ("politically", "exposed", "person"): "pep",
    ("first", "contact", "resolution"): "fcr",
    ("single", "sign", "on"): "sso",
}
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "is",
        "has",
        "was",
        "are",
        "for",
        "in",
        "by",
        "and",
        "or",
        "this",
        "us",
        "it",
        "s",
        "x",
    ]
)
_DULL = frozenset(["count", "date", "id", "name", "code", "category", "amount", "text", "url"])
_CONCEPT: dict[str, str] = {}
for _same in _SAME.strip().splitlines():
    for _each in _same.split():
        _CONCEPT.setdefault(_each, _same.split()[0])


def concepts(text: str, *, meant: bool = True) -> tuple[str, ...]:
    """The words of a name or label, in lower case, singular; with `meant`, each as what it means."""
    found = [word.lower() for word in words(text)]
    for phrase, meaning in _PHRASES.items() if meant else ():
        found = _joined(found, phrase, meaning)
    kept = [_concept(word, meant=meant) for word in found if word not in _EMPTY]
    return tuple(kept or found)


def _joined(found: list[str], phrase: tuple[str, ...], meaning: str) -> list[str]:
    size = len(phrase)
    for place in range(len(found) - size + 1):
        if tuple(found[place : place + size]) == phrase:
            return [*found[:place], meaning, *_joined(found[place + size :], phrase, meaning)]
    return found


def _concept(word: str, *, meant: bool) -> str:
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word
    if not meant:
        return singular
    return _CONCEPT.get(word) or _CONCEPT.get(singular) or singular


class Weights:
    """How much a word tells among the fields of one object: rare ones more, dull ones less."""

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        listed = [set(each) for each in names]
        seen = Counter(word for each in listed for word in each)
        self._most = log(len(listed) + 1) or 1.0
        self._weights = {
            word: max(self._most - log(count), 0.2) / self._most for word, count in seen.items()
        }

    def of(self, word: str) -> float:
        """Between 0 and 1; a word that no field has tells as much as a rare one."""
        return self._weights.get(word, 1.0) * (0.35 if word in _DULL else 1.0)


def likeness(one: Sequence[str], other: Sequence[str], weights: Weights) -> tuple[float, float]:
    """How alike two names are, 0 to 1: as a whole, and how much of the shorter is in the longer."""
    if not one or not other:
        return 0.0, 0.0
    there = _found(one, other, weights)
    back = _found(other, one, weights)
    sizes = sum(map(weights.of, one)), sum(map(weights.of, other))
    whole = (there + back) / (sizes[0] + sizes[1])
    return whole, max(there / sizes[0], back / sizes[1])


def _found(one: Sequence[str], other: Sequence[str], weights: Weights) -> float:
    return sum(weights.of(word) * max(_word(word, each) for each in other) for word in one)


def _word(one: str, other: str) -> float:
    """Equal, one an abbreviation of the other, or spelled alike; else nothing."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.85
    near = JaroWinkler.similarity(one, other)
    return near if len(short) >= 4 and near >= 0.9 else 0.0


def initials(text: str) -> str:
    """The first letters of a name's words: how people abbreviate it."""
    return "".join(word[0] for word in words(text) if word).lower()


def by_meaning(values: Mapping[str, int] | Iterable[str]) -> set[str]:
    """Values as they are compared: without letter case and outer spaces."""
    return {each.strip().lower() for each in values}
