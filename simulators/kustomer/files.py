"""Attachments: what messages show of them, signed addresses, and the bytes (facts, section 6.5)."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from simulators.kustomer.desk import Desk
from simulators.kustomer.org import Org, Row
from simulators.kustomer.replies import json_reply, many, not_found, number, page_links

SIGNED_FOR_S = 600
_CHUNK = 64 * 1024


def with_attachments(
    org: Org, rows: Sequence[Row], meta: dict[str, Any], links: dict[str, Any]
) -> Response:
    """A page of messages with their attachments' metadata; there is no signed address in it."""
    bodies, included = [], []
    for row in rows:
        held = org.children("attachment", row.id)
        bodies.append(_linked(row, held) if held else row.body)
        included += [each.body for each in held]
    return many(bodies, meta, links, included)


def _linked(row: Row, held: Sequence[Row]) -> bytes:
    record = row.resource
    record["relationships"]["attachments"] = {
        "links": {"self": f"/v1/messages/{row.id}/attachments"},
        "data": [{"type": "attachment", "id": each.id} for each in held],
    }
    return orjson.dumps(record)


def content(record_id: str, length: int) -> Iterator[bytes]:
    """The bytes of a file, made of its id: the same ones each time, `length` of them."""
    block = b"".join(
        hashlib.sha256(f"{record_id}:{number}".encode()).digest() for number in range(_CHUNK // 32)
    )
    while length > 0:
        yield block[:length]
        length -= len(block)


class Files:
    """Answers for attachments and serves what the signed addresses lead to."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def of_message(self, request: Request) -> Response:
        """`/messages/{mid}/attachments/{id}`: one file, with a signed address."""
        row = self._row(request.path_params["file"])
        if request.path_params["id"] not in row.parents:
            raise not_found()
        return json_reply({"data": self._signed(row, request)})

    async def of_conversation(self, request: Request) -> Response:
        """`/conversations/{id}/attachments`: all files of one, signed, and without their ids."""
        parent = request.path_params["id"]
        holder = self._desk.org.shelves["conversation"].rows.get(parent)
        if holder is None or holder.deleted:
            raise not_found()
        rows = [
            held
            for message in self._desk.org.children("message", parent)
            for held in self._desk.org.children("attachment", message.id)
        ]
        size = min(100, max(1, number(request, "pageSize", 100)))
        page = max(1, number(request, "page", 1))
        shown = [self._signed(row, request) for row in rows[(page - 1) * size : page * size]]
        for each in shown:
            del each["id"]
        links = page_links(request, page, size, more=page * size < len(rows))
        return many(map(orjson.dumps, shown), {"pageSize": size, "page": page}, links)

    async def outbound(self, request: Request) -> Response:
        """`/attachments/{ids}`: files of outbound messages only."""
        rows = [self._row(each) for each in request.path_params["ids"].split(",")]
        if not all(self._is_outbound(row) for row in rows):
            raise not_found()
        shown = [self._signed(row, request) for row in rows]
        return json_reply({"data": shown[0] if len(shown) == 1 else shown})

    async def download(self, request: Request) -> Response:
        """The bytes behind a signed address, outside the API: no key, and a limited time."""
        file_id, expires = request.path_params["file"], number(request, "Expires", 0)
        proof = request.query_params.get("X-Amz-Signature", "")
        if "authorization" in request.headers:
            return _s3_error(400, "InvalidArgument")
        row = self._desk.org.shelves["attachment"].rows.get(file_id)
        if not hmac.compare_digest(proof, self._proof(file_id, expires)):
            return _s3_error(403, "SignatureDoesNotMatch")
        if self._desk.clock() > expires:
            return _s3_error(403, "AccessDenied")
        if row is None:
            return _s3_error(404, "NoSuchKey")
        attributes = row.resource["attributes"]
        length = int(attributes.get("contentLength") or 0)
        return StreamingResponse(
            content(file_id, length),
            media_type=str(attributes.get("contentType") or "application/octet-stream"),
            headers={"content-length": str(length)},
        )

    def _row(self, file_id: str) -> Row:
        row = self._desk.org.shelves["attachment"].rows.get(file_id)
        if row is None or row.deleted:
            raise not_found()
        return row

    def _is_outbound(self, row: Row) -> bool:
        messages = self._desk.org.shelves["message"].rows
        parents = (messages[each] for each in row.parents if each in messages)
        return any(each.resource["attributes"].get("direction") == "out" for each in parents)

    def _signed(self, row: Row, request: Request) -> dict[str, Any]:
        record = row.resource
        expires = int(self._desk.clock()) + SIGNED_FOR_S
        url = request.url_for("file", file=row.id).include_query_params(
            Expires=expires,
            **{"X-Amz-Expires": SIGNED_FOR_S, "X-Amz-Signature": self._proof(row.id, expires)},
        )
        record.setdefault("links", {})["related"] = str(url)
        return record

    def _proof(self, file_id: str, expires: int) -> str:
        secret = self._desk.settings.org_id.encode()
        return hmac.new(secret, f"{file_id}:{expires}".encode(), hashlib.sha256).hexdigest()


def _s3_error(status: int, code: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Response(body, status, media_type="application/xml")
