"""Who the key is, as far as it may know."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

_SELVES: Final = ("org", "user")


@dataclass(frozen=True, slots=True)
class KustomerOrg:
    """The org a key belongs to. `name`, `roles` and `key_user_id` are None when not readable.

    The key's user is a machine user, the author of whatever the key writes (Kustomer facts,
    section 1).
    """

    id: str
    name: str | None
    roles: tuple[str, ...] | None
    key_user_id: str | None


def claims_of(api_key: str) -> dict[str, Any]:
    """The claims inside a key that is a JWT, unverified: a hint, never a proof. Else empty."""
    parts = api_key.split(".")
    if len(parts) != 3:
        return {}
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = orjson.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def assemble_org(
    org: dict[str, Any], user: dict[str, Any], token: dict[str, Any], claims: dict[str, Any]
) -> KustomerOrg | None:
    """Put the org together from what was readable; None when not even its id is.

    `org`, `user` and `token` are documents of `/orgs/current`, `/users/current` and
    `/auth/tokens/current`, or empty. What the remote said comes before what the key claims.
    """
    org_id = _first(
        [_data(org).get("id"), _related(user, "org"), _related(token, "org"), claims.get("org")]
    )
    if org_id is None:
        return None
    attributes = _attributes(org)
    roles = next(
        (
            found
            for source in (_attributes(token), _attributes(user), claims)
            if isinstance(found := source.get("roles"), list)
        ),
        None,
    )
    return KustomerOrg(
        id=org_id,
        name=_first([attributes.get("name"), attributes.get("displayName"), claims.get("orgName")]),
        roles=tuple(role for role in roles if isinstance(role, str)) if roles is not None else None,
        key_user_id=_first(
            [_data(user).get("id"), _related(token, "user"), claims.get("user"), claims.get("id")]
        ),
    )


def _first(values: Iterable[Any]) -> str | None:
    return next((value for value in values if isinstance(value, str) and value), None)


def _data(document: dict[str, Any]) -> dict[str, Any]:
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _attributes(document: dict[str, Any]) -> dict[str, Any]:
    attributes = _data(document).get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _related(document: dict[str, Any], name: str) -> Any:
    """The id of a related org or user, from the relationships or, failing that, an attribute."""
    assert name in _SELVES
    relations = _data(document).get("relationships")
    relation = relations.get(name) if isinstance(relations, dict) else None
    data = relation.get("data") if isinstance(relation, dict) else None
    if isinstance(data, dict) and data.get("id"):
        return data["id"]
    attributes = _attributes(document)
    return attributes.get(name) or attributes.get(f"{name}Id")
