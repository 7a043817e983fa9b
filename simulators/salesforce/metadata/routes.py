"""Deployments by REST (facts, 8.1)."""

import re
from email.message import Message
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.metadata.deployments import Deployment, Deployments, told
from simulators.salesforce.replies import NOT_FOUND, refuse, reply

_MOST_ZIP = 39_000_000
_FILE = re.compile(rb'filename\*?="?', re.IGNORECASE)


class MetadataRest:
    """The resource `metadata/deployRequest`."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    async def create(self, request: Request) -> Response:
        """Take a package, or the id of one that was checked."""
        kind = request.headers.get("content-type", "")
        body = await request.body()
        if kind.startswith("application/json"):
            return self._quick(orjson.loads(body))
        read = _parts(kind, body)
        if read is None:
            text = "Multipart message has no JSON part or no file part."
            return refuse(400, "INVALID_MULTIPART_REQUEST", text)
        asked, content = read
        options = asked.get("deployOptions") if isinstance(asked, dict) else None
        if not isinstance(options, dict):
            return refuse(400, "JSON_PARSER_ERROR", "deployOptions are missing.")
        if len(content) > _MOST_ZIP:
            return refuse(400, "LIMIT_EXCEEDED", "The zip is too large.")
        return self._begun(self._deployments.begin(content, options), options)

    async def read(self, request: Request) -> Response:
        """The state of a deployment."""
        found = self._deployments.find(request.path_params["id"])
        if found is None:
            return refuse(404, *NOT_FOUND)
        details = request.query_params.get("includeDetails", "false") == "true"
        url = str(request.url).partition("?")[0]
        return reply({"id": found.id, "url": url, "deployResult": told(found, details=details)})

    async def change(self, request: Request) -> Response:
        """Cancel a deployment."""
        found = self._deployments.find(request.path_params["id"])
        if found is None:
            return refuse(404, *NOT_FOUND)
        asked = orjson.loads(await request.body())
        if (asked.get("deployResult") or {}).get("status") != "Canceling":
            return refuse(400, "INVALID_INPUT", "A deployment can only be canceled.")
        self._deployments.cancel(found)
        return reply({"id": found.id, "deployResult": told(found, details=False)}, 202)

    def _quick(self, asked: Any) -> Response:
        checked = asked.get("validatedDeployRequestId") if isinstance(asked, dict) else None
        made = self._deployments.begin_validated(checked) if isinstance(checked, str) else None
        if made is None:
            return refuse(400, "INVALID_ID_FIELD", "There is no such validated deployment.")
        return self._begun(made, made.options)

    @staticmethod
    def _begun(made: Deployment, options: dict[str, Any]) -> Response:
        body = {"id": made.id, "deployOptions": options, "deployResult": told(made, details=False)}
        return reply(body, 201)


def metadata_routes(deployments: Deployments) -> list[Route]:
    """Return the routes; they come before those that take every path below a version."""
    rest = MetadataRest(deployments)
    base = "/services/data/{version}/metadata/deployrequest"
    return [
        Route(base, rest.create, methods=["POST"]),
        Route(base + "/{id}", rest.read, methods=["GET"]),
        Route(base + "/{id}", rest.change, methods=["PATCH"]),
    ]


def _parts(kind: str, body: bytes) -> tuple[Any, bytes] | None:
    """The JSON part and the file part, in any order and of any name."""
    header = Message()
    header["content-type"] = kind
    boundary = header.get_boundary()
    if not boundary:
        return None
    asked: Any = None
    content: bytes | None = None
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, data = piece.partition(b"\r\n\r\n")
        if b"application/json" in head.lower():
            try:
                asked = orjson.loads(data)
            except orjson.JSONDecodeError:
                return None
        elif _FILE.search(head):
            content = data
    return None if asked is None or content is None else (asked, content)
