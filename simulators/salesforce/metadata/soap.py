"""Deployments and value sets by SOAP, the older door of the Metadata API (facts, 8.1)."""

import base64
import binascii
from typing import Any
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.metadata.archive import NAMESPACE, Element, PackageInvalid, parse, text
from simulators.salesforce.metadata.deployments import Deployments, told
from simulators.salesforce.metadata.stage import Stage
from simulators.salesforce.metadata.value_sets import SETS, value_set
from simulators.salesforce.org import Org

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_URI = NAMESPACE.strip("{}")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_WITHIN = ("CustomField", "RecordType", "BusinessProcess")
_MOST_READ = 10


class MetadataSoap:
    """`deploy`, `checkDeployStatus`, and `readMetadata`: standard value sets, what was deployed."""

    def __init__(self, org: Org, deployments: Deployments) -> None:
        self._org = org
        self._deployments = deployments

    async def call(self, request: Request) -> Response:
        """Answer one envelope."""
        try:
            envelope = parse(await request.body(), "the envelope")
        except PackageInvalid:
            return _fault("INVALID_REQUEST", "The envelope is not XML.")
        body = envelope.find(f"{_SOAP}Body")
        asked = body[0] if body is not None and len(body) else None
        if asked is None:
            return _fault("INVALID_REQUEST", "The envelope holds no call.")
        if not self._knows(request, envelope):
            return _fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader")
        self._org.api_calls += 1
        name = asked.tag.removeprefix(NAMESPACE)
        answer = {
            "deploy": self._deploy,
            "checkDeployStatus": self._check,
            "readMetadata": self._read,
        }.get(name)
        if answer is None:
            return _fault("INVALID_OPERATION", f"There is no call {name} here.")
        return answer(asked)

    def _knows(self, request: Request, envelope: Element) -> bool:
        inside = envelope.findtext(f".//{NAMESPACE}sessionId") or ""
        outside = request.headers.get("authorization", "").partition(" ")[2]
        return self._org.knows(inside.strip()) or self._org.knows(outside.strip())

    def _deploy(self, asked: Element) -> Response:
        options = asked.find(f"{NAMESPACE}DeployOptions")
        try:
            content = base64.b64decode(text(asked, "ZipFile"), validate=True)
        except (binascii.Error, ValueError):
            return _fault("INVALID_ZIP", "The zip is not in base64.")
        chosen = {
            each.tag.removeprefix(NAMESPACE): (each.text or "").strip().lower() == "true"
            for each in (options if options is not None else ())
        }
        made = self._deployments.begin(content, chosen)
        facts = {"done": False, "id": made.id, "state": "Queued", "status": made.status}
        return _reply("deployResponse", {"result": facts})

    def _check(self, asked: Element) -> Response:
        found = self._deployments.find(text(asked, "asyncProcessId"))
        if found is None:
            return _fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        body = told(found, details=text(asked, "includeDetails") == "true")
        return _reply("checkDeployStatusResponse", {"result": body})

    def _read(self, asked: Element) -> Response:
        kind = text(asked, "type")
        names = [(each.text or "").strip() for each in asked.findall(f"{NAMESPACE}fullNames")]
        if len(names) > _MOST_READ:
            return _fault("EXCEEDED_MAX_SIZE_REQUEST", f"At most {_MOST_READ} names at once.")
        if kind in _WITHIN:
            return _records([self._within(kind, name) for name in names])
        if kind != "StandardValueSet":
            return _fault("INVALID_TYPE", f"{kind} cannot be read here.")
        stage = Stage(self._org)
        records: list[Any] = [
            {"fullName": name, "sorted": False, "standardValue": value_set(stage, name)}
            for name in names
            if name in SETS
        ]
        return _reply("readMetadataResponse", {"result": {"records": records}})

    def _within(self, kind: str, full_name: str) -> Element:
        """What was deployed into an object, under its whole name; nil for what is not there."""
        owner, _, name = full_name.partition(".")
        found = self._org.store.schema.objects.get(owner)
        source = found.sources.get((kind, name)) if found else None
        if source is None:
            return ElementTree.Element("records", {f"{{{_XSI}}}nil": "true"})
        made = parse(source.encode(), "a source")
        made.tag = f"{NAMESPACE}records"
        inner = made.find(f"{NAMESPACE}fullName")
        assert inner is not None
        inner.text = full_name
        return made


def soap_routes(org: Org, deployments: Deployments) -> list[Route]:
    """Return the routes; foreign clients add words to the path, which mean nothing."""
    soap = MetadataSoap(org, deployments)
    return [Route("/services/soap/m/{rest:path}", soap.call, methods=["POST"])]


def _reply(name: str, facts: dict[str, Any]) -> Response:
    root = ElementTree.Element(name, {"xmlns": _URI, "xmlns:xsi": _XSI})
    for key, value in facts.items():
        _add(root, key, value)
    return _envelope(ElementTree.tostring(root, encoding="unicode"), 200)


def _records(records: list[Element]) -> Response:
    root = ElementTree.Element(f"{NAMESPACE}readMetadataResponse")
    ElementTree.SubElement(root, f"{NAMESPACE}result").extend(records)
    return _envelope(ElementTree.tostring(root, encoding="unicode"), 200)


def _add(parent: Element, name: str, value: Any) -> None:
    """Lists become repeated elements, names inside dictionaries nested ones."""
    if isinstance(value, list):
        for each in value:
            _add(parent, name, each)
        return
    if value is None:
        return
    made = ElementTree.SubElement(parent, name)
    if isinstance(value, dict):
        for key, inner in value.items():
            _add(made, key, inner)
    else:
        made.text = str(value).lower() if isinstance(value, bool) else str(value)


def _fault(code: str, message: str) -> Response:
    inner = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode>"
        f"<faultstring>{code}: {message}</faultstring></soapenv:Fault>"
    )
    return _envelope(inner, 500)


def _envelope(inner: str, status: int) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:sf="http://soap.sforce.com/2006/04/metadata">'
        f"<soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, status, media_type="text/xml;charset=UTF-8")
