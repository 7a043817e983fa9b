"""Files: versions make documents and links, links show on e-mails (facts, section 6)."""

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from simulators.salesforce.outcomes import BadValue, Outcome, WriteContext
from simulators.salesforce.rules import Rules
from simulators.salesforce.shelves import Record

if TYPE_CHECKING:
    from simulators.salesforce.store import Store


def _complete_version(store: "Store", record: Record) -> None:
    content = record.pop("VersionData", None)
    path = PurePosixPath(record.get("PathOnClient") or "")
    extension = path.suffix.lstrip(".")[:40] or None
    document = record.get("ContentDocumentId")
    if document and record.get("FirstPublishLocationId"):
        message = "The first publish location can be given with the first version only."
        raise BadValue("FIELD_INTEGRITY_EXCEPTION", message, "FirstPublishLocationId")
    record["Title"] = record.get("Title") or path.name[:255]
    if content is None or not record["Title"]:
        missing = "VersionData" if content is None else "PathOnClient"
        message = f"Required fields are missing: [{missing}]"
        raise BadValue("REQUIRED_FIELD_MISSING", message, missing)
    # MD5 is what Salesforce keeps (facts, 6.1).
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    versions = store.shelf("ContentVersion").children("ContentDocumentId", document or "")
    store.blobs[record["Id"]] = content
    record.update(
        ContentDocumentId=document or store.ids.new("069"),
        VersionData=f"/services/data/v66.0/sobjects/ContentVersion/{record['Id']}/VersionData",
        Checksum=checksum,
        ContentSize=len(content),
        FileExtension=extension,
        FileType=(extension or "UNKNOWN").upper()[:20],
        ContentLocation=record.get("ContentLocation") or "S",
        Origin=record.get("Origin") or "C",
        PublishStatus="P",
        IsLatest=True,
        VersionNumber=str(len(versions) + 1),
    )


def _publish(store: "Store", record: Record, context: WriteContext) -> None:
    """A first version makes the document and its links; a later one takes the first place."""
    document = record["ContentDocumentId"]
    shown = {
        "Title": record["Title"],
        "Description": record.get("Description"),
        "FileType": record["FileType"],
        "FileExtension": record["FileExtension"],
        "ContentSize": record["ContentSize"],
        "LatestPublishedVersionId": record["Id"],
    }
    if store.shelf("ContentDocument").find(document) is None:
        owner = {"OwnerId": record["OwnerId"], "PublishStatus": "P"}
        store.place("ContentDocument", {"Id": document, **owner, **shown}, context)
        _link(store, document, record["OwnerId"], "I", context)
        location = record.get("FirstPublishLocationId")
        if location and location != record["OwnerId"]:
            _link(store, document, location, "V", context)
        return
    for each in store.shelf("ContentVersion").children("ContentDocumentId", document):
        if each != record["Id"]:
            store.touch("ContentVersion", each, {"IsLatest": False})
    if record["IsLatest"]:
        store.touch("ContentDocument", document, shown)


def _change_version(store: "Store", record: Record, changes: Record) -> None:
    if "VersionData" in changes:
        message = "A new content needs a new version."
        raise BadValue("INVALID_FIELD_FOR_INSERT_UPDATE", message, "VersionData")


def _link(store: "Store", document: str, entity: str, share: str, context: WriteContext) -> None:
    link = {"ContentDocumentId": document, "LinkedEntityId": entity, "ShareType": share}
    store.place("ContentDocumentLink", {**link, "Visibility": "AllUsers"}, context)
    show_attachment(store, entity)


def _complete_link(store: "Store", record: Record) -> None:
    record["ShareType"] = record.get("ShareType") or "V"
    record["Visibility"] = record.get("Visibility") or "AllUsers"


def _linked(store: "Store", record: Record, context: WriteContext) -> None:
    show_attachment(store, record["LinkedEntityId"])


def _linked_already(values: Record, held: str) -> Outcome:
    document, entity = values["ContentDocumentId"], values["LinkedEntityId"]
    message = f"Document with ID: {document} is already linked with the entity with ID: {entity}"
    raise BadValue("DUPLICATE_VALUE", message)


def _keep_owner(store: "Store", record: Record) -> None:
    if record.get("ShareType") == "I" and record["LinkedEntityId"].startswith("005"):
        message = "The link to the owner of a file cannot be deleted."
        raise BadValue("FIELD_INTEGRITY_EXCEPTION", message)


def _unlinked(store: "Store", record: Record) -> None:
    show_attachment(store, record["LinkedEntityId"])


def show_attachment(store: "Store", entity: str) -> None:
    """Let an e-mail show whether a file is linked to it; other records show nothing."""
    email = store.shelf("EmailMessage").find(entity)
    if email is None or email["IsDeleted"]:
        return
    links = store.shelf("ContentDocumentLink")
    found = [links.records[each] for each in links.children("LinkedEntityId", entity)]
    attached = any(not each["IsDeleted"] for each in found)
    if attached != bool(email.get("HasAttachment")):
        store.touch("EmailMessage", entity, {"HasAttachment": attached})


FILE_RULES = {
    "ContentVersion": Rules(complete=_complete_version, change=_change_version, after=_publish),
    "ContentDocumentLink": Rules(
        complete=_complete_link,
        after=_linked,
        again=_linked_already,
        remove=_keep_owner,
        removed=_unlinked,
    ),
}
