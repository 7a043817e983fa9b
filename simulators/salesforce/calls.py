"""One call of the REST door, below its version, and the answer to it (facts, 2.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

from simulators.salesforce.outcomes import Outcome

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True)
class Call:
    """What is asked. `path` has no version and no slashes at its ends; `body` is JSON, read;
    `blob` is the binary part of a request that has one. Header names are in lower case.
    """

    method: str
    path: str
    version: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    blob: bytes | None = None

    @property
    def base(self) -> str:
        """The path of the version, with which the addresses of records begin."""
        return f"/services/data/{self.version}"

    def record(self) -> dict[str, Any]:
        """The body as a record; raises `Refused` for anything else."""
        if not isinstance(self.body, dict):
            raise Refused(400, "JSON_PARSER_ERROR", "The request body is not a JSON object.")
        return self.body


@dataclass(frozen=True)
class Answer:
    """What is answered: JSON, or bytes as they are, or nothing (None)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer on the wire."""
        if self.body is None:
            return Response(status_code=self.status, headers=dict(self.headers))
        if isinstance(self.body, bytes):
            kind = "application/octet-stream"
            return Response(self.body, self.status, dict(self.headers), kind)
        return Response(orjson.dumps(self.body), self.status, dict(self.headers), JSON)


class Refused(Exception):
    """A call that is not done: HTTP status, error code and message."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def answer(self) -> Answer:
        """The refusal as an answer: an array of one entry."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return Answer(self.status, [entry])


def not_found(message: str = "The requested resource does not exist") -> Refused:
    """The refusal for what is not there."""
    return Refused(404, "NOT_FOUND", message)


def refused(outcome: Outcome) -> Refused:
    """The refusal that a single record's outcome stands for."""
    error = outcome.errors[0]
    status = 404 if error.status_code == "ENTITY_IS_DELETED" else 400
    return Refused(status, error.status_code, error.message, error.fields)


def result(outcome: Outcome, *, created: bool = False) -> dict[str, Any]:
    """An outcome as collections tell it; `created` where an upsert tells whether it made it."""
    if outcome.success:
        told: dict[str, Any] = {"id": outcome.record_id, "success": True, "errors": []}
        return told | ({"created": outcome.created} if created else {})
    errors = [
        {"statusCode": error.status_code, "message": error.message, "fields": list(error.fields)}
        for error in outcome.errors
    ]
    return {"success": False, "errors": errors}
