"""What a write shows: in lists, by id, in searches behind the lag, in tombstones and the audit log."""

from typing import Any

import pytest

from simulators.kustomer.audit import AuditLog
from tests.unit.simulators.kustomer_desk import Client, desk

BEGUN = "2026-11-21T12:00:00.000Z"
Row = dict[str, Any]


async def ids(client: Client, kind: str, **body: Any) -> list[str]:
    """A sweep for ids alone: those of a kind that moved since the test began."""
    found: list[str] = []
    window = {f"{kind}_updated_at": {"gte": BEGUN}}
    page = 1
    while True:
        where = f"?idsOnly=true&pageSize=500&page={page}"
        reply = (await client.search(where, queryContext=kind, **{"and": window}, **body)).json()
        assert all(each.keys() == {"type", "id"} for each in reply["data"])
        found += [each["id"] for each in reply["data"]]
        if reply["links"]["next"] is None:
            return found
        page += 1


async def in_list(client: Client, plural: str, record_id: str) -> bool:
    path: str | None = f"/v1/{plural}?pageSize=100"
    while path:
        page = (await client.get(path)).json()
        if record_id in (each["id"] for each in page["data"]):
            return True
        path = page["links"]["next"]
    return False


async def status(client: Client, plural: str, record_id: str) -> int:
    return (await client.get(f"/v1/{plural}/{record_id}")).status_code


def parent(row: Row, name: str) -> str | None:
    relation = row["relationships"].get(name)
    found: str | None = relation["data"]["id"] if relation else None
    return found


async def held(client: Client, kind: str, record_id: str) -> Row:
    return next(row for row in await client.dump(kind) if row["id"] == record_id)


@pytest.mark.parametrize("kind", ["message", "note", "customer", "company", "conversation"])
async def test_a_new_record_is_in_lists_at_once_and_in_searches_after_the_lag(kind: str) -> None:
    plural = "companies" if kind == "company" else f"{kind}s"
    async with desk(index_lag_s=60) as client:
        await ids(client, kind)
        made = (await client.one(f"{kind}.create"))["id"]
        assert await in_list(client, plural, made)
        assert await status(client, plural, made) == 200
        assert await ids(client, kind) == []
        client.clock.now += 59.9
        assert await ids(client, kind) == []
        client.clock.now += 0.1
        assert await ids(client, kind) == [made]


@pytest.mark.parametrize("kind", ["note", "customer", "conversation"])
async def test_a_deleted_record_is_gone_everywhere_but_in_a_search_for_tombstones(
    kind: str,
) -> None:
    async with desk(index_lag_s=60) as client:
        gone = (await client.one(f"{kind}.delete"))["id"]
        assert not await in_list(client, f"{kind}s", gone)
        assert await status(client, f"{kind}s", gone) == 404
        # The index still has the record as it was, so nothing of it has moved yet.
        assert gone not in await ids(client, kind, includeDeleted=True)
        every = await client.search("?pageSize=500", queryContext=kind)
        stale = [each for each in every.json()["data"] if each["id"] == gone]
        assert all(not each["attributes"].get("deleted") for each in stale)
        client.clock.now += 60
        assert gone not in await ids(client, kind)
        assert gone in await ids(client, kind, includeDeleted=True)
        tombstone = await held(client, kind, gone)
        assert tombstone["attributes"]["deleted"] is True
        assert tombstone["attributes"]["deletedAt"] == BEGUN


@pytest.mark.parametrize("kind", ["note", "customer", "conversation", "message"])
async def test_what_is_deleted_for_good_leaves_no_tombstone_but_the_truth_knows(kind: str) -> None:
    async with desk() as client:
        gone = (await client.one(f"{kind}.hard_delete"))["id"]
        assert not await in_list(client, f"{kind}s", gone)
        assert await status(client, f"{kind}s", gone) == 404
        assert gone not in await ids(client, kind, includeDeleted=True)
        assert gone not in [row["id"] for row in await client.dump(kind)]
        told = await client.dump(kind, "&fates=true")
        assert {"type": kind, "id": gone, "gone": {"fate": "hard_deleted"}} in told


