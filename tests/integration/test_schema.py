"""`schema deploy` against the Salesforce stand-in: what an org lacks, has in another way, or refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.salesforce.deploy import ComponentResult, Deployment
from service.schema.deploy import SchemaDeployment
from service.schema.errors import SchemaImpossible, SchemaNotVisible
from service.schema.made import made_so_far
from tests.integration.schema_desk import SchemaDesk, schema_desk
from tests.unit.simulators.metadata_packages import (
    XMLNS,
    case_fields,
    field,
    manifest,
    permission_set,
    picklist,
)
from tests.unit.transforms.schema_samples import TEXT

MORE = """\
        create:
          Kustomer_Tags__c: {type: MultiselectPicklist, values: [a, "b & <c>", "größer"]}
          Kustomer_Paid__c: {type: Checkbox}
          Kustomer_Day__c: {type: Date}
          Kustomer_Mail__c: {type: Email}
          Kustomer_Phone__c: {type: Phone}
          Kustomer_Page__c: {type: Url}
          Kustomer_Area__c: {type: TextArea}
"""
ALL_TYPES = TEXT.replace("        create:\n", MORE, 1).replace(
    "        fields:\n",
    "        fields:\n"
    + "".join(
        f"          Kustomer_{name}__c: {{source: attributes.x}}\n"
        for name in ("Tags", "Paid", "Day", "Mail", "Phone", "Page", "Area")
    ),
    1,
)


async def shape(desk: SchemaDesk) -> dict[str, Any]:
    """All fields of all objects that the map names, values and all."""
    found: dict[str, Any] = {}
    for name in ("Case", "Order__c", "Item__c"):
        known = desk.org.store.schema.objects.get(name)
        found[name] = sorted(known.known) if known else None
    case = await desk.salesforce.describe("Case")
    return {**found, "Status": sorted(case.fields["Status"].picklist)}


async def test_objects_and_fields_of_every_type_arrive_are_proven_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async with schema_desk(tmp_path) as desk:
        desk.write_map(ALL_TYPES)
        before = await shape(desk)
        checked = await desk.deploy(check_only=True)
        assert (checked.exit_code, checked.deployed, list(checked.failures)) == (0, None, [])
        assert await shape(desk) == before
        done = await desk.deploy()
        assert (list(done.failures), done.assigned, done.proven) == ([], True, True)
        item = await desk.salesforce.describe("Item__c")
        assert item.createable
        assert not item.fields["Order__c"].nillable
        case = await desk.salesforce.describe("Case")
        assert case.fields["Kustomer_Tags__c"].picklist == ("a", "b & <c>", "größer")
        assert set(case.fields["Status"].picklist) >= {"New", "Closed", "Open", "Done"}
        sent = desk.sent("POST", "/deployRequest")
        again = await desk.deploy()
        assert (again.nothing_to_do, again.deployed, again.proven) == (True, None, True)
        assert desk.sent("POST", "/deployRequest") == sent
        assert (await desk.deploy_files(desk.files("removal"))).success
        assert await shape(desk) == before


async def test_the_whole_source_deploys_elsewhere_as_it_lies_there(tmp_path: Path) -> None:
    async with schema_desk(tmp_path) as desk:
        desk.write_map(ALL_TYPES)
        await desk.deploy()
        await desk.plan()
        assert desk.files("deploy") == {}
        source = desk.files("source")
        assert all(
            path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "schema").rglob("*.xml")
        )
    async with schema_desk(tmp_path / "other") as other:
        assert (await other.deploy_files(source)).success
        other.write_map(ALL_TYPES)
        plan = (await other.plan()).plan
        assert (plan.fields, plan.values, plan.impossible) == ((), (), ())
        assert (await other.deploy()).proven


async def test_what_someone_made_of_our_fields_stays_when_they_grow(tmp_path: Path) -> None:
    small = field("Kustomer_Raw__c", "LongTextArea").replace(">5000<", ">300<")
    files = {
        "package.xml": manifest(CustomField=["Case.Kustomer_Raw__c", "Case.Kustomer_Mood__c"]),
        "objects/Case.object": case_fields(
            small.replace("<label>Kustomer_Raw__c", "<label>Roh"),
            picklist("Kustomer_Mood__c", ["good", "theirs"]),
        ),
    }
    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        assert (await desk.deploy_files(files)).success
        plan = (await desk.plan()).plan
        assert [each.wanted.name for each in plan.changes] == ["Kustomer_Raw__c"]
        assert [each.values for each in plan.values if each.value_set is None] == [("bad & ugly",)]
        assert (await desk.deploy()).proven
        known = desk.org.store.schema.objects["Case"].known
        assert (known["Kustomer_Raw__c"].label, known["Kustomer_Raw__c"].length) == ("Roh", 5_000)
        assert known["Kustomer_Mood__c"].values == ("good", "theirs", "bad & ugly")
        made = await made_so_far(desk.ledger)
        assert "Case.Kustomer_Id__c" in made.components["CustomField"]
        assert "Case.Kustomer_Raw__c" not in made.components["CustomField"]


async def test_record_types_admit_the_new_values(tmp_path: Path) -> None:
    process = (
        "<businessProcesses><fullName>Desk</fullName><isActive>true</isActive><values>"
        "<fullName>New</fullName><default>true</default></values></businessProcesses>"
    )
    support = (
        "<recordTypes><fullName>Support</fullName><active>true</active><label>Support</label>"
        "<businessProcess>Desk</businessProcess></recordTypes>"
    )
    files = {
        "package.xml": manifest(BusinessProcess=["Case.Desk"], RecordType=["Case.Support"]),
        "objects/Case.object": case_fields(process, support),
    }
    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        assert (await desk.deploy_files(files)).success
        assert (await desk.deploy()).proven
        case = desk.org.store.schema.objects["Case"]
        assert dict(case.record_types["Support"].values) == {
            "Kustomer_Mood__c": ("good", "bad & ugly")
        }
        process = case.sources["BusinessProcess", "Desk"]
        assert [value in process for value in ("New", "Open", "Done")] == [True] * 3


async def test_an_edition_that_is_too_small_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    fields = "".join(f"          F{n}__c: {{type: Checkbox}}\n" for n in range(100))
    filled = "".join(f"          F{n}__c: {{source: attributes.x}}\n" for n in range(100))
    text = TEXT.replace("        create:\n", f"        create:\n{fields}", 1)
    async with schema_desk(tmp_path, edition="Professional Edition") as desk:
        desk.write_map(text.replace("        fields:\n", f"        fields:\n{filled}", 1))
        with pytest.raises(SchemaImpossible, match="105 custom fields; 100 are allowed"):
            await desk.deploy()
        assert desk.sent("POST", "/deployRequest") == 0


async def test_a_component_that_fails_is_explained_and_nothing_is_changed(tmp_path: Path) -> None:
    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        known = desk.org.store.schema.objects["Lead"]
        del desk.org.store.schema.objects["Lead"]  # the org hides what a lookup leads to
        before = sorted(desk.org.store.schema.objects["Case"].known)
        refused = await desk.deploy()
        assert refused.exit_code == 6
        (failure,) = [each for each in refused.failures if each.component == "CustomField"]
        assert failure.name == "Case.Kustomer_Lead__c"
        assert "does not resolve" in failure.why
        assert sorted(desk.org.store.schema.objects["Case"].known) == before
        assert (await made_so_far(desk.ledger)).components == {}
        desk.org.store.schema.objects["Lead"] = known


async def test_a_deployment_that_fails_after_its_check_is_told_and_nothing_of_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: SchemaDeployment, content: bytes, check: Deployment) -> Deployment:
        bad = ComponentResult("CustomField", "Case.Kustomer_Id__c", "", "maximum number reached")
        return replace(check, id="0Af2", status="Failed", success=False, failures=(bad,))

    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        monkeypatch.setattr(SchemaDeployment, "_deploy", fails)
        failed = await desk.deploy()
        assert (failed.exit_code, failed.deployed, failed.proven) == (6, "0Af2", False)
        assert "limit of the org" in failed.failures[0].next_step
        assert (await made_so_far(desk.ledger)).components == {}
        monkeypatch.undo()
        assert (await desk.deploy()).proven


async def test_a_field_that_nobody_sees_and_has_another_type_is_found_before(
    tmp_path: Path,
) -> None:
    files = {
        "package.xml": manifest(CustomField=["Case.Kustomer_Id__c"]),
        "objects/Case.object": case_fields(field("Kustomer_Id__c", "Number")),
    }
    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        assert (await desk.deploy_files(files)).success
        with pytest.raises(SchemaImpossible, match="It is there as double; the map needs Text"):
            await desk.deploy()


async def test_lost_replies_at_every_call_with_an_effect_deploy_it_once(tmp_path: Path) -> None:
    lost: list[str] = []

    def meddle(request: httpx.Request) -> Exception | None:
        what = f"{request.method} {request.url.path} {b'checkOnly' in request.content}"
        effects = ("/deployRequest", "/PermissionSetAssignment")
        if request.method == "POST" and request.url.path.endswith(effects) and what not in lost:
            lost.append(what)
            return httpx.ReadError("peer closed connection")
        return None

    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        desk.line.meddle = meddle
        done = await desk.deploy()
        assert (list(done.failures), done.proven) == ([], True)
        assert len(lost) == 3
        assigned = desk.org.store.dump("PermissionSetAssignment")
        assert len(list(assigned)) == 1


async def test_what_never_becomes_visible_is_said_after_minutes(tmp_path: Path) -> None:
    async with schema_desk(tmp_path, access_lag_s=1e9) as desk:
        desk.write_map(TEXT)
        with pytest.raises(SchemaNotVisible, match=r"Case.Kustomer_Id__c") as caught:
            await desk.deploy()
        assert "permission set Deskferry" in caught.value.next_step
        assert 180 <= desk.clock.passed < 300


async def test_a_set_that_lost_a_field_is_deployed_again_whole(tmp_path: Path) -> None:
    less = {
        "package.xml": manifest(PermissionSet=["Deskferry"]),
        "permissionsets/Deskferry.permissionset": permission_set("Case.Kustomer_Id__c"),
    }
    async with schema_desk(tmp_path) as desk:
        desk.write_map(TEXT)
        await desk.deploy()
        assert (await desk.deploy_files(less)).success
        plan = (await desk.plan()).plan
        assert "Case.Kustomer_Raw__c" in plan.new_access
        assert plan.fields == ()
        again = await desk.deploy()
        assert (again.assigned, again.proven) == (False, True)
        assert XMLNS in desk.files("source")["permissionsets/Deskferry.permissionset"]
