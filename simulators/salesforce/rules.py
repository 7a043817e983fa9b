"""What the platform does by itself with the rows of certain objects (facts, section 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.salesforce.outcomes import BadValue, Outcome, WriteContext
from simulators.salesforce.shelves import Record

if TYPE_CHECKING:
    from simulators.salesforce.store import Store

Changes = dict[str, Any]
_DRAFT = "5"  # the status of an e-mail that is being written (facts, 7.2)
_MOST_TOPICS = 100  # topics of one record (facts, 7.8)


def _nothing(*_: Any) -> None:
    """Most objects have no such rule."""


def _refuse_again(values: Record, held: str) -> Outcome:
    text = f"duplicate value found: <unknown> duplicates value on record with id: {held}"
    raise BadValue("DUPLICATE_VALUE", text)


def _same_again(values: Record, held: str) -> Outcome:
    """Making a membership again gives the one that is there (facts, 7.6)."""
    return Outcome(held, created=True)


@dataclass(frozen=True)
class Rules:
    """The rules of one object.

    `complete` fills in a new record; `change` refuses changes (raises `BadValue`) or adds to them;
    `after` follows an insert or update, within the same transaction, but only one that sets some
    of `after_columns` if there are any; `again` answers an insert of
    a natural key that is there already; `remove` refuses a delete, `removed` follows one.
    """

    complete: Callable[["Store", Record], None] = _nothing
    change: Callable[["Store", Record, Changes], None] = _nothing
    after: Callable[["Store", Record, WriteContext], None] | None = None
    after_columns: frozenset[str] = frozenset()
    again: Callable[[Record, str], Outcome] = _refuse_again
    remove: Callable[["Store", Record], None] = _nothing
    removed: Callable[["Store", Record], None] = _nothing


def _name_person(store: "Store", record: Record) -> None:
    parts = (record.get("FirstName"), record.get("LastName"))
    record["Name"] = " ".join(part for part in parts if part)


def _rename_person(store: "Store", record: Record, changes: Changes) -> None:
    if "FirstName" in changes or "LastName" in changes:
        whole = {**record, **changes}
        _name_person(store, whole)
        changes["Name"] = whole["Name"]


def _is_person(store: "Store", record: Record) -> bool:
    kind = record.get("RecordTypeId")
    found = store.shelf("RecordType").find(str(kind)) if kind else None
    return bool(found and found["IsPersonType"])


def _complete_account(store: "Store", record: Record) -> None:
    """A person by its record type has a last name and no other (facts, 7.5)."""
    if "RecordType" not in store.schema.objects:
        return
    person = _is_person(store, record)
    needed, barred = ("LastName", "Name") if person else ("Name", "LastName")
    if record.get(barred):
        text = f"Unable to create/update fields: {barred}."
        raise BadValue("INVALID_FIELD_FOR_INSERT_UPDATE", text, barred)
    if not record.get(needed):
        text = f"Required fields are missing: [{needed}]"
        raise BadValue("REQUIRED_FIELD_MISSING", text, needed)
    record["IsPersonAccount"] = person
    if person:
        _name_person(store, record)


def _change_account(store: "Store", record: Record, changes: Changes) -> None:
    if record.get("IsPersonAccount"):
        _rename_person(store, record, changes)


def _complete_lead(store: "Store", record: Record) -> None:
    _name_person(store, record)
    record["Status"] = record.get("Status") or "Open - Not Contacted"


def _change_lead(store: "Store", record: Record, changes: Changes) -> None:
    """A converted Lead can no longer be changed."""
    if record.get("IsConverted"):
        raise BadValue("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    _rename_person(store, record, changes)


def _closing(store: "Store") -> set[str]:
    """The statuses that close a case, as the org has them now."""
    statuses = store.shelf("CaseStatus").records.values()
    return {each["ApiName"] for each in statuses if each["IsClosed"] and not each["IsDeleted"]}


def _complete_case(store: "Store", record: Record) -> None:
    record["CaseNumber"] = f"{next(store.case_numbers):08d}"
    record["Status"] = record.get("Status") or "New"
    record["Priority"] = record.get("Priority") or "Medium"
    record["IsClosed"] = record["Status"] in _closing(store)
    record["ClosedDate"] = store.now() if record["IsClosed"] else None
    contact = record.get("ContactId")
    if contact and not record.get("AccountId"):
        record["AccountId"] = store.shelf("Contact").records[contact].get("AccountId")


def _change_case(store: "Store", record: Record, changes: Changes) -> None:
    if "Status" not in changes:
        return
    closed = changes["Status"] in _closing(store)
    if closed != bool(record.get("IsClosed")):
        changes["IsClosed"] = closed
        changes["ClosedDate"] = store.now() if closed else None


def _comment_on_case(store: "Store", record: Record, context: WriteContext) -> None:
    """`Comments` of a Case is no stored value: it makes a comment (facts, 7.1)."""
    text = record.pop("Comments", None)
    if text:
        values = {"ParentId": record["Id"], "CommentBody": text}
        _must(store.insert("CaseComment", values, context), "Comments")


def _complete_email(store: "Store", record: Record) -> None:
    record["Name"] = (record.get("Subject") or "")[:255]


def _change_email(store: "Store", record: Record, changes: Changes) -> None:
    """E-mails are read-only once in, but for custom fields and New -> Read (facts, 7.2)."""
    for column, value in changes.items():
        read = column == "Status" and record.get("Status") == "0" and value == "1"
        if not (read or column.endswith("__c") or column == "IsExternallyVisible"):
            message = "insufficient access rights on object id"
            raise BadValue("INSUFFICIENT_ACCESS_OR_READONLY", message, column)


_JUNCTIONS = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}


def _relate_email(store: "Store", record: Record, context: WriteContext) -> None:
    """The lists of ids of an e-mail are no stored values: they make relations (facts, 7.2)."""
    store.inside_mail = True
    try:
        for column, kind in _JUNCTIONS.items():
            for person in record.pop(column, None) or ():
                mail = record["Id"]
                values = {"EmailMessageId": mail, "RelationId": person, "RelationType": kind}
                _must(store.insert("EmailMessageRelation", values, context), column)
    finally:
        store.inside_mail = False
    for document in record.pop("ContentDocumentIds", None) or ():
        values = {"LinkedEntityId": record["Id"], "ContentDocumentId": document}
        _must(store.insert("ContentDocumentLink", values, context), "ContentDocumentIds")


def _must(outcome: Outcome, column: str) -> None:
    if outcome.errors:
        raise BadValue(outcome.errors[0].status_code, outcome.errors[0].message, column)


def _complete_relation(store: "Store", record: Record) -> None:
    """A linked person's current address takes the place of the given one (facts, 7.3).

    People of an e-mail that is no draft are changed by permission only (facts, 7.2); what an e-mail
    says of them itself goes with it.
    """
    mail = store.shelf("EmailMessage").records[record["EmailMessageId"]]
    if mail.get("Status") != _DRAFT and not store.inside_mail:
        _need_permission(store, "PermissionsCanUpdateEmailMessage")
    person = record.get("RelationId")
    if not person and not record.get("RelationAddress"):
        raise BadValue("REQUIRED_FIELD_MISSING", "Required fields are missing: [RelationAddress]")
    kind = store.schema.by_prefix(person) if person else None
    if kind is not None:
        record["RelationObjectType"] = kind.name
        found = store.shelf(kind.name).find(str(person)) or {}
        record["RelationAddress"] = found.get("Email") or record.get("RelationAddress")


def _change_relation(store: "Store", record: Record, changes: Changes) -> None:
    _complete_relation(store, merged := {**record, **changes})
    for column in ("RelationObjectType", "RelationAddress"):
        changes[column] = merged.get(column)


def _need_permission(store: "Store", permission: str) -> None:
    """Refuse what the running user has no permission for (facts, 7.8 and 7.9)."""
    granted = store.shelf("UserPermissionAccess").records.values()
    if any(each[permission] is False for each in granted):
        text = "insufficient access rights on object id"
        raise BadValue("INSUFFICIENT_ACCESS_OR_READONLY", text)


def _complete_topic(store: "Store", record: Record) -> None:
    _need_permission(store, "PermissionsCreateTopics")
    record["TalkingAbout"] = 0


def _complete_assignment(store: "Store", record: Record) -> None:
    _need_permission(store, "PermissionsAssignTopics")
    given = store.shelf("TopicAssignment").children("EntityId", record["EntityId"])
    if len(given) >= _MOST_TOPICS:
        text = f"A record can have at most {_MOST_TOPICS} topics."
        raise BadValue("LIMIT_EXCEEDED", text)
    kind = store.schema.by_prefix(record["EntityId"])
    record["EntityKeyPrefix"] = record["EntityId"][:3]
    record["EntityType"] = kind.name if kind else None


def _complete_task(store: "Store", record: Record) -> None:
    record["Status"] = record.get("Status") or "Not Started"
    record["Priority"] = record.get("Priority") or "Normal"
    record["IsClosed"] = record["Status"] == "Completed"
    record["CompletedDateTime"] = store.now() if record["IsClosed"] else None
    if record.get("WhatId") and str(record.get("WhoId") or "").startswith("00Q"):
        message = "A task about a lead has no other record."
        raise BadValue("FIELD_INTEGRITY_EXCEPTION", message, "WhatId")


def _change_task(store: "Store", record: Record, changes: Changes) -> None:
    if "Status" in changes:
        closed = changes["Status"] == "Completed"
        if closed != bool(record.get("IsClosed")):
            changes["IsClosed"] = closed
            changes["CompletedDateTime"] = store.now() if closed else None


def _access_changed(store: "Store", record: Record, context: WriteContext) -> None:
    store.access_changed()


def _access_gone(store: "Store", record: Record) -> None:
    store.access_changed()


_PERSON = Rules(complete=_name_person, change=_rename_person)
RULES: dict[str, Rules] = {
    "Account": Rules(complete=_complete_account, change=_change_account),
    "Contact": _PERSON,
    "User": _PERSON,
    "Lead": Rules(complete=_complete_lead, change=_change_lead),
    "Case": Rules(
        complete=_complete_case,
        change=_change_case,
        after=_comment_on_case,
        after_columns=frozenset({"Comments"}),
    ),
    "EmailMessage": Rules(
        complete=_complete_email,
        change=_change_email,
        after=_relate_email,
        after_columns=frozenset({*_JUNCTIONS, "ContentDocumentIds"}),
    ),
    "EmailMessageRelation": Rules(complete=_complete_relation, change=_change_relation),
    "Topic": Rules(complete=_complete_topic),
    "TopicAssignment": Rules(complete=_complete_assignment),
    "Task": Rules(complete=_complete_task, change=_change_task),
    "GroupMember": Rules(again=_same_again),
    "PermissionSetAssignment": Rules(after=_access_changed, removed=_access_gone),
}