async def test_a_deleted_message_is_nowhere_and_its_conversation_counts_without_it() -> None:
    async with desk() as client:
        line = await client.one("message.delete")
        gone = await held(client, "message", line["id"])
        assert await status(client, "messages", gone["id"]) == 404
        assert gone["id"] not in await ids(client, "message", includeDeleted=True)
        talk = await held(client, "conversation", str(parent(gone, "conversation")))
        left = await client.data(f"/v1/conversations/{talk['id']}/messages")
        assert talk["attributes"]["messageCount"] == len(left)
        assert talk["attributes"]["updatedAt"] < BEGUN


async def test_a_deleted_conversation_takes_its_messages_and_notes_with_it() -> None:
    async with desk(messages=600, notes=400) as client:
        line = await client.one("conversation.delete")
        gone = {
            (each["kind"], each["id"]) for each in line["changed"] if each["change"] == "delete"
        }
        for kind in ("message", "note"):
            rows = [r for r in await client.dump(kind) if parent(r, "conversation") == line["id"]]
            assert rows
            assert {(kind, row["id"]) for row in rows} <= gone
            assert all(row["attributes"]["deleted"] for row in rows)


async def test_filters_for_deleted_find_tombstones_without_being_told_to_include_them() -> None:
    async with desk() as client:
        note = (await client.one("note.delete"))["id"]
        test = {"note_deleted": {"equals": True}}
        found = (await client.search(queryContext="note", **{"and": test})).json()["data"]
        assert note in [each["id"] for each in found]
        old = next(
            row
            for row in await client.dump("conversation")
            if row["attributes"]["updatedAt"] < "2024-11-01"
            and not row["attributes"].get("deleted")
        )
        # A tombstone that nothing touched for two years: the archive alone has it.
        dead = {**old, "attributes": {**old["attributes"], "deleted": True}}
        await client.admin("PUT", "records", dead)
        body = {"queryContext": "conversation", "and": {"conversation_deleted": {"equals": True}}}
        archived = await client.http.post("/v1/customers/archive/search", json=body)
        assert old["id"] in [each["id"] for each in archived.json()["data"]]


async def test_the_difference_of_two_sweeps_for_ids_is_what_was_deleted() -> None:
    async with desk() as client:
        before = {row["id"] for row in await client.dump("note")}
        deleted = {(await client.one("note.delete"))["id"] for _ in range(3)}
        deleted.add((await client.one("note.hard_delete"))["id"])
        window = {"note_created_at": {"gte": "2000-01-01"}}
        reply = await client.search("?idsOnly=true", queryContext="note", **{"and": window})
        listed = {row["id"] for row in await client.data("/v1/notes?pageSize=100")}
        assert before - listed == deleted
        assert not {each["id"] for each in reply.json()["data"]} & deleted


async def test_a_new_message_moves_its_conversation_and_shows_on_the_customer() -> None:
    async with desk() as client:
        before = {row["id"]: row for row in await client.dump("customer")}
        line = await client.one("message.create")
        message = await held(client, "message", line["id"])
        talk = await held(client, "conversation", str(parent(message, "conversation")))
        customer = await held(client, "customer", str(parent(message, "customer")))
        assert message["relationships"]["customer"]["data"]["type"] == "customers"
        assert parent(talk, "customer") == customer["id"]
        way = "In" if message["attributes"]["direction"] == "in" else "Out"
        moved = talk["attributes"]
        assert (moved["updatedAt"], moved["modifiedAt"]) == (BEGUN, BEGUN)
        assert moved[f"lastMessage{way}"]["id"] == message["id"]
        assert moved["lastMessageDirection"] == message["attributes"]["direction"]
        rows = await client.data(f"/v1/conversations/{talk['id']}/messages")
        assert moved["messageCount"] == len(rows)
        assert moved["inboundMessageCount"] + moved["outboundMessageCount"] == len(rows)
        shown, was = customer["attributes"], before[customer["id"]]["attributes"]
        assert shown["preview"]["text"] == message["attributes"]["preview"]
        assert (shown["updatedAt"], shown["modifiedAt"]) == (BEGUN, was["modifiedAt"])
        assert shown["rev"] == was["rev"] + 1


async def test_counts_stay_right_however_many_messages_come() -> None:
    async with desk() as client:
        await client.churn(burst=800, weights={"message.create": 6, "message.delete": 1})
        rows = [row for row in await client.dump("message") if not row["attributes"].get("deleted")]
        for talk in await client.dump("conversation"):
            held_now = [row for row in rows if parent(row, "conversation") == talk["id"]]
            if "inboundMessageCount" in talk["attributes"]:
                assert talk["attributes"]["messageCount"] == len(held_now)
                inward = sum(row["attributes"]["direction"] == "in" for row in held_now)
                assert talk["attributes"]["inboundMessageCount"] == inward


