"""Where a call may go: one origin per client, credentials never beyond it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

import httpx

from connectors.errors import ForeignOrigin, InsecureAddress

_CREDENTIALS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-sfdc-session"}
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ID: Final = re.compile(r"^(?:[0-9a-fA-F]{24}|(?=\w*\d)\w{15}(?:\w{3})?|\d+|.*[=,@%].*)$")
_ABSOLUTE: Final = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_url(text: str) -> httpx.URL:
    """The URL, if it is absolute, without user info, and https (or http on this machine).

    Raises `InsecureAddress`.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise InsecureAddress("An address is not a valid URL.") from None
    if url.userinfo:
        raise InsecureAddress("An address holds a user name or password.")
    if url.scheme == "https" and url.host:
        return url
    if url.scheme == "http" and _is_loopback(url.host):
        return url
    raise InsecureAddress(f"The address of {url.host or 'no host'} is not https.")


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port, with the scheme's own port filled in."""
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


def resolve(base: httpx.URL, path: str, *, anonymous: bool) -> httpx.URL:
    """The URL that `path` means. A path starts at the host's root, as Kustomer's links do.

    An absolute URL of another origin raises `ForeignOrigin` unless the call is anonymous, and
    then it must still be https (or loopback).
    """
    if not _ABSOLUTE.match(path):
        return base.join("/" + path.removeprefix("/"))
    url = checked_url(f"{base.scheme}:{path}" if path.startswith("//") else path)
    if origin(url) != origin(base) and not anonymous:
        raise ForeignOrigin(f"A link leads to {url.host}, which is not {base.host}.")
    return url


def without_credentials(headers: dict[str, str]) -> dict[str, str]:
    """The same headers less those that prove who we are."""
    return {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}


def route_of(path: str) -> str:
    """The path with ids replaced by `{id}`: a bounded label for metrics, with no one's data."""
    bare = path.split("?", 1)[0]
    absolute = _ABSOLUTE.match(bare)
    if absolute:
        bare = bare[absolute.end() :].partition("/")[2]
    parts = bare.strip("/").split("/")
    return "/" + "/".join("{id}" if _ID.match(part) else part for part in parts)
