"""Company domains: which one stands for a company, and which ones stand for nobody."""

import re
from functools import cache
from importlib.resources import files

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z0-9-]{2,}\Z")
_LONGEST = 253


@cache
def free_mail_domains() -> frozenset[str]:
    """Domains of mail providers: sharing one says nothing about belonging together."""
    text = (files("transforms") / "free_mail_domains.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def match_domain(value: str) -> str:
    """Return the domain of an address or website in the form used as a match key.

    Lower case, ASCII (punycode), without scheme, `www.`, port and path; "" for a free-mail domain,
    an IP address or no domain.
    """
    host = _SCHEME.sub("", value.strip()).split("/")[0].split("?")[0]
    host = host.rsplit("@", 1)[-1].split(":")[0].rstrip(".").lower().removeprefix("www.")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return ""
    if len(host) > _LONGEST or not _DOMAIN.match(host) or host in free_mail_domains():
        return ""
    return "" if host.replace(".", "").isdigit() else host