@pytest.mark.parametrize("kind", ["message.edit", "message.redact", "note.edit"])
async def test_an_edit_of_a_child_shows_on_the_child_alone(kind: str) -> None:
    async with desk() as client:
        before = await client.dump("conversation")
        line = await client.one(kind)
        child = await held(client, line["kind"], line["id"])
        assert child["attributes"]["updatedAt"] == child["attributes"]["modifiedAt"] == BEGUN
        assert await client.dump("conversation") == before
        if kind == "message.redact":
            assert child["attributes"]["redacted"] is True
            assert (child["attributes"]["preview"], child["attributes"]["meta"]) == ("", {})


@pytest.mark.parametrize("kind", ["customer", "conversation", "message"])
async def test_noise_moves_updated_at_and_rev_but_nothing_that_a_person_wrote(kind: str) -> None:
    async with desk() as client:
        before = {row["id"]: row for row in await client.dump(kind)}
        line = await client.one(f"{kind}.noise")
        row, was = await held(client, kind, line["id"]), before[line["id"]]
        assert row["attributes"]["updatedAt"] == BEGUN > was["attributes"]["updatedAt"]
        volatile = {"updatedAt", "rev", "activeUsers"}
        assert without(row["attributes"], volatile) == without(was["attributes"], volatile)
        assert row["relationships"] == was["relationships"]


def without(held_now: Row, names: set[str]) -> Row:
    return {name: value for name, value in held_now.items() if name not in names}


async def test_a_status_moves_its_history_and_the_customers_counters_without_their_time() -> None:
    async with desk() as client:
        before = {row["id"]: row for row in await client.dump("customer")}
        line = await client.one("conversation.status")
        talk = await held(client, "conversation", line["id"])
        assert talk["attributes"]["modificationHistory"] == {"statusAt": BEGUN}
        customer = await held(client, "customer", str(parent(talk, "customer")))
        was = before[customer["id"]]["attributes"]
        counts = customer["attributes"]["conversationCounts"]
        talks = await client.data(f"/v1/customers/{customer['id']}/conversations")
        assert counts["all"] == len(talks) == counts["open"] + counts["done"] + counts["snoozed"]
        assert customer["attributes"]["updatedAt"] == was["updatedAt"]


async def test_merged_customers_leave_children_counts_and_the_oldest_creation_with_the_survivor() -> (
    None
):
    async with desk() as client:
        before = {row["id"]: row["attributes"] for row in await client.dump("customer")}
        line = await client.one("customer.merge")
        source, target = line["id"], line["into"]
        survivor = (await held(client, "customer", target))["attributes"]
        assert survivor["createdAt"] == min(
            before[source]["createdAt"], before[target]["createdAt"]
        )
        assert survivor["name"] == before[target]["name"]
        assert await client.data(f"/v1/customers/{target}/conversations") == [
            row
            for row in await client.dump("conversation")
            if parent(row, "customer") == target and not row["attributes"].get("deleted")
        ]
        for kind in ("conversation", "message", "note", "kobject"):
            left = [row for row in await client.dump(kind) if parent(row, "customer") == source]
            assert all(row["attributes"].get("deleted") for row in left)
        for side in (source, target):
            merges = await client.data(f"/v1/customers/{side}/merges")
            assert [(parent(m, "source"), parent(m, "target")) for m in merges] == [
                (source, target)
            ]
        told = {row["id"]: row.get("gone") for row in await client.dump("customer", "&fates=true")}
        assert told[source] == {"fate": "merged", "into": target}
        assert told[target] is None


async def test_merged_conversations_move_their_messages_with_the_times_they_had() -> None:
    async with desk(customers=20, messages=900) as client:
        rows = {row["id"]: row for row in await client.dump("message")}
        line = await client.one("conversation.merge")
        moved = {each["id"] for each in line["moved"] if each["kind"] == "message"}
        assert moved
        for row in await client.dump("message"):
            if row["id"] in moved:
                was = rows[row["id"]]["attributes"]
                assert parent(row, "conversation") == line["into"]
                for name in ("createdAt", "sentAt"):
                    assert row["attributes"].get(name) == was.get(name)
                assert row["attributes"]["updatedAt"] == BEGUN
        survivor = (await held(client, "conversation", line["into"]))["attributes"]
        listed = await client.data(f"/v1/conversations/{line['into']}/messages")
        assert survivor["mergedTarget"] is True
        assert survivor["messageCount"] == len(listed)
        assert await status(client, "conversations", line["id"]) == 404


