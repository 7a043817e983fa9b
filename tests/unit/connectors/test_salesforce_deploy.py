"""Deployments, access and reading by SOAP, over scripted answers."""

import io
import zipfile
from typing import Any
from xml.etree.ElementTree import Element

import anyio
import httpx
import pytest

from connectors.errors import AuthRefused, BadReply, BadRequest, OutcomeUnknown
from connectors.salesforce.deploy import Access, Deployments, package
from connectors.salesforce.metadata import MetadataReader
from connectors.salesforce.refusals import PermissionMissing
from tests.unit.connectors.salesforce_rig import DEAD, USER, Rig, refused, script, sent_json

DEPLOYMENT = "0Af000000000001AAA"
SET = "0PS000000000001AAA"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OURS = "http://soap.sforce.com/2006/04/metadata"


def told(status: str, code: int = 200, **more: Any) -> httpx.Response:
    result = {
        "id": DEPLOYMENT,
        "status": status,
        "done": status in ("Succeeded", "Failed", "Canceled"),
        "success": status == "Succeeded",
        "checkOnly": True,
        "numberComponentsTotal": 2,
        "numberComponentsDeployed": 1,
        **more,
    }
    return httpx.Response(code, json={"id": DEPLOYMENT, "deployResult": result})


def soap(inner: str, status: int = 200) -> httpx.Response:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{SOAP}" xmlns="{OURS}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>{inner}</e:Body></e:Envelope>'
    )
    return httpx.Response(status, text=text, headers={"content-type": "text/xml"})


def fault(code: str) -> httpx.Response:
    inner = f"<e:Fault><faultcode>sf:{code}</faultcode><faultstring>x</faultstring></e:Fault>"
    return soap(inner, 500)


STATUSES = soap(
    "<readMetadataResponse><result><records xsi:type='StandardValueSet'><fullName>CaseStatus</fullName>"
    "<sorted>false</sorted><description xsi:nil='true'/><standardValue><fullName>Old</fullName>"
    "<isActive>false</isActive><closed>true</closed></standardValue></records>"
    "<records xsi:nil='true'/></result></readMetadataResponse>"
)


def rows(*ids: str) -> httpx.Response:
    records = [{"Id": each} for each in ids]
    return httpx.Response(200, json={"totalSize": len(ids), "done": True, "records": records})


def zip_in(request: httpx.Request) -> dict[str, bytes]:
    body = request.content
    start = body.index(b"PK\x03\x04")
    with zipfile.ZipFile(io.BytesIO(body[start:])) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def test_the_same_files_make_the_same_package() -> None:
    files = {"package.xml": "<Package/>", "objects/Case.object": "Ångström"}
    assert package(files) == package(dict(reversed(files.items())))


async def test_a_package_is_sent_as_json_and_zip_and_rolls_back_on_error() -> None:
    rig = Rig(script(told("Pending", 201)))
    async with rig.open() as client:
        made = await Deployments(client, rig.clock).start(package({"a": "b"}), check_only=True)
    assert made == DEPLOYMENT
    assert rig.calls == ["POST /metadata/deployRequest"]
    (sent,) = rig.seen
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (b'name="json"', b'filename="deploy.zip"', b'"checkOnly":true'):
        assert part in sent.content
    assert b'"rollbackOnError":true' in sent.content
    assert b"testLevel" not in sent.content
    assert zip_in(sent) == {"a": b"b"}


async def test_a_lost_reply_to_a_package_is_settled_by_sending_the_very_same_again() -> None:
    lost = httpx.ReadError("peer closed connection")
    rig = Rig(script(lost, httpx.Response(200, text="<html>"), told("Pending", 201)))
    async with rig.open() as client:
        content = package({"a": "b"})
        assert await Deployments(client, rig.clock).start(content, check_only=False) == DEPLOYMENT
    assert len({each.content for each in rig.seen}) == 1
    assert len(rig.seen) == 3


async def test_a_quick_deployment_whose_reply_was_lost_is_not_repeated() -> None:
    rig = Rig(script(httpx.ReadError("peer closed connection")))
    async with rig.open() as client:
        with pytest.raises(OutcomeUnknown):
            await Deployments(client, rig.clock).start_checked(DEPLOYMENT)
    assert [sent_json(each) for each in rig.seen] == [{"validatedDeployRequestId": DEPLOYMENT}]


async def test_a_deployment_is_followed_at_growing_intervals_and_its_failures_are_data() -> None:
    bad = {
        "fullName": "Case.X__c",
        "componentType": "CustomField",
        "fileName": "objects/Case.object",
        "problemType": "Error",
        "problem": "Cannot change the field type",
    }
    good = {"fullName": "Case.Y__c", "componentType": "CustomField", "created": "true"}
    details = {"componentFailures": bad, "componentSuccesses": [good]}
    looks = [told("Pending")] * 3 + [told("InProgress")] * 6
    rig = Rig(script(*looks, told("Failed", details=details)))
    seen: list[str] = []
    async with rig.open() as client:
        followed = Deployments(client, rig.clock).follow(
            DEPLOYMENT, on_poll=lambda each: seen.append(each.status)
        )
        ended = await followed
    assert (seen[0], seen[-1], len(seen)) == ("Pending", "Failed", 10)
    pauses = rig.clock.sleeps
    assert pauses == sorted(pauses)
    assert (pauses[0], max(pauses) <= 15.0) == (1.0, True)
    assert (ended.done, ended.success) == (True, False)
    assert [(each.name, each.problem) for each in ended.failures] == [
        ("Case.X__c", "Cannot change the field type")
    ]
    assert [(each.name, each.created) for each in ended.successes] == [("Case.Y__c", True)]
    assert rig.seen[0].url.params["includeDetails"] == "true"


