"""Which attributes search knows, and where a record holds them (kustomer facts, section 5)."""

import re
from collections.abc import Iterator
from typing import Any

from simulators.kustomer.org import related


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


KINDS = ("company", "customer", "message", "conversation", "note", "kobject")
SORTABLE = {
    "customer": names(
        "name gender created_at updated_at modified_at externalId activity_at last_seen_at "
        "signed_up_at lastmessage_preview progressive_status done open snoozed "
        "last_message_sent_at last_message_out_sent_at last_message_unresponded_to_sent_at "
        "last_message_at"
    ),
}
# Documented for customers only, yet used by clients for the others for years.
SORTABLE_OTHERS = frozenset(("created_at", "updated_at", "modified_at"))

STANDARD = {
    "customer": names(
        "any_text name gender presence email shared_email phone shared_phone urls address locale "
        "activity_at last_seen_at signed_up_at last_message_sent_at last_message_out_sent_at "
        "last_message_unresponded_to_sent_at last_message_at externalId shared_externalId "
        "created_at updated_at modified_at created_by modified_by satisfaction_avg_score "
        "satisfaction_avg_rating conversations_count status progressive_status active_users "
        "watchers tags sentiment social_type social_userid social_username shared_social_type "
        "shared_social_userid shared_social_username default_lang imported_at imported"
    ),
    "company": names(
        "any_text name tags default_lang imported_at imported created_at updated_at modified_at"
    ),
    "message": names(
        "any_text body channel size direction sent_at created_at updated_at created_by modified_by "
        "sentiment customer_id status error_at error_title external_id direction_type "
        "created_by_teams redacted redacted_at imported_at imported recipients sender shortcuts "
        "subject source attachment_count auto lang modified_at"
    ),
    "note": names(
        "any_text body created_at modified_at updated_at created_by modified_by deleted "
        "user_mentions team_mentions attachment_count external_id customer_id conversation_id lang "
        "imported_at imported"
    ),
    "conversation": names(
        "any_text name sentiment status sub_status created_at updated_at modified_at modified_by "
        "message_count note_count outbound_message_count satisfaction channels priority tags "
        "assigned_users assigned_teams direction customer_id campaign_id default_lang "
        "first_done_created_by reply_channel queue external_queue ended ended_at ended_reason "
        "imported_at imported last_response_created_by"
    ),
    "kobject": names("any_text created_at updated_at imported_at imported"),
}
PREFIXES = {
    "conversation": (
        "last_message_",
        "first_response_",
        "last_done_",
        "sla_",
        "satisfaction_",
        "first_message_in_",
        "first_message_out_",
    ),
}
ARCHIVE = {
    "customer": names("id created_at updated_at companyId deleted any_text_new"),
    "conversation": names("id created_at updated_at customer_id deleted any_text"),
    "message": names("id created_at updated_at conversation_id any_text"),
    "kobject": names("id created_at updated_at customer_id company_id any_text"),
    "company": names("created_at updated_at any_text"),
}
ARCHIVE_SORTABLE = {
    "customer": names("created_at updated_at companyId deleted"),
    "conversation": names("created_at updated_at customer_id deleted"),
    "message": names("created_at updated_at id"),
    "kobject": names("created_at updated_at"),
    "company": names("created_at updated_at"),
}
_RELATIONS = {
    "created_by": "createdBy",
    "modified_by": "modifiedBy",
    "customer_id": "customer",
    "conversation_id": "conversation",
    "company_id": "company",
    "companyId": "company",
    "queue": "queue",
    "user_mentions": "userMentions",
}
_PATHS: dict[str, tuple[str, ...]] = {
    "email": ("emails", "email"),
    "shared_email": ("sharedEmails", "email"),
    "phone": ("phones", "phone"),
    "shared_phone": ("sharedPhones", "phone"),
    "urls": ("urls", "url"),
    "address": ("locations", "address"),
    "externalId": ("externalIds", "externalId"),
    "external_id": ("externalId",),
    "activity_at": ("lastActivityAt",),
    "conversations_count": ("conversationCounts", "all"),
    "open": ("conversationCounts", "open"),
    "snoozed": ("conversationCounts", "snoozed"),
    "done": ("conversationCounts", "done"),
    "lastmessage_preview": ("preview", "text"),
    "last_message_sent_at": ("lastMessageIn", "sentAt"),
    "recipients": ("meta", "to"),
    "sender": ("meta", "from"),
    "social_userid": ("socials", "userid"),
    "social_username": ("socials", "username"),
    "social_type": ("socials", "type"),
    "satisfaction_avg_score": ("satisfactionLevel", "avgScore"),
    "satisfaction_avg_rating": ("satisfactionLevel", "avgRating"),
}


