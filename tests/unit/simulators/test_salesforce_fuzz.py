"""Whatever is sent over REST is answered in due form, and the indexes stay true to the records."""

from random import Random
from typing import Any

import orjson
import pytest

from simulators.salesforce.calls import Call
from simulators.salesforce.desk import Desk
from simulators.salesforce.org import Org
from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.soql import run_query
from simulators.salesforce.store import Store

VERSION = "v62.0"
PLAIN: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e300, "", "x", "é" * 300, "a@b.example", "2020-01-01T00:00:00Z",
    "2020-01-01", "true", "nan", "\x00", "0", "3", "Queue", "eA==", [], ["x"], {},
    {"Kustomer_Id__c": "k"},
    {"attributes": {"type": "Account"}, "Kustomer_Id__c": "k"}, {"attributes": []}, {"Email": {}}, "k",
)  # fmt: skip


class Sender:
    """Makes up calls, of a seed."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._random = Random(seed)

    def call(self) -> Call:
        pick = self._random.choice
        each = pick(list(self._store.schema.objects.values()))
        body, path = self._body(each), f"sobjects/{each.name}"
        ids = list(self._store.shelf(each.name).records) or ["x"]
        record = {**body, "attributes": {"type": each.name}}
        many = {"allOrNone": pick([True, False]), "records": [record] * self._random.randint(1, 3)}
        key = pick(["Id", "Kustomer_Id__c", "Name", "Email"])
        parts = [
            {"referenceId": "a", "method": "POST", "url": f"v/{path}", "body": body},
            {"referenceId": "b", "method": "PATCH", "url": f"v/{path}/@{{a.id}}", "body": body},
        ]
        for part in parts:
            part["url"] = str(part["url"]).replace("v/", f"/services/data/{VERSION}/")
        whole = {"allOrNone": pick([True, False]), "compositeRequest": parts}
        method, where, sent = pick(
            [
                ("POST", path, body),
                ("POST", path, body),
                ("PATCH", f"{path}/{pick(ids)}", body),
                ("DELETE", f"{path}/{pick(ids)}", None),
                ("GET", f"{path}/{pick(ids)}", None),
                ("POST", "composite/sobjects", many),
                ("PATCH", "composite/sobjects", many),
                ("PATCH", f"composite/sobjects/{each.name}/{key}", many),
                ("POST", "composite", whole),
            ]
        )
        return Call(method, where, VERSION, body=sent)

    def _body(self, each: ObjectDef) -> dict[str, Any]:
        pick = self._random.choice
        relations = [known.relation for known in each.fields.values() if known.relation]
        columns = [*each.fields, *relations, "Nope", "id", "a.b", "Account.Kustomer_Id__c"]
        body = {pick(columns): self._value() for _ in range(self._random.randint(0, 5))}
        for name in each.required:
            known = each.fields[name]
            ids = [i for target in known.targets for i in self._store.shelf(target).records]
            sound = pick(ids or ["x"]) if known.targets else pick(known.values or ("k", "l"))
            body.setdefault(name, sound)
        return body

    def _value(self) -> Any:
        shelf = self._store.shelf(self._random.choice(list(self._store.schema.objects)))
        ids = list(shelf.records)[:5] or ["x"]
        return self._random.choice(
            [*PLAIN, self._random.choice(ids), self._random.choice(ids)[:15]]
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_call_is_answered_and_the_indexes_stay_true(seed: int) -> None:
    org = Org(SalesforceSettings(users=3, teams=2))
    desk, sender = Desk(org), Sender(org.store, seed)
    seen = set()
    for _ in range(1500):
        answer = desk.answer(sender.call())
        assert answer.status < 500
        if answer.body is not None:
            orjson.dumps(answer.body)
        seen.add(answer.status)
    assert {200, 201, 204, 400, 404} <= seen
    for name, each in org.store.schema.objects.items():
        if name != "ContentDocumentLink":
            _compare(org.store, each)


def _compare(store: Store, each: ObjectDef) -> None:
    """Every key and every parent finds exactly the records that carry it."""
    rows = list(store.dump(each.name))
    for column in each.unique:
        for row in rows:
            if row.get(column) and not row["IsDeleted"]:
                assert store.unique_id(each.name, column, row[column]) == row["Id"]
    for column in each.parents:
        for parent in {row[column] for row in rows if row.get(column)}:
            soql = f"SELECT Id FROM {each.name} WHERE {column} = '{parent}'"
            found = {row["Id"] for row in run_query(store, soql, all_rows=True).rows}
            assert found == {row["Id"] for row in rows if row.get(column) == parent}
