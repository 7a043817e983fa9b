"""Requests in two parts: a record's JSON and its binary content (facts, 6.1)."""

import re
from email.message import Message
from typing import Any

import orjson

from simulators.salesforce.calls import Refused

_NAME = re.compile(rb'(?<!\w)name="([^"]*)"')
_FILE = re.compile(rb'filename\*?="?([^";\r\n]*)')


def is_multipart(kind: str) -> bool:
    """Whether a content type announces parts."""
    return kind.lower().startswith("multipart/form-data")


def read_parts(kind: str, body: bytes, blob_field: str) -> tuple[Any, bytes]:
    """The JSON part and the binary part, in whatever order; the name of the first is free.

    Raises `Refused` unless there is one of each and the binary one is named `blob_field` and has
    a file name.
    """
    header = Message()
    header["content-type"] = kind
    boundary = header.get_boundary()
    if not boundary or len(boundary) > 70:
        raise _refusal("the boundary")
    read: list[Any] = []
    blobs: list[bytes] = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        if _FILE.search(head):
            named = _NAME.search(head)
            if named is None or named[1].decode(errors="replace") != blob_field:
                raise _refusal(f"a binary part named {blob_field}")
            blobs.append(content)
            continue
        try:
            read.append(orjson.loads(content))
        except orjson.JSONDecodeError:
            raise Refused(400, "JSON_PARSER_ERROR", "A part is not JSON.") from None
    if len(read) != 1 or len(blobs) != 1:
        raise _refusal("one part of JSON and one with a file name")
    return read[0], blobs[0]


def _refusal(missing: str) -> Refused:
    return Refused(400, "INVALID_MULTIPART_REQUEST", f"The request lacks {missing}.")