def known(kind: str, attribute: str, *, archive: bool) -> bool:
    """Tell whether search has this attribute (its name without the object's)."""
    if archive:
        return attribute in ARCHIVE.get(kind, ())
    if attribute.startswith("custom_"):
        return True
    return attribute in STANDARD[kind] or attribute.startswith(PREFIXES.get(kind, ("\0",)))


def sortable(kind: str, attribute: str, *, archive: bool) -> bool:
    """Tell whether search sorts by this attribute."""
    if archive:
        return attribute in ARCHIVE_SORTABLE.get(kind, ())
    return attribute in SORTABLE.get(kind, SORTABLE_OTHERS)


def values(record: dict[str, Any], kind: str, attribute: str) -> list[Any]:
    """The values that a record holds for an attribute: none, one or several; never a None."""
    held = record.get("attributes") or {}
    if attribute == "id":
        return [record["id"]]
    if attribute.startswith("any_text"):
        return list(_texts(held))
    if attribute in _RELATIONS:
        return _related(record, _RELATIONS[attribute])
    if attribute in ("imported", "deleted"):
        return [bool(held.get("importedAt" if attribute == "imported" else "deleted"))]
    if attribute == "body":
        return _walk(held, ("body" if kind == "note" else "preview",))
    if attribute.startswith("custom_"):
        return _custom(record, kind, attribute.removeprefix("custom_"))
    return _walk(held, _PATHS.get(attribute) or _guess(held, attribute))


def _related(record: dict[str, Any], name: str) -> list[Any]:
    relation = (record.get("relationships") or {}).get(name)
    many = relation.get("data") if isinstance(relation, dict) else None
    if isinstance(many, list):
        return [each["id"] for each in many if isinstance(each, dict)]
    one = related(record, name)
    return [one] if one else []


def _custom(record: dict[str, Any], kind: str, name: str) -> list[Any]:
    if kind == "kobject":
        # `kobject_custom_<klass>_<name>` holds for the records of that klass only.
        klass = f"{related(record, 'klass')}_"
        if not name.startswith(klass):
            return []
        name = name.removeprefix(klass)
    return _walk((record.get("attributes") or {}).get("custom") or {}, (name,))


def _walk(held: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(held, list):
        return [found for each in held for found in _walk(each, path)]
    if path:
        return _walk(held.get(path[0]), path[1:]) if isinstance(held, dict) else _leaf(held)
    if isinstance(held, dict):
        return [held["email"]] if isinstance(held.get("email"), str) else []
    return _leaf(held)


def _leaf(held: Any) -> list[Any]:
    return [] if held is None or isinstance(held, dict) else [held]


def _guess(held: dict[str, Any], attribute: str) -> tuple[str, ...]:
    """`last_message_in_sent_at` is `lastMessageIn.sentAt` where there is such an object."""
    words = attribute.split("_")
    for cut in range(len(words), 0, -1):
        key = camel(words[:cut])
        if key in held:
            return (key, camel(words[cut:])) if cut < len(words) else (key,)
    return (camel(words),)


def camel(words: list[str]) -> str:
    """`["sent", "at"]` as `sentAt`."""
    return words[0] + "".join(each[:1].upper() + each[1:] for each in words[1:])


def _texts(held: Any) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict):
        for each in held.values():
            yield from _texts(each)
    elif isinstance(held, list):
        for each in held:
            yield from _texts(each)


def words_of(text: str) -> list[str]:
    """The words of a text, lower-cased: `contains` sees whole words only."""
    return re.findall(r"\w+", text.lower())
