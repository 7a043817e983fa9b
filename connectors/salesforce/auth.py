"""Getting and renewing a session: client credentials or JWT bearer (salesforce facts, section 1).

A session's end is known only by a 401. However many calls see it, one renewal is under way and all
of them wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import anyio
import jwt

from connectors.clock import Clock
from connectors.errors import AuthRefused, BadReply, ConnectorError
from connectors.http import HttpClient, Reply
from connectors.reply import readable_by
from connectors.salesforce.ids import to_18

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_S = 180


@dataclass(frozen=True)
class Session:
    """A signed-in session. The token goes to `instance_url` and nowhere else.

    `org_id` and `user_id` have 18 characters. `clock_ahead_s`: by how many seconds Salesforce's clock
    was ahead of ours at the sign-in; 0 where it does not say.
    """

    token: str
    instance_url: str
    org_id: str
    user_id: str
    clock_ahead_s: float = 0.0

    def same_place(self, other: Session) -> bool:
        """True when both belong to one user at one address."""
        mine = (self.instance_url, self.org_id, self.user_id)
        return mine == (other.instance_url, other.org_id, other.user_id)

    def __repr__(self) -> str:
        """Name the org; never the token."""
        return f"Session(org_id={self.org_id!r})"


class Auth(Protocol):
    """A way to get a session."""

    async def sign_in(self) -> Session:
        """Return a new session; raises `AuthRefused` and the errors of an unreachable host."""
        ...


class ClientCredentials:
    """The client-credentials flow: runs as the connected app's own user."""

    def __init__(self, http: HttpClient, *, client_id: str, client_secret: str) -> None:
        self._http = http
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }

    async def sign_in(self) -> Session:
        """Sign in."""
        return await _ask(self._http, self._form)


class JwtBearer:
    """The JWT bearer flow: an assertion signed with our key, for one named user."""

    def __init__(
        self,
        http: HttpClient,
        *,
        client_id: str,
        username: str,
        private_key: str,
        audience: str,
        clock: Clock,
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._username = username
        self._private_key = private_key
        self._audience = audience.rstrip("/")
        self._clock = clock

    async def sign_in(self) -> Session:
        """Sign a new assertion and sign in with it."""
        claims = {
            "iss": self._client_id,
            "sub": self._username,
            "aud": self._audience,
            "exp": int(self._clock.now()) + _ASSERTION_S,
        }
        try:
            assertion = jwt.encode(claims, self._private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise AuthRefused("The private key for the JWT is not a usable RSA key.") from None
        return await _ask(self._http, {"grant_type": _JWT_GRANT, "assertion": assertion})


class SessionHolder:
    """The current session, and its renewal by whoever first finds it dead.

    A renewal that failed is everyone's who waited for it, and a refusal is final for this object:
    knocking on with a refused key could lock the account.
    """

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._turn = anyio.Lock()
        self._session: Session | None = None
        self._failures = 0
        self._failure: ConnectorError | None = None

    async def current(self) -> Session:
        """Return the session, signing in at the first call."""
        if self._session is None:
            await self._sign_in(None)
        assert self._session is not None
        return self._session

    async def renew(self, dead_token: str) -> None:
        """Replace the session that `dead_token` belongs to, unless someone has done it already.

        Raises `AuthRefused` also when another user or instance answers: our jobs belong to one.
        """
        await self._sign_in(dead_token)

    async def _sign_in(self, dead_token: str | None) -> None:
        failures = self._failures
        async with self._turn:
            waited = self._failures != failures
            if self._failure and (waited or self._failure.recovery == "refuse"):
                raise copy(self._failure)
            if self._session and self._session.token != dead_token:
                return
            try:
                session = await self._auth.sign_in()
                if self._session and not session.same_place(self._session):
                    raise AuthRefused("Salesforce signed us in as another user or elsewhere.")
                self._session = session
            except ConnectorError as error:
                self._failures, self._failure = self._failures + 1, error
                raise


async def _ask(http: HttpClient, form: Mapping[str, str]) -> Session:
    def read(said: Any) -> Session:
        return _session(said, http.clock.now())

    reply = await http.request(
        "POST",
        TOKEN_PATH,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        content=urlencode(form).encode(),
        accept=readable_by(read),
    )
    if reply.status != 200:
        raise _refusal(reply)
    return read(reply.json())


def _refusal(reply: Reply) -> AuthRefused:
    try:
        said = reply.json()
    except BadReply:
        said = {}
    code = said.get("error") if isinstance(said, dict) else None
    known = code if isinstance(code, str) and code.replace("_", "").isalnum() else "no reason"
    return AuthRefused(
        f"Salesforce refused the sign-in ({known}).", status=reply.status, remote_code=known
    )


def _session(said: Any, now: float) -> Session:
    if not isinstance(said, dict):
        raise BadReply("The sign-in's answer is not what Salesforce promises.")
    token, url, identity = (said.get(name) for name in ("access_token", "instance_url", "id"))
    if not (isinstance(token, str) and isinstance(url, str) and isinstance(identity, str)):
        raise BadReply("The sign-in's answer lacks the token, the instance or the identity.")
    parts = identity.rstrip("/").split("/")
    if len(parts) < 2:
        raise BadReply("The sign-in's identity does not name org and user.")
    issued = str(said.get("issued_at") or "")  # milliseconds as text (salesforce facts, 1.1)
    ahead = int(issued) / 1000 - now if issued.isascii() and issued.isdigit() else 0.0
    return Session(token, url, to_18(parts[-2]), to_18(parts[-1]), ahead)