async def test_who_stops_following_asks_the_deployment_to_end() -> None:
    rig = Rig(script(told("InProgress")))
    async with rig.open() as client:
        with anyio.CancelScope() as scope:
            await Deployments(client, rig.clock).follow(
                DEPLOYMENT, on_poll=lambda _: scope.cancel()
            )
    assert [each.method for each in rig.seen] == ["GET", "PATCH"]
    assert sent_json(rig.seen[1]) == {"deployResult": {"status": "Canceling"}}


async def test_what_is_over_cannot_be_cancelled_and_that_is_no_error() -> None:
    rig = Rig(script(refused(400, "INVALID_ID_FIELD"), told("Succeeded")))
    async with rig.open() as client:
        await Deployments(client, rig.clock).cancel(DEPLOYMENT)
    assert [each.method for each in rig.seen] == ["PATCH", "GET"]


@pytest.mark.parametrize(
    ("answers", "new"),
    [
        ([rows(SET), rows("0Pa000000000001AAA")], False),
        ([rows(SET), rows(), refused(400, "DUPLICATE_VALUE")], True),
        ([rows(SET), rows(), httpx.Response(201, json={"id": "0Pa", "success": True})], True),
    ],
)
async def test_a_permission_set_is_assigned_once(answers: list[httpx.Response], new: bool) -> None:
    rig = Rig(script(*answers))
    async with rig.open() as client:
        assert await Access(client).assign("Deskferry") is new
    if len(answers) == 3:
        assert sent_json(rig.seen[-1]) == {"AssigneeId": USER, "PermissionSetId": SET}


async def test_a_set_that_cannot_be_assigned_is_an_error() -> None:
    rig = Rig(script(rows(SET), rows(), refused(400, "LICENSE_LIMIT_EXCEEDED")))
    async with rig.open() as client:
        with pytest.raises(BadRequest, match="LICENSE_LIMIT_EXCEEDED"):
            await Access(client).assign("Deskferry")
    rig = Rig(script(rows()))
    async with rig.open() as client:
        with pytest.raises(BadReply):
            await Access(client).assign("Deskferry")


async def test_value_sets_are_read_whole_and_what_is_nil_is_left_out() -> None:
    rig = Rig(script(STATUSES))
    async with rig.open() as client:
        found = await MetadataReader(client).read("StandardValueSet", ["CaseStatus", "Nope"])
    (root,) = found.values()
    assert [each.tag for each in root] == ["fullName", "sorted", "standardValue"]
    assert root.findtext("standardValue/isActive") == "false"
    (sent,) = rig.seen
    assert sent.url.path == "/services/Soap/m/62.0"
    assert b"token-1" in sent.content
    assert b"Nope" in sent.content


async def test_names_are_asked_for_ten_at_a_time() -> None:
    rig = Rig(script(soap("<readMetadataResponse><result/></readMetadataResponse>")))
    async with rig.open() as client:
        names = [f"Case.F{number}__c" for number in range(21)]
        assert await MetadataReader(client).read("CustomField", names) == {}
    assert [each.content.count(b"fullNames>") // 2 for each in rig.seen] == [10, 10, 1]


@pytest.mark.parametrize("dead", [fault("INVALID_SESSION_ID"), DEAD])
async def test_a_dead_session_is_renewed_once_for_soap_too(dead: httpx.Response) -> None:
    rig = Rig(script(dead, STATUSES))
    async with rig.open() as client:
        assert await MetadataReader(client).read("StandardValueSet", ["CaseStatus"])
    assert [each.headers["authorization"] for each in rig.seen] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert b"token-2" in rig.seen[1].content
    rig = Rig(script(dead))
    async with rig.open() as client:
        with pytest.raises(AuthRefused):
            await MetadataReader(client).read("StandardValueSet", ["CaseStatus"])
    assert len(rig.seen) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (fault("INVALID_TYPE"), BadRequest),
        (fault("INSUFFICIENT_ACCESS"), PermissionMissing),
        (httpx.Response(200, text="<html><body>proxy</body>"), BadReply),
        (httpx.Response(200, text="<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), BadReply),
        (httpx.Response(200, content=b"\xff\xfe<\x00x\x00"), BadReply),
    ],
)
async def test_what_is_no_answer_by_soap_is_said_and_a_fault_is_final(
    answer: httpx.Response, error: type[Exception]
) -> None:
    rig = Rig(script(answer))
    async with rig.open() as client:
        with pytest.raises(error):
            await client.soap(Element("x"), "the reading of x")
    assert len(rig.seen) == (1 if answer.status_code == 500 else 3)
