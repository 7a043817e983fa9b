"""Reading the request that creates an ingest job (facts, 3.2 and 3.9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

import orjson

from simulators.salesforce.schema import ObjectDef, Schema
from simulators.salesforce.upload import DELIMITERS

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_CHOICES: dict[str, tuple[str, ...]] = {
    "operation": _OPERATIONS,
    "contentType": ("CSV",),
    "lineEnding": ("LF", "CRLF"),
    "columnDelimiter": tuple(DELIMITERS),
}
MULTIPART_CHARS = 100_000


class JobRefused(Exception):
    """A job that is not made: error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class JobRequest:
    """What is asked for, checked and with its defaults."""

    object: str
    operation: str
    delimiter: str
    line_ending: str
    external_field: str
    assignment_rule: str


def read_request(body: bytes, schema: Schema) -> JobRequest:
    """Check a request; raises `JobRefused` with Salesforce's words."""
    asked = read_json(body)
    name = asked.get("object")
    if not isinstance(name, str) or not name:
        raise JobRefused("INVALIDJOB", "InvalidJob : Object name was not specified")
    definition = schema.find(name)
    if definition is None:
        raise JobRefused("INVALIDJOB", f"InvalidJob : Unable to find object: {name}")
    for key, choices in _CHOICES.items():
        given = asked.get(key)
        if given not in choices and (given or key == "operation"):
            text = f"Invalid value: '{given}' supplied for property: '{key}'"
            raise JobRefused("API_ERROR", text)
    rule = asked.get("assignmentRuleId") or ""
    if rule and definition.name not in ("Case", "Lead"):
        raise JobRefused("INVALIDJOB", "InvalidJob : assignmentRuleId is for Case and Lead only")
    return JobRequest(
        object=definition.name,
        operation=asked["operation"],
        delimiter=asked.get("columnDelimiter") or "COMMA",
        line_ending=asked.get("lineEnding") or "LF",
        external_field=_external_field(asked, definition),
        assignment_rule=str(rule),
    )


def read_json(body: bytes) -> Mapping[str, Any]:
    """A JSON object; raises `JobRefused` for anything else."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise JobRefused("JSON_PARSER_ERROR", "The request body is not a JSON object.")
    return asked


def read_multipart(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """The job and its rows, from a request that carries both; in any order."""
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    parts = message_from_bytes(head + body, policy=policy.HTTP).iter_parts()
    found: dict[str, bytes] = {}
    for part in parts:
        kind = part.get_content_type()
        payload = part.get_payload(decode=True)
        found[kind] = payload if isinstance(payload, bytes) else b""
    if set(found) != {"application/json", "text/csv"}:
        raise JobRefused("INVALIDJOB", "InvalidJob : The parts 'job' and 'content' are needed")
    if len(found["text/csv"].decode("utf-8", "replace")) > MULTIPART_CHARS:
        raise JobRefused("INVALIDJOB", "InvalidJob : The content part is too large")
    return found["application/json"], found["text/csv"]


def _external_field(asked: Mapping[str, Any], definition: ObjectDef) -> str:
    """The key of an upsert. Clients send an empty one with other operations (facts, 3.2)."""
    if asked["operation"] != "upsert":
        return ""
    given = asked.get("externalIdFieldName") or ""
    if not given:
        raise JobRefused(
            "INVALIDJOB",
            f"InvalidJob : External ID was blank for {definition.name}. An External ID must be "
            "specified for upsert.",
        )
    known = definition.by_lower().get(str(given).lower())
    if known is None or not (known.external_id or known.name == "Id"):
        raise JobRefused(
            "INVALIDJOB",
            f"InvalidJob : Field name provided, {given} does not match an External ID for "
            f"{definition.name}",
        )
    return known.name
