"""What the survivor of a merge gets of the one that is lost (kustomer facts, 6.1 and 6.3)."""

from collections import Counter
from typing import Any

from simulators.kustomer.org import Org

_UNION = ("emails", "phones", "socials", "locations", "watchers", "tags", "urls", "externalIds")
_NEWEST = ("lastSeenAt", "lastActivityAt", "lastCustomerActivityAt", "signedUpAt", "lastMessageAt")


def joined(kind: str, lost: dict[str, Any], kept: dict[str, Any], org: Org) -> dict[str, Any]:
    """The attributes and relationships to write into the survivor; the children have moved.

    `org` tells the counts. Name, company, external id and the like stay the survivor's.
    """
    if kind == "conversation":
        counts = talk_counts(org, kept["id"])
        return {"attributes": {"mergedTarget": True, **counts}}
    old, new = lost["attributes"], kept["attributes"]
    made: dict[str, Any] = {}
    for name in _UNION:
        held = list(new.get(name) or ())
        if old.get(name):
            made[name] = held + [each for each in old[name] if each not in held]
    made["custom"] = {**(old.get("custom") or {}), **(new.get("custom") or {})}
    for name in _NEWEST:
        stamps = [each[name] for each in (old, new) if each.get(name)]
        if stamps:
            made[name] = max(stamps)
    given: dict[str, Any] = {"attributes": {**made, **customer_counts(org, kept["id"])}}
    if old["createdAt"] < new["createdAt"]:
        made["createdAt"] = given["attributes"]["createdAt"] = old["createdAt"]
        author = (lost.get("relationships") or {}).get("createdBy")
        if author:
            given["relationships"] = {"createdBy": author}
    return given


def customer_counts(org: Org, customer: str) -> dict[str, Any]:
    """`conversationCounts` and `progressiveStatus`, as the customer's conversations make them."""
    found = Counter(
        row.resource["attributes"].get("status") for row in org.children("conversation", customer)
    )
    counts = {each: found[each] for each in ("done", "open", "snoozed")}
    busiest = next((each for each in ("open", "snoozed", "done") if counts[each]), None)
    all_of_them = {**counts, "all": sum(found.values())}
    return {"conversationCounts": all_of_them, "progressiveStatus": busiest}


def talk_counts(org: Org, conversation: str) -> dict[str, Any]:
    """The counts of a conversation's messages and notes."""
    directions = Counter(
        row.resource["attributes"].get("direction") for row in org.children("message", conversation)
    )
    return {
        "messageCount": sum(directions.values()),
        "inboundMessageCount": directions["in"],
        "outboundMessageCount": directions["out"],
        "noteCount": len(org.children("note", conversation)),
    }
