"""Signing in: client credentials and JWT bearer (facts, section 1)."""

import base64
from urllib.parse import parse_qs

import jwt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.org import Org
from simulators.salesforce.replies import reply

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuth:
    """The token endpoint and who one is."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def token(self, request: Request) -> Response:
        """Give a session, or a refusal as an object with status 400."""
        form = {key: each[0] for key, each in parse_qs((await request.body()).decode()).items()}
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return self._client(form, request.headers.get("authorization", ""), request)
        if grant == _JWT_GRANT:
            return self._jwt(form, request)
        return _no("unsupported_grant_type", "grant type not supported")

    def _client(self, form: dict[str, str], basic: str, request: Request) -> Response:
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if basic.startswith("Basic "):
            user, _, password = base64.b64decode(basic[6:]).decode().partition(":")
            given = (user, password)
        settings = self._org.settings
        if given[0] != settings.client_id:
            return _no("invalid_client_id", "client identifier invalid")
        if given[1] != settings.client_secret:
            return _no("invalid_client", "invalid client credentials")
        return self._session(request)

    def _jwt(self, form: dict[str, str], request: Request) -> Response:
        settings = self._org.settings
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                settings.jwt_public_key or "",
                algorithms=["RS256"],
                # Clients send text and far-away times as exp; production takes them (facts, 1.1).
                options={"verify_aud": False, "verify_exp": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return _no("invalid_grant", "invalid assertion")
        if claims.get("iss") != settings.client_id:
            return _no("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != settings.username:
            return _no("invalid_grant", "user hasn't approved this consumer")
        return self._session(request)

    def _session(self, request: Request) -> Response:
        org = self._org
        url = str(request.base_url).rstrip("/")
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

    async def who(self, request: Request) -> Response:
        """The running user."""
        org = self._org
        return reply(
            {
                "user_id": org.user_id,
                "organization_id": org.settings.org_id,
                "preferred_username": org.settings.username,
            }
        )


def oauth_routes(org: Org) -> list[Route]:
    """Return the sign-in routes."""
    oauth = OAuth(org)
    return [
        Route("/services/oauth2/token", oauth.token, methods=["POST"]),
        Route("/services/oauth2/userinfo", oauth.who),
        Route("/id/{org}/{user}", oauth.who),
    ]


def _no(code: str, text: str) -> Response:
    return reply({"error": code, "error_description": text}, 400)
