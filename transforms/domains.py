"""Company domains: which one stands for a company, and which ones stand for nobody."""

import re
from collections.abc import Collection
from functools import cache, lru_cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z0-9-]{2,}\Z")
_LONGEST = 253


@cache
def free_mail_domains() -> frozenset[str]:
    """Domains of mail providers: sharing one says nothing about belonging together."""
    text = (files("transforms") / "free_mail_domains.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


@cache
def _suffixes() -> PublicSuffixList:
    """The public suffixes that the library brings along; nothing is fetched."""
    return PublicSuffixList()


@lru_cache(maxsize=8192)
def registered_domain(value: str) -> str:
    """Return the domain that somebody registered: `acme.co.uk` of `https://www.support.acme.co.uk/x`.

    Lower case, ASCII (punycode), without scheme, port and path; "" for an IP address, a public suffix
    itself or no domain. Whoever gives subdomains to strangers counts as a suffix (`acme.github.io`).
    """
    host = _SCHEME.sub("", value.strip()).split("/")[0].split("?")[0].split("#")[0]
    host = host.rsplit("@", 1)[-1].split(":")[0].rstrip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return ""
    if len(host) > _LONGEST or not _DOMAIN.match(host) or host.replace(".", "").isdigit():
        return ""
    return str(_suffixes().privatesuffix(host) or "")


def match_domain(value: str, never: Collection[str] = (), anyway: Collection[str] = ()) -> str:
    """Return the domain of an address or website in the form used as a match key.

    "" where `registered_domain` has none, for a mail provider's domain that is not in `anyway`, and for
    one in `never`; both hold registered domains.
    """
    domain = registered_domain(value)
    if domain in never or (domain in free_mail_domains() and domain not in anyway):
        return ""
    return domain
