"""The one way to what REST does not have: reading metadata by SOAP (salesforce facts, 1.2 and 8.1)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from connectors.errors import AuthRefused, BadReply, BadRequest, ConnectorError
from connectors.http import HttpClient, Reply, Retry, Verdict
from connectors.redact import safe_code
from connectors.salesforce.auth import SessionHolder
from connectors.salesforce.gate import Visit
from connectors.salesforce.refusals import PermissionMissing

METADATA: Final = "http://soap.sforce.com/2006/04/metadata"
_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_DEAD: Final = "INVALID_SESSION_ID"


async def soap_call(
    http: HttpClient,
    sessions: SessionHolder,
    visit: Visit,
    path: str,
    body: Element,
    what: str,
) -> Element:
    """Send `body` (of the metadata namespace) and return the answer's body, names without namespace.

    Only for calls that change nothing: it is repeated like any read, and waits at the gate like one.
    The session is part of the body: one that is over is renewed once, and the body made anew. Raises
    `BadReply` for what is no answer, `PermissionMissing`, `BadRequest` with Salesforce's fault code,
    and the errors of `HttpClient`.
    """

    async def look(reply: Reply) -> Verdict | None:
        """A fault comes with status 500, but it says no for good: asking again is no use."""
        final = reply.status == 401 or (reply.status == 500 and _fault(reply) is not None)
        return Verdict.TAKE if final else await visit.after_reply(reply)

    dead = ""
    while True:
        token = (await sessions.current()).token
        reply = await http.request(
            "POST",
            path,
            headers={
                "Content-Type": "text/xml; charset=utf-8",
                "Accept": "text/xml",
                "SOAPAction": '""',
            },
            content=_envelope(token, body),
            retry=Retry.SAFE,
            accept=_is_answer,
            before_attempt=visit.before_attempt,
            after_reply=look,
            route=f"soap {what}",
        )
        failure = _failure(reply, what)
        if failure is None:
            return _body(reply)
        if not isinstance(failure, AuthRefused) or dead:
            raise failure
        dead = token
        await sessions.renew(dead)


def parse_xml(body: bytes) -> Element:
    """Parse an answer: names without namespaces, nothing that is nil; raises `BadReply`.

    A document type is refused, and with it every entity that could grow or lead elsewhere.
    """
    try:
        text = body.decode("utf-8")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise BadReply("An XML answer brings a document type, which none of Salesforce's does.")
        root = fromstring(text.partition("?>")[2] if text.startswith("<?xml") else text)  # noqa: S314 - no entity passes the line above
    except (UnicodeDecodeError, ParseError):
        raise BadReply(f"An answer is not XML ({len(body)} bytes).") from None
    for each in root.iter():
        for absent in [child for child in each if child.get(_NIL) == "true"]:
            each.remove(absent)
        each.tag = each.tag.rpartition("}")[2]
        each.attrib.clear()
    return root


def _envelope(token: str, body: Element) -> bytes:
    envelope = Element(f"{{{_ENVELOPE}}}Envelope")
    header = SubElement(envelope, f"{{{_ENVELOPE}}}Header")
    session = SubElement(header, f"{{{METADATA}}}SessionHeader")
    SubElement(session, f"{{{METADATA}}}sessionId").text = token
    SubElement(envelope, f"{{{_ENVELOPE}}}Body").append(body)
    sent: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return sent


def _is_answer(reply: Reply) -> bool:
    try:
        _body(reply)
    except BadReply:
        return False
    return True


def _body(reply: Reply) -> Element:
    body = parse_xml(reply.body).find("Body")
    if body is None or len(body) == 0:
        raise BadReply("An answer by SOAP has no body.")
    return body[0]


def _fault(reply: Reply) -> str | None:
    """The code of a fault, without its prefix; None for what is none."""
    try:
        said = _body(reply)
    except BadReply:
        return None
    if said.tag != "Fault":
        return None
    return safe_code((said.findtext("faultcode") or "").rpartition(":")[2]) or "unknown"


def _failure(reply: Reply, what: str) -> ConnectorError | None:
    code, status = _fault(reply), reply.status
    if code is None and status < 400:
        return None
    text = f"Salesforce refused {what} ({code or status})."
    if code == _DEAD or status == 401:
        return AuthRefused(text, status=status, remote_code=code)
    if status == 403 or (code or "").startswith("INSUFFICIENT_ACCESS"):
        return PermissionMissing(text, endpoint=what, status=status, remote_code=code)
    return BadRequest(text, status=status, remote_code=code)
