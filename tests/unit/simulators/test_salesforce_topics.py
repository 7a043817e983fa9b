"""Topics, their assignments, and multi-select picklists of the stand-in (salesforce facts, 7.8, 7.10)."""

import pytest

from simulators.salesforce.definitions import FieldDef
from simulators.salesforce.ids import with_checksum
from simulators.salesforce.org import Org
from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.soql import SoqlError, run_query
from simulators.salesforce.store import Outcome, Store, WriteContext
from simulators.salesforce.values import checker

BULK = WriteContext("bulk", "750x")


def store_of(**settings: bool) -> Store:
    return Org(SalesforceSettings(accounts=(), **settings)).store  # type: ignore[arg-type]


def made(outcome: Outcome) -> str:
    assert outcome.success, outcome.errors
    return outcome.record_id


def code(outcome: Outcome) -> str:
    assert not outcome.success
    return outcome.errors[0].status_code


def tagged(store: Store, topics: int = 2) -> tuple[str, list[str]]:
    case = made(store.insert("Case", {"Subject": "a"}, BULK))
    found = [made(store.insert("Topic", {"Name": f"t{n}"}, BULK)) for n in range(topics)]
    for each in found:
        made(store.insert("TopicAssignment", {"TopicId": each, "EntityId": case}, BULK))
    return case, found


def test_a_topics_name_has_at_most_99_characters() -> None:
    store = store_of()
    assert code(store.insert("Topic", {"Name": "x" * 100}, BULK)) == "STRING_TOO_LONG"
    made(store.insert("Topic", {"Name": "x" * 99}, BULK))


def test_topics_and_assignments_need_their_permissions() -> None:
    store = store_of(topics=False)
    refused = "INSUFFICIENT_ACCESS_OR_READONLY"
    assert code(store.insert("Topic", {"Name": "x"}, BULK)) == refused
    topic = store.seed("Topic", {"Name": "x"})
    case = made(store.insert("Case", {"Subject": "a"}, BULK))
    values = {"TopicId": topic, "EntityId": case}
    assert code(store.insert("TopicAssignment", values, BULK)) == refused


def test_an_assignment_is_never_changed_and_is_gone_when_deleted() -> None:
    store = store_of()
    case, topics = tagged(store)
    first, _ = store.shelf("TopicAssignment").children("EntityId", case)
    change = {"Id": first, "TopicId": topics[1]}
    refused = code(store.update("TopicAssignment", change, BULK))
    assert refused == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    made(store.delete("TopicAssignment", first, BULK))
    soql = f"SELECT Id FROM TopicAssignment WHERE EntityId = '{case}'"
    assert run_query(store, soql, all_rows=True).total == 1


def test_a_record_has_at_most_100_topics() -> None:
    store = store_of()
    case, _ = tagged(store, 100)
    more = made(store.insert("Topic", {"Name": "one more"}, BULK))
    values = {"TopicId": more, "EntityId": case}
    assert code(store.insert("TopicAssignment", values, BULK)) == "LIMIT_EXCEEDED"


def test_without_view_all_data_assignments_are_asked_for_in_part_only() -> None:
    store = store_of(sees_all=False)
    case, _ = tagged(store)
    other = with_checksum("5005f0000000zzz")
    several = f"SELECT Id FROM TopicAssignment WHERE EntityId IN ('{case}','{other}')"
    assert run_query(store, f"{several} LIMIT 1100").total == 2
    assert run_query(store, f"SELECT Id FROM TopicAssignment WHERE EntityId = '{case}'").total == 2
    for refused in (several, f"{several} LIMIT 1101", "SELECT Id FROM TopicAssignment"):
        with pytest.raises(SoqlError, match="MALFORMED_QUERY"):
            run_query(store, refused)
    assert run_query(store_of(), "SELECT Id FROM TopicAssignment").total == 0


def test_a_multi_select_value_has_100_choices_and_4099_characters_at_most() -> None:
    check = checker(FieldDef("X__c", "multipicklist", 4099, "CUN", values=("a",)))
    assert check("b; a;b;;") == "b;a"
    hundred = [f"v{n}" for n in range(100)]
    assert check(";".join(hundred)) == ";".join(hundred)
    with pytest.raises(BadValue) as many:
        check(";".join([*hundred, "one more"]))
    assert many.value.error().status_code == "TOO_MANY_ENUM_VALUE"
    long = [f"{n:03}{'x' * 252}" for n in range(17)]
    with pytest.raises(BadValue) as wide:
        check(";".join(long))
    assert wide.value.error().status_code == "STRING_TOO_LONG"
    restricted = checker(FieldDef("X__c", "multipicklist", 4099, "CUNR", values=("a",)))
    with pytest.raises(BadValue) as unknown:
        restricted("a;b")
    assert unknown.value.error().status_code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_includes_finds_records_that_chose_all_of_one_set() -> None:
    store = store_of()
    field = FieldDef("Tags__c", "multipicklist", 4099, "CUN", values=("a", "b", "c"))
    store.schema.objects["Case"].known["Tags__c"] = field
    store.schema.show(())
    store.reshape()
    for chosen in ("a;b", "b", "c", None):
        store.seed("Case", {"Subject": str(chosen), "Tags__c": chosen})

    def found(condition: str) -> list[str]:
        soql = f"SELECT Subject FROM Case WHERE Tags__c {condition} ORDER BY Subject"
        return [row["Subject"] for row in run_query(store, soql).rows]

    assert found("INCLUDES ('B')") == ["a;b", "b"]
    assert found("INCLUDES ('a;b', 'c')") == ["a;b", "c"]
    assert found("EXCLUDES ('b')") == ["None", "c"]
    with pytest.raises(SoqlError, match="INVALID_FIELD"):
        run_query(store, "SELECT Id FROM Case WHERE Subject INCLUDES ('a')")