async def test_children_that_a_merge_moves_can_keep_even_their_updated_at() -> None:
    async with desk(customers=20, messages=900, moved_keep_times=True) as client:
        line = await client.one("conversation.merge")
        moved = {each["id"] for each in line["moved"] if each["kind"] == "message"}
        rows = [row for row in await client.dump("message") if row["id"] in moved]
        assert rows
        assert all(row["attributes"]["updatedAt"] < BEGUN for row in rows)


async def test_a_read_of_a_merged_record_gives_what_the_setting_says() -> None:
    async with desk() as client:
        line = await client.one("customer.merge")
        path = f"/v1/customers/{line['id']}"
        assert (await client.get(path)).status_code == 404
        await client.admin("POST", "settings", {"gone_reads": "tombstone"})
        assert (await client.data(path))["attributes"]["deleted"] is True
        await client.admin("POST", "settings", {"gone_reads": "survivor"})
        assert (await client.data(path))["id"] == line["into"]
        deleted = (await client.one("customer.delete"))["id"]
        assert await status(client, "customers", deleted) == 404


async def test_ids_alone_come_in_the_form_that_the_setting_says() -> None:
    async with desk() as client:
        full = (await client.search("?pageSize=3", queryContext="message")).json()["data"]
        ids = [each["id"] for each in full]
        wanted = {
            "objects": [{"type": "message", "id": each} for each in ids],
            "bare": ids,
            "ignored": full,
        }
        for form, shown in wanted.items():
            await client.admin("POST", "settings", {"ids_only": form})
            reply = await client.search("?idsOnly=true&pageSize=3", queryContext="message")
            assert reply.json()["data"] == shown, form


async def test_search_shows_tombstones_of_the_kinds_that_the_setting_names() -> None:
    async with desk() as client:
        gone = (await client.one("message.delete"))["id"]
        talk = (await client.one("conversation.delete"))["id"]

        async def shown(kind: str, record_id: str) -> bool:
            reply = await client.search(
                "?idsOnly=true&pageSize=500", queryContext=kind, includeDeleted=True
            )
            return record_id in {each["id"] for each in reply.json()["data"]}

        assert (await shown("message", gone), await shown("conversation", talk)) == (False, True)
        await client.admin("POST", "settings", {"tombstones": ["message"]})
        assert (await shown("message", gone), await shown("conversation", talk)) == (True, False)


async def test_the_audit_log_tells_of_the_deletions_that_the_setting_says() -> None:
    async with desk() as client:
        for setting, seen in (("none", 0), ("soft", 1), ("all", 3)):
            await client.admin("POST", "settings", {"audit_deletions": setting})
            await client.one("message.delete")
            await client.one("message.hard_delete")
            told = await client.data("/v1/audit-logs?count=1000&filter[objectType]=message")
            deleted = [each for each in told if each["attributes"]["eventVerb"] == "delete"]
            assert len(deleted) == seen, setting


async def test_a_merged_or_deleted_record_cannot_be_merged_or_deleted_again() -> None:
    async with desk() as client:
        line = await client.one("customer.merge")
        again = {"kind": "customer", "source": line["id"], "target": line["into"]}
        assert (await client.admin("POST", "merge", again)).status_code == 404
        assert (await client.admin("DELETE", f"records/customer/{line['id']}")).status_code == 404
        assert len(await client.truth()) == 1


async def test_a_conversation_given_to_another_customer_takes_its_messages_along() -> None:
    async with desk(messages=600, notes=300) as client:
        line = await client.one("conversation.relink")
        own = next(each for each in line["moved"] if each["id"] == line["id"])
        assert own["parent"] == "customer"
        assert own["from"] != own["to"]
        for kind in ("message", "note"):
            for row in await client.dump(kind):
                if parent(row, "conversation") == line["id"] and not row["attributes"].get(
                    "deleted"
                ):
                    assert parent(row, "customer") == own["to"]
        talks = await client.data(f"/v1/customers/{own['to']}/conversations")
        assert line["id"] in [row["id"] for row in talks]
        owner = (await held(client, "customer", str(own["to"])))["attributes"]
        assert owner["conversationCounts"]["all"] == len(talks)


