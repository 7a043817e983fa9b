"""Signing in: client credentials and JWT bearer, and who one is (facts, section 1)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
_FAILED = ("invalid_grant", "authentication failure")


class OAuth:
    """The token endpoint and who one is."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def token(self, request: Request) -> Response:
        """Give a session, or a refusal as an object with status 400."""
        text = (await request.body()).decode("utf-8", "replace")
        form = {key: each[0] for key, each in parse_qs(text).items()}
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return self._client(form, request)
        if grant == _JWT_GRANT:
            return self._jwt(form, request)
        return _no("unsupported_grant_type", "grant type not supported")

    def _client(self, form: Mapping[str, str], request: Request) -> Response:
        if request.url.hostname in _LOGIN_HOSTS:  # only the org's own domain takes it (1.1)
            return _no("invalid_grant", "request not supported on this domain")
        given = _basic(request.headers.get("authorization", ""))
        if given is None:
            given = form.get("client_id", ""), form.get("client_secret", "")
        settings = self._org.settings
        if given[0] != settings.client_id:
            return _no("invalid_client_id", "client identifier invalid")
        if given[1] != settings.client_secret:
            return _no("invalid_client", "invalid client credentials")
        return self._session(request)

    def _jwt(self, form: Mapping[str, str], request: Request) -> Response:
        settings = self._org.settings
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                settings.jwt_public_key or "",
                algorithms=["RS256"],
                # Clients send text and far-away times as exp; production takes them (facts, 1.1).
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return _no(*_FAILED)
        if claims.get("iss") != settings.client_id:
            return _no("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != settings.username:
            return _no("invalid_grant", "user hasn't approved this consumer")
        if not self._audience(claims.get("aud"), request):
            return _no(*_FAILED)
        if not self._still_good(claims.get("exp")):
            return _no("invalid_grant", "expired access/refresh token")
        return self._session(request)

    def _audience(self, named: Any, request: Request) -> bool:
        """Either login host, the org's own domain, or the address that was called."""
        known = {*(f"https://{host}" for host in _LOGIN_HOSTS), self._url(request)}
        known.add(str(request.base_url).rstrip("/"))
        return isinstance(named, str) and named.rstrip("/") in known

    def _still_good(self, expires: Any) -> bool:
        """Seconds, as a number or as text, in any future."""
        try:
            return float(expires) > self._org.clock()
        except (TypeError, ValueError):
            return False

    def _url(self, request: Request) -> str:
        return (self._org.settings.my_domain or str(request.base_url)).rstrip("/")

    def _session(self, request: Request) -> Response:
        org = self._org
        url = self._url(request)
        return reply(
            {
                "access_token": org.new_token(),
                "scope": "id api",
                "instance_url": url,
                "id": f"{url}/id/{org.settings.org_id}/{org.user_id}",
                "token_type": "Bearer",
                "issued_at": str(int(org.clock() * 1000)),
                "signature": "c2ln",
            }
        )

    async def revoke(self, request: Request) -> Response:
        """End one session."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        self._org.tokens.pop(form.get("token", [""])[0], None)
        return Response(status_code=200)

    async def who(self, request: Request) -> Response:
        """The running user."""
        org = self._org
        path = request.path_params
        if path.get("org", org.settings.org_id)[:15] != org.settings.org_id[:15]:
            return refuse(404, *NOT_FOUND)
        if path.get("user", org.user_id)[:15] != org.user_id[:15]:
            return refuse(404, *NOT_FOUND)
        url = self._url(request)
        return reply(
            {
                "sub": f"{url}/id/{org.settings.org_id}/{org.user_id}",
                "user_id": org.user_id,
                "organization_id": org.settings.org_id,
                "preferred_username": org.settings.username,
                "username": org.settings.username,
                "email": org.settings.username,
                "user_type": "STANDARD",
                "active": True,
                "urls": {"rest": f"{url}/services/data/v{{version}}/"},
            }
        )


def oauth_routes(org: Org) -> list[Route]:
    """Return the sign-in routes."""
    oauth = OAuth(org)
    return [
        Route("/services/oauth2/token", oauth.token, methods=["POST"]),
        Route("/services/oauth2/revoke", oauth.revoke, methods=["POST"]),
        Route("/services/oauth2/userinfo", oauth.who, methods=["GET", "POST"]),
        Route("/id/{org}/{user}", oauth.who),
    ]


def _basic(header: str) -> tuple[str, str] | None:
    """The pair of a Basic header; None without one that can be read."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(user), unquote_plus(password)


def _no(code: str, text: str) -> Response:
    return reply({"error": code, "error_description": text}, 400)
