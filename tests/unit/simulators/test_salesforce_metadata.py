"""Deployments, and what becomes visible by them, over ASGI."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx
import orjson
import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from tests.unit.simulators.metadata_packages import (
    XMLNS,
    case_fields,
    custom_object,
    field,
    manifest,
    permission_set,
    picklist,
    zipped,
)

BASE = "/services/data/v62.0"
OPTIONS = {"checkOnly": False, "rollbackOnError": True, "singlePackage": True}
OUR_FIELD = {
    "package.xml": manifest(CustomField=["Case.Our__c"]),
    "objects/Case.object": case_fields(field("Our__c")),
}


class Bench:
    """One org and a signed-in client."""

    def __init__(self, org: Org, client: httpx.AsyncClient) -> None:
        self.org = org
        self.client = client

    async def deploy(self, files: dict[str, str], **options: Any) -> dict[str, Any]:
        """Send the file part first, as jsforce does."""
        asked = {"deployOptions": {**OPTIONS, **options}}
        reply = await self.client.post(
            f"{BASE}/metadata/deployRequest",
            files={
                "file": ("package.xml", zipped(files), "application/zip"),
                "entity_content": (None, orjson.dumps(asked), "application/json"),
            },
        )
        assert reply.status_code == 201, reply.text
        made = reply.json()
        assert made["deployResult"]["status"] == "Pending"
        return await self.ended(made["id"])

    async def ended(self, deployment: str) -> dict[str, Any]:
        path = f"{BASE}/metadata/deployRequest/{deployment}?includeDetails=true"
        while True:
            result: dict[str, Any] = (await self.client.get(path)).json()["deployResult"]
            if result["done"]:
                return result
            await anyio.lowlevel.checkpoint()

    async def fields(self, name: str = "Case") -> dict[str, Any]:
        reply = await self.client.get(f"{BASE}/sobjects/{name}/describe")
        assert reply.status_code == 200, reply.text
        return {each["name"]: each for each in reply.json()["fields"]}

    async def assign(self, name: str = "Ferry") -> None:
        found = await self.client.get(
            f"{BASE}/query", params={"q": f"SELECT Id FROM PermissionSet WHERE Name = '{name}'"}
        )
        body = {
            "AssigneeId": self.org.user_id,
            "PermissionSetId": found.json()["records"][0]["Id"],
        }
        made = await self.client.post(f"{BASE}/sobjects/PermissionSetAssignment", json=body)
        assert made.status_code == 201, made.text


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[Bench]:
    org = Org(SalesforceSettings(accounts=(), bare=True, **settings))
    app = create_app(org)
    async with AsyncExitStack() as stack:
        events: list[str] = []
        start, end = anyio.Event(), anyio.Event()

        async def receive() -> dict[str, str]:
            if not events:
                events.append("startup")
                return {"type": "lifespan.startup"}
            await end.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                start.set()

        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(end.set)
        group.start_soon(app, {"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
        await start.wait()
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://stand-in",
                headers={"Authorization": f"Bearer {org.new_token()}"},
            )
        )
        yield Bench(org, client)


def problems(result: dict[str, Any]) -> str:
    return "; ".join(each["problem"] for each in result["details"]["componentFailures"])


async def test_a_bare_org_has_nothing_that_was_made_for_a_migration() -> None:
    async with opened() as bench:
        fields = await bench.fields()
    assert not [name for name in fields if name.endswith("__c")]
    values = [each["value"] for each in fields["Status"]["picklistValues"]]
    assert values == ["New", "Working", "Escalated", "Closed"]


async def test_a_deployed_field_is_not_there_until_a_permission_set_shows_it() -> None:
    async with opened() as bench:
        result = await bench.deploy(OUR_FIELD)
        assert (result["status"], result["success"]) == ("Succeeded", True)
        assert "Our__c" not in await bench.fields()
        body = {"Subject": "x", "Our__c": "1"}
        refused = await bench.client.post(f"{BASE}/sobjects/Case", json=body)
        assert refused.status_code == 400
        assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
        granted = {
            "package.xml": manifest(PermissionSet=["Ferry"]),
            "permissionsets/Ferry.permissionset": permission_set("Case.Our__c"),
        }
        assert (await bench.deploy(granted))["success"]
        assert "Our__c" not in await bench.fields()
        await bench.assign()
        seen = (await bench.fields())["Our__c"]
        assert (seen["createable"], seen["length"], seen["type"]) == (True, 24, "string")
        made = await bench.client.post(f"{BASE}/sobjects/Case", json=body)
        assert made.status_code == 201


async def test_a_check_changes_nothing_and_can_be_deployed_quickly() -> None:
    async with opened() as bench:
        files = {**OUR_FIELD, "objects/Case.object": case_fields(field("Our__c"))}
        checked = await bench.deploy(files, checkOnly=True)
        assert (checked["success"], checked["checkOnly"]) == (True, True)
        assert "Our__c" not in bench.org.store.schema.objects["Case"].known
        reply = await bench.client.post(
            f"{BASE}/metadata/deployRequest", json={"validatedDeployRequestId": checked["id"]}
        )
        assert reply.status_code == 201
        assert (await bench.ended(reply.json()["id"]))["success"]
        assert "Our__c" in bench.org.store.schema.objects["Case"].known


async def test_one_bad_component_takes_all_back_and_is_told_with_its_file() -> None:
    files = {
        "package.xml": manifest(CustomField=["Case.Good__c", "Case.Bad__c"]),
        "objects/Case.object": case_fields(
            field("Good__c"), field("Bad__c", "LongTextArea").replace("<visibleLines>3<", "<x>3<")
        ).replace("<x>3</visibleLines>", ""),
    }
    async with opened() as bench:
        result = await bench.deploy(files)
        assert (result["status"], result["numberComponentErrors"]) == ("Failed", 1)
        failure = result["details"]["componentFailures"][0]
        assert (failure["fullName"], failure["fileName"]) == ("Case.Bad__c", "objects/Case.object")
        assert "Good__c" not in bench.org.store.schema.objects["Case"].known


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (field("bad name__c"), "API Name can only contain"),
        (field("a" * 41 + "__c"), "API Name can only contain"),
        (field("Two__Lines__c"), "API Name can only contain"),
        (field("No_Length__c", "Text").replace("<length>24</length>", ""), "'length'"),
        (field("Box__c", "Checkbox").replace("<defaultValue>false</defaultValue>", ""), "defaultV"),
        (field("Odd__c", "Tree"), "not a valid value for the enum"),
        (field("L__c", "Lookup", "<referenceTo>Nobody__c</referenceTo>"), "does not resolve"),
        (picklist("P__c", ["a", "A"]), "each value once"),
        (picklist("P__c", ["a;b"]), "is not valid"),
        (picklist("P__c", ["a"], controller="Nothing__c"), "controllingField"),
    ],
)
async def test_what_the_platform_refuses_is_refused(made: str, problem: str) -> None:
    name = made.split("<fullName>")[1].split("<")[0]
    files = {
        "package.xml": manifest(CustomField=[f"Case.{name}"]),
        "objects/Case.object": case_fields(made),
    }
    async with opened() as bench:
        assert problem in problems(await bench.deploy(files))


async def test_an_object_of_our_own_takes_records_with_lookup_and_master() -> None:
    master = field(
        "Order__c",
        "MasterDetail",
        "<referenceTo>Order__c</referenceTo><relationshipName>Items</relationshipName>",
    )
    lookup = field(
        "Case__c",
        "Lookup",
        "<referenceTo>Case</referenceTo><relationshipName>Orders</relationshipName>",
    )
    files = {
        "package.xml": manifest(CustomObject=["Order__c", "Item__c"], PermissionSet=["Ferry"]),
        "objects/Order__c.object": custom_object("Order", lookup, field("Total__c", "Number")),
        "objects/Item__c.object": custom_object("Item", master, sharing="ControlledByParent"),
        "permissionsets/Ferry.permissionset": permission_set(
            "Order__c.Case__c", "Order__c.Total__c", objects=("Order__c", "Item__c")
        ),
    }
    async with opened() as bench:
        result = await bench.deploy(files)
        assert result["success"], problems(result)
        await bench.assign()
        post = bench.client.post
        order = (
            await post(f"{BASE}/sobjects/Order__c", json={"Name": "1", "Total__c": 2.5})
        ).json()
        assert order["id"].startswith("a0")
        large = await post(f"{BASE}/sobjects/Order__c", json={"Total__c": 12345})
        assert large.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"
        orphan = await post(f"{BASE}/sobjects/Item__c", json={"Name": "x"})
        assert orphan.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        item = await post(f"{BASE}/sobjects/Item__c", json={"Order__c": order["id"]})
        assert item.status_code == 201
        await bench.client.delete(f"{BASE}/sobjects/Order__c/{order['id']}")
        found = await bench.client.get(f"{BASE}/query", params={"q": "SELECT COUNT() FROM Item__c"})
        assert found.json()["totalSize"] == 0


async def test_statuses_are_replaced_as_a_whole_and_close_cases_as_they_say() -> None:
    def values(*names: str) -> str:
        return "".join(
            f"<standardValue><fullName>{n}</fullName><default>{str(n == 'New').lower()}</default>"
            f"<label>{n}</label><closed>{str(n in ('Done', 'Closed')).lower()}</closed></standardValue>"
            for n in names
        )

    def files(*names: str) -> dict[str, str]:
        return {
            "package.xml": manifest(StandardValueSet=["CaseStatus"]),
            "standardValueSets/CaseStatus.standardValueSet": (
                f"<StandardValueSet {XMLNS}><sorted>false</sorted>{values(*names)}</StandardValueSet>"
            ),
        }

    async with opened() as bench:
        assert (await bench.deploy(files("New", "Closed", "Done")))["success"]
        status = (await bench.fields())["Status"]["picklistValues"]
        assert [e["value"] for e in status if e["active"]] == ["New", "Closed", "Done"]
        assert [e["value"] for e in status if not e["active"]] == ["Working", "Escalated"]
        made = (await bench.client.post(f"{BASE}/sobjects/Case", json={"Status": "Done"})).json()
        read = await bench.client.get(f"{BASE}/sobjects/Case/{made['id']}?fields=IsClosed")
        assert read.json()["IsClosed"] is True
        assert "open and one closed" in problems(await bench.deploy(files("New")))


async def test_a_dependent_picklist_tells_for_which_values_it_is_valid() -> None:
    settings = (
        "<valueSettings><controllingFieldValue>Web</controllingFieldValue>"
        "<controllingFieldValue>Phone</controllingFieldValue><valueName>b</valueName></valueSettings>"
    )
    files = {
        "package.xml": manifest(CustomField=["Case.Why__c"], PermissionSet=["Ferry"]),
        "objects/Case.object": case_fields(
            picklist("Why__c", ["a", "b"], controller="Origin", settings=settings)
        ),
        "permissionsets/Ferry.permissionset": permission_set("Case.Why__c"),
    }
    async with opened() as bench:
        result = await bench.deploy(files)
        assert result["success"], problems(result)
        await bench.assign()
        why = (await bench.fields())["Why__c"]
    assert (why["controllerName"], why["dependentPicklist"]) == ("Origin", True)
    # Phone, Email, Web: bits 0 and 2 from the left.
    assert [each["validFor"] for each in why["picklistValues"]] == ["AA==", "oA=="]


@pytest.mark.parametrize("refused", [False, True])
async def test_pairs_of_restricted_dependent_picklists_are_taken_or_refused_as_the_org_is_told(
    *, refused: bool
) -> None:
    settings = (
        "<valueSettings><controllingFieldValue>Web</controllingFieldValue>"
        "<valueName>b</valueName></valueSettings>"
    )
    why = picklist("Why__c", ["a", "b"], controller="Origin", settings=settings)
    files = {
        "package.xml": manifest(CustomField=["Case.Why__c"], PermissionSet=["Ferry"]),
        "objects/Case.object": case_fields(
            why.replace("<restricted>false</restricted>", "<restricted>true</restricted>")
        ),
        "permissionsets/Ferry.permissionset": permission_set("Case.Why__c"),
    }
    async with opened(refuse_pairs=refused) as bench:
        result = await bench.deploy(files)
        assert result["success"], problems(result)
        await bench.assign()
        assert (await bench.fields())["Why__c"]["restrictedPicklist"]

        async def made(**values: str) -> int:
            return (await bench.client.post(f"{BASE}/sobjects/Case", json=values)).status_code

        assert await made(Origin="Web", Why__c="b") == await made(Origin="Phone") == 201
        wrong = [await made(Origin="Phone", Why__c="b"), await made(Why__c="b")]
        assert wrong == ([400, 400] if refused else [201, 201])
        good = (
            await bench.client.post(f"{BASE}/sobjects/Case", json={"Origin": "Web", "Why__c": "b"})
        ).json()
        path = f"{BASE}/sobjects/Case/{good['id']}"
        assert (await bench.client.patch(path, json={"Subject": "x"})).status_code == 204
        changed = await bench.client.patch(path, json={"Origin": "Phone"})
        assert changed.status_code == (400 if refused else 204)


async def test_a_required_field_may_not_be_in_a_permission_set_and_is_seen_without_one() -> None:
    files = {
        "package.xml": manifest(CustomField=["Lead.Must__c"], PermissionSet=["Ferry"]),
        "objects/Lead.object": case_fields(field("Must__c", more="<required>true</required>")),
        "permissionsets/Ferry.permissionset": permission_set("Lead.Must__c"),
    }
    async with opened() as bench:
        assert "You cannot deploy to a required field" in problems(await bench.deploy(files))
        del files["permissionsets/Ferry.permissionset"]
        files["package.xml"] = manifest(CustomField=["Lead.Must__c"])
        assert (await bench.deploy(files))["success"]
        assert (await bench.fields("Lead"))["Must__c"]["nillable"] is False


async def test_the_limits_of_the_edition_hold() -> None:
    names = [f"F{number}__c" for number in range(51)]
    files = {
        "package.xml": manifest(CustomField=[f"EmailMessage.{name}" for name in names]),
        "objects/EmailMessage.object": case_fields(*(field(name) for name in names)),
    }
    async with opened() as bench:
        assert "maximum number of custom fields" in problems(await bench.deploy(files))


async def test_manifest_and_files_must_agree() -> None:
    async with opened() as bench:
        named = {**OUR_FIELD, "package.xml": manifest(CustomField=["Case.Our__c", "Case.No__c"])}
        assert "was not found in zipped directory" in problems(await bench.deploy(named))
        extra = {**OUR_FIELD, "package.xml": manifest(CustomField=[])}
        assert "Not in package.xml" in problems(await bench.deploy(extra))
        empty = await bench.deploy({"x": "y"})
        assert (empty["status"], empty["errorMessage"]) == ("Failed", "No package.xml found")


async def test_deploying_the_same_twice_changes_nothing() -> None:
    async with opened() as bench:
        first = (await bench.deploy(OUR_FIELD))["details"]["componentSuccesses"]
        second = (await bench.deploy(OUR_FIELD))["details"]["componentSuccesses"]
    assert [(e["created"], e["changed"]) for e in first] == [(True, True)]
    assert [(e["created"], e["changed"]) for e in second] == [(False, False)]


async def test_a_change_of_access_is_seen_late_where_caches_lag() -> None:
    now = [1_000.0]
    org = Org(SalesforceSettings(bare=True, access_lag_s=5.0), clock=lambda: now[0])
    store = org.store
    store.schema.permission_sets["Ferry"] = {"Case.Our__c": True}
    given = store.seed("PermissionSet", {"Name": "Ferry", "Label": "Ferry"})
    store.seed("PermissionSetAssignment", {"AssigneeId": org.user_id, "PermissionSetId": given})
    store.access_changed()
    shown: list[bool] = []
    real = store.reshape
    store.reshape = lambda: (shown.append(True), real())[1]  # type: ignore[method-assign]
    store.catch_up()
    assert shown == []
    now[0] += 5.0
    store.catch_up()
    assert shown == [True]


async def test_queues_come_with_what_they_take_and_their_members() -> None:
    queue = (
        f"<Queue {XMLNS}><name>Billing</name><doesSendEmailToMembers>false</doesSendEmailToMembers>"
        "<queueSobject><sobjectType>Case</sobjectType></queueSobject><queueMembers><users>"
        "<user>agent0@acme.example.acme</user></users></queueMembers></Queue>"
    )
    files = {
        "package.xml": manifest(Queue=["Billing"]),
        "queues/Billing.queue": queue,
    }
    async with opened() as bench:
        for _ in range(2):
            assert (await bench.deploy(files))["success"]
        store = bench.org.store
        groups = [e for e in store.dump("Group") if e["DeveloperName"] == "Billing"]
        assert len(groups) == 1
        assert len([e for e in store.dump("GroupMember") if e["GroupId"] == groups[0]["Id"]]) == 1
        long = {**files, "queues/Billing.queue": queue.replace(">Billing<", f">{'B' * 41}<")}
        assert "too large" in problems(await bench.deploy(long))
        unknown = {**files, "queues/Billing.queue": queue.replace("agent0@", "nobody@")}
        assert "no User named" in problems(await bench.deploy(unknown))


async def test_a_field_is_removed_by_destructive_changes() -> None:
    going = manifest(CustomField=["Case.Our__c"])
    async with opened() as bench:
        await bench.deploy(OUR_FIELD)
        files = {"package.xml": manifest(), "destructiveChanges.xml": going}
        result = await bench.deploy(files)
        assert result["success"], problems(result)
        assert "Our__c" not in bench.org.store.schema.objects["Case"].known
        assert "found" in problems(await bench.deploy(files))