async def test_a_customers_company_is_changed_or_taken_away() -> None:
    async with desk() as client:
        line = await client.one("customer.relink")
        (move,) = line["moved"]
        assert parent(await held(client, "customer", line["id"]), "company") == move["to"]
        line = await client.one("customer.unlink")
        (move,) = line["moved"]
        assert move["to"] is None
        assert move["from"]
        assert "company" not in (await client.data(f"/v1/customers/{line['id']}"))["relationships"]


async def test_the_audit_log_tells_edits_merges_and_deletions_newest_first() -> None:
    async with desk() as client:
        edited = await client.one("conversation.priority")
        deleted = await client.one("conversation.delete")
        merged = await client.one("customer.merge")
        await client.one("customer.noise")
        reply = (await client.get("/v1/audit-logs")).json()
        entries = [each["attributes"] for each in reply["data"]]
        told = [(each["objectType"], each["eventVerb"], each["objectId"]) for each in entries]
        assert ("customer", "merge", merged["into"]) in told
        assert ("customer", "delete", merged["id"]) in told
        assert told[-1] == ("conversation", "update", edited["id"])
        assert ("conversation", "delete", deleted["id"]) in told
        change = entries[-1]["changes"]["attributes"]["priority"]
        assert change["op"] == "replace"
        assert change["before"] != change["after"]
        merge = next(each for each in entries if each["eventVerb"] == "merge")
        ends = merge["changes"]["relationships"]
        assert (ends["source"]["after"], ends["target"]["after"]) == (merged["id"], merged["into"])
        assert reply["meta"]["total"] == len(told)
        only = await client.data("/v1/audit-logs?filter[objectType]=conversation")
        assert {each["attributes"]["objectType"] for each in only} == {"conversation"}
        later = await client.data(f"/v1/audit-logs?filter[start]={BEGUN[:-1]}%2B00:00")
        assert len(later) == len(told)
        assert await client.data(f"/v1/audit-logs?filter[end]={BEGUN}") == []


async def test_the_audit_log_is_paged_by_cursor_both_ways() -> None:
    async with desk() as client:
        await client.churn(burst=25, weights={"conversation.priority": 1})
        whole = [each["id"] for each in await client.data("/v1/audit-logs?count=1000")]
        assert len(whole) == 25
        seen: list[str] = []
        path: str | None = "/v1/audit-logs?count=10"
        while path:
            page = (await client.get(path)).json()
            assert page["meta"]["count"] == 10
            seen += [each["id"] for each in page["data"]]
            path, back = page["links"]["next"], page["links"]["prev"]
        assert seen == whole
        assert [each["id"] for each in await client.data(str(back))] == whole[10:20]


def test_audit_entries_expire_after_ninety_days_or_a_year() -> None:
    log = AuditLog()
    log.note("1", "conversation", "c", "update", at=0)
    log.note("2", "message", "m", "create", at=0)
    log.note("3", "note", "n", "update", at=0)
    log.note("4", "customer", "u", "create", at=0)
    day = 86_400_000
    assert [each.id for each in log.found({}, 1)] == ["2", "1"]
    assert [each.id for each in log.found({}, 91 * day)] == ["2"]
    assert log.found({}, 366 * day) == []


async def test_a_key_without_the_role_reads_no_audit_log() -> None:
    async with desk(missing_roles=frozenset(("audit_logs",))) as client:
        assert (await client.get("/v1/audit-logs")).status_code == 403


async def test_lists_read_to_the_end_show_what_lives_when_churn_has_stopped() -> None:
    async with desk() as client:
        await client.churn(burst=1500)
        for kind in ("customer", "conversation", "message", "note"):
            path: str | None = f"/v1/{kind}s?pageSize=100"
            seen: list[Row] = []
            while path:
                page = (await client.get(path)).json()
                seen, path = seen + page["data"], page["links"]["next"]
            rows = await client.dump(kind, "&fates=true")
            assert seen == [row for row in rows if "gone" not in row]
            window = {f"{kind}_created_at": {"gte": "2024-12-01"}}
            found: set[str] = set()
            for number in range(1, 20):
                where = f"?idsOnly=true&pageSize=500&page={number}"
                reply = await client.search(where, queryContext=kind, **{"and": window})
                found |= {each["id"] for each in reply.json()["data"]}
            recent = {row["id"] for row in seen if row["attributes"]["createdAt"] >= "2024-12-01"}
            assert found == recent
