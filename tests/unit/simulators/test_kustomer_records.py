from urllib.parse import quote, urlsplit

import httpx

from tests.unit.simulators.kustomer_desk import desk


async def test_a_record_is_the_same_by_id_and_in_a_list() -> None:
    async with desk() as client:
        row = (await client.dump("conversation"))[0]
        assert await client.data(f"/v1/conversations/{row['id']}") == row
        assert (await client.get("/v1/conversations/66f0a1b2c3d4e5f601020304")).status_code == 404


async def test_several_come_by_a_comma_list_where_the_api_has_it() -> None:
    async with desk() as client:
        ids = [row["id"] for row in (await client.data("/v1/conversations?pageSize=3"))]
        rows = await client.data(f"/v1/conversations/{','.join(ids)}")
        assert [row["id"] for row in rows] == ids
        notes = [row["id"] for row in (await client.data("/v1/notes?pageSize=2"))]
        assert (await client.get(f"/v1/notes/{','.join(notes)}")).status_code == 404


async def test_records_are_found_by_what_they_are_known_by() -> None:
    async with desk() as client:
        customer = await client.data("/v1/customers/email=c1%40example.test")
        phone = customer["attributes"]["phones"][0]["phone"]
        assert await client.data(f"/v1/customers/phone={quote(phone)}") == customer
        message = next(x for x in await client.dump("message") if x["attributes"].get("externalId"))
        known = quote(message["attributes"]["externalId"], safe="")
        assert await client.data(f"/v1/messages/externalid={known}") == message
        assert (await client.get(f"/v1/messages/externalId={known}")).status_code == 404


async def test_a_deleted_record_is_not_found_though_search_can_show_it() -> None:
    async with desk() as client:
        row = (await client.dump("conversation"))[-1]
        assert (
            await client.admin("DELETE", f"records/conversation/{row['id']}")
        ).status_code == 204
        assert (await client.get(f"/v1/conversations/{row['id']}")).status_code == 404
        assert (await client.get(f"/v1/conversations/{row['id']}/messages")).status_code == 404
        body = {
            "queryContext": "conversation",
            "and": {"conversation_updated_at": {"gte": "2026-11-21"}},
        }
        assert (await client.search(**body)).json()["data"] == []
        found = (await client.search(**body, includeDeleted=True)).json()["data"]
        assert [each["id"] for each in found] == [row["id"]]
        assert found[0]["attributes"]["deleted"] is True


async def test_the_key_the_org_and_its_domain_say_who_they_are() -> None:
    async with desk() as client:
        assert (await client.data("/v1/users/current"))["attributes"]["userType"] == "machine"
        assert (await client.data("/v1/auth/tokens/current"))["type"] == "token"
        org = await client.data("/v1/orgs/current")
        assert org == await client.data(f"/v1/orgs/{org['id']}")
        client.http.headers.pop("authorization")
        domain = await client.get("/v1/domains/acme")
        assert domain.json()["data"]["attributes"]["orgId"] == org["id"]
        assert "x-ratelimit-limit" not in domain.headers


async def test_metadata_names_each_custom_attribute_and_those_of_custom_objects() -> None:
    async with desk() as client:
        for name in ("customer", "conversation", "kobject.order"):
            properties = (await client.data(f"/v1/metadata/{name}"))["attributes"]["properties"]
            suffixes = ("Str", "Num", "At", "Bool", "Txt", "Url", "Tree", "Id")
            assert all(any(each.endswith(x) for each in properties) for x in suffixes)
        assert (await client.get("/v1/metadata/spaceship")).status_code == 404


async def test_a_signed_address_gives_the_bytes_for_ten_minutes_and_only_without_the_key() -> None:
    async with desk(messages=600) as client:
        page = (await client.get("/v1/messages?include=attachments")).json()
        link = next(x for x in page["included"] if x["attributes"]["contentLength"] > 40)["links"][
            "self"
        ]
        signed = (await client.data(link))["links"]["related"]
        assert (await client.get(signed)).status_code == 400
        bare = httpx.AsyncClient(transport=client.http._transport)
        first, again = await bare.get(signed), await bare.get(signed)
        assert first.status_code == 200
        assert first.content == again.content
        assert len(first.content) == int(first.headers["content-length"]) > 40
        assert (await bare.get(signed.replace("Signature=", "Signature=0"))).status_code == 403
        client.clock.now += 601
        assert (await bare.get(signed)).status_code == 403


async def test_all_files_of_a_conversation_come_signed_and_without_ids() -> None:
    async with desk(messages=600) as client:
        held = (await client.dump("attachment"))[0]
        message_id = held["relationships"]["message"]["data"]["id"]
        message = await client.data(f"/v1/messages/{message_id}")
        conversation = message["relationships"]["conversation"]["data"]["id"]
        files = await client.data(f"/v1/conversations/{conversation}/attachments")
        assert held["links"]["self"] in {each["links"]["self"] for each in files}
        assert not any("id" in each for each in files)
        assert all(
            urlsplit(each["links"]["related"]).path.startswith("/__files/") for each in files
        )
        outbound = message["attributes"]["direction"] == "out"
        status = (await client.get(f"/v1/attachments/{held['id']}")).status_code
        assert status == (200 if outbound else 404)
