"""What a write does to the records around it (kustomer facts, section 7).

A new message moves its conversation on (`lastMessage*`, counts, `updatedAt`, `modifiedAt`) and shows
on the customer (`preview`, `lastMessageIn`), whose `modifiedAt` stays: no user edited it. Counters
alone (`conversationCounts`, `progressiveStatus`, counts after a deletion) move `rev` and nothing
else. An edit or redaction of a message shows on that message only.
"""

from typing import Any

from simulators.kustomer.changes import Changes
from simulators.kustomer.merging import customer_counts, talk_counts
from simulators.kustomer.org import Org, Row, related


class Cascade:
    """Follows up writes; each call is made inside the write that it follows."""

    def __init__(self, org: Org, changes: Changes) -> None:
        self._org = org
        self._changes = changes

    def message_made(self, row: Row) -> None:
        """A message was added to its conversation."""
        message = row.resource
        talk = self._live("conversation", related(message, "conversation"))
        held = message["attributes"]
        inward = held["direction"] == "in"
        if talk is not None:
            attributes = self._talk_moved(talk, row.id, held, inward=inward)
            self._changes.update("conversation", talk.id, {"attributes": attributes})
        customer = self._live("customer", related(message, "customer"))
        if customer is None:
            return
        shown = {
            "preview": {
                "previewAt": held["sentAt"],
                "type": f"message_{held['direction']}",
                "text": held["preview"],
                "subject": held.get("subject"),
                "channel": held["channel"],
            },
            "lastMessageAt": held["sentAt"],
            "lastActivityAt": held["createdAt"],
        }
        if inward:
            shown["lastMessageIn"] = {"sentAt": held["sentAt"], "channel": held["channel"]}
        else:
            shown["lastMessageOut"] = {"sentAt": held["sentAt"]}
        self._changes.update("customer", customer.id, {"attributes": shown}, stamps="system")

    def _talk_moved(
        self, talk: Row, message: str, held: dict[str, Any], *, inward: bool
    ) -> dict[str, Any]:
        way = "In" if inward else "Out"
        before = talk.resource["attributes"]
        told = {
            "id": message,
            "sentAt": held["sentAt"],
            "createdAt": held["createdAt"],
            "channel": held["channel"],
            "directionType": held["directionType"],
        }
        channels = list(before.get("channels") or ())
        made = {
            **self._counts(talk.id, before, held["direction"]),
            f"lastMessage{way}": told,
            "lastMessageAt": held["sentAt"],
            "lastMessageDirection": held["direction"],
            "lastActivityAt": held["createdAt"],
            "preview": held["preview"],
        }
        if held["channel"] not in channels:
            made["channels"] = [*channels, held["channel"]]
        if not (before.get(f"firstMessage{way}") or {}).get("id"):
            made[f"firstMessage{way}"] = told
        if inward:
            made["lastReceivedAt"] = held["createdAt"]
            made["lastMessageUnrespondedTo"] = told
        else:
            made["lastMessageUnrespondedTo"] = {}
        return made

    def _counts(self, talk: str, before: dict[str, Any], direction: str) -> dict[str, Any]:
        """Counted on; a generated conversation's are counted afresh the first time."""
        name = "inboundMessageCount" if direction == "in" else "outboundMessageCount"
        if "inboundMessageCount" not in before:
            return talk_counts(self._org, talk)
        total = int(before.get("messageCount") or 0) + 1
        return {"messageCount": total, name: int(before.get(name) or 0) + 1}

    def note_made(self, row: Row) -> None:
        """A note was added to its conversation."""
        talk = self._live("conversation", related(row.resource, "conversation"))
        if talk is not None:
            count = {"noteCount": len(self._org.children("note", talk.id))}
            self._changes.update("conversation", talk.id, {"attributes": count})

    def child_gone(self, talk: str | None) -> None:
        """A message or note was deleted: the counters follow, the times do not."""
        if (row := self._live("conversation", talk)) is not None:
            counts = talk_counts(self._org, row.id)
            self._changes.update("conversation", row.id, {"attributes": counts}, stamps="derived")

    def talks_changed(self, *customers: str | None) -> None:
        """Customers have other conversations than before, or some in another status."""
        for each in customers:
            if (row := self._live("customer", each)) is not None:
                counts = customer_counts(self._org, row.id)
                self._changes.update("customer", row.id, {"attributes": counts}, stamps="derived")

    def _live(self, kind: str, record_id: str | None) -> Row | None:
        row = self._org.shelves[kind].rows.get(record_id or "")
        return None if row is None or row.deleted else row
