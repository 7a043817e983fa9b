"""Legal names in Salesforce for what the source calls its things (salesforce facts, 8.1 and 8.2).

A name holds ASCII letters, digits and single underscores, begins with a letter, does not end with
an underscore, and has at most 40 characters before `__c`. Names differ in more than letter case.
The same source names give the same names, in whatever order they come.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import blake2b

LONGEST = 40
LONGEST_LABEL = 40
LEGAL_FIELD = re.compile(r"(?=.{1,43}\Z)[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(text: str) -> list[str]:
    """The words of a name in camel case, with hyphens, or of a label; letters without accents."""
    plain = unicodedata.normalize("NFKD", text)
    spelled = "".join(each for each in plain if not unicodedata.combining(each))
    spelled = spelled.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("æ", "ae")
    return _WORDS.findall(spelled)


def stem(text: str, fallback: str = "") -> str:
    """A legal name without prefix and ending, not yet shortened: `loyaltyTier` is `Loyalty_Tier`.

    What has no letters we can write is named after `fallback`, or by a digest of itself.
    """
    found = "_".join(word[:1].upper() + word[1:] for word in words(text))
    if found:
        return found
    return stem(fallback) if fallback and words(fallback) else f"X{_digest(text)}"


def shortened(name: str, most: int = LONGEST) -> str:
    """A name within `most` characters: a longer one ends in a digest of the whole."""
    if len(name) <= most:
        return name
    return f"{name[: most - 7].rstrip('_')}_{_digest(name)}"


def api_names(
    wanted: Mapping[str, Iterable[str]], *, prefix: str = "", taken: Iterable[str] = ()
) -> dict[str, str]:
    """Give each key a name of its own, without `__c`.

    `wanted`: for each key its stems, the best first. A stem that two keys want as their first goes
    to neither; both take their next one, at last one with a digest of the key. `taken` names are in
    use already, with or without `__c`.
    """
    stems = {key: [f"{prefix}{each}" for each in offered] for key, offered in wanted.items()}
    used = {name.lower().removesuffix("__c") for name in taken}
    first = [shortened(offered[0]).lower() for offered in stems.values() if offered]
    given: dict[str, str] = {}
    for key in sorted(stems):
        best = [shortened(each) for each in stems[key]]
        free = [
            each
            for place, each in enumerate(best)
            if each.lower() not in used and (place or first.count(each.lower()) == 1)
        ]
        name = free[0] if free else _distinct(best[0] if best else prefix + "X", key, used)
        used.add(name.lower())
        given[key] = name
    return given


def label(text: str) -> str:
    """A label within its length; a longer one ends in an ellipsis."""
    plain = " ".join(text.split()) or "?"
    return plain if len(plain) <= LONGEST_LABEL else f"{plain[: LONGEST_LABEL - 1].rstrip()}…"


def object_stems(klass: str) -> list[str]:
    """The stems of a klass's object: its own name, and one that tells where it comes from."""
    own = stem(klass)
    return [own, f"Kustomer_{own}"]


def _distinct(name: str, key: str, used: set[str]) -> str:
    for salt in ("", "1", "2", "3"):
        made = f"{name[: LONGEST - 7].rstrip('_')}_{_digest(key + salt)}"
        if made.lower() not in used:
            return made
    raise ValueError("no free name is left")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
