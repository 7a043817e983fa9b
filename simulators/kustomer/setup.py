"""How an org works by itself: queue rules, SLAs, forms, hooks, accounts (facts, 6.0 and 6.10 to 6.21).

Where the facts name a path without a shape, a record has a name and its times alone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from simulators.kustomer.resource import link, resource
from simulators.kustomer.settings import KustomerSettings

HOUR_MS = 3_600_000
# Lists below a folder of the API: the kind that each serves.
FOLDERS = {
    ("hooks", "email"): "email_hook",
    ("hooks", "web"): "web_hook",
    ("kb", "articles"): "kb_article",
    ("kb", "categories"): "kb_category",
    ("kb", "forms"): "kb_form",
}
_METRICS = ("firstResponse", "longestUnrespondedMessage")


class Setup:
    """Makes the records of one org's setup; draws nothing, so that it changes no other record."""

    def __init__(self, settings: KustomerSettings, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._serial = 0

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield everything."""
        for number in range(3):
            rule = {"name": f"Rule {number}", "displayName": f"Rule {number}"}
            yield self._record("queue_rule", "routing/queue-rules", rule)
        yield from self._slas()
        yield self._record("satisfaction", "satisfaction", _FORM)
        for name in ("Support mailbox", "Sales mailbox"):
            yield self._record("outbound_account", "outboundAccounts", {"name": name})
        for kind, path, names in (
            ("email_hook", "hooks/email", ("Inbound mail", "Returns")),
            ("web_hook", "hooks/web", ("Shop",)),
            ("outbound_webhook", "outbound-webhooks", ("Warehouse",)),
            ("kb_category", "kb/categories", ("General",)),
            ("kb_form", "kb/forms", ("Contact us",)),
        ):
            for name in names:
                yield self._record(kind, path, {"name": name})
        for number in range(4):
            article = {"hash": f"a{number}", "title": f"Article {number}", "status": "published"}
            yield self._record("kb_article", "kb/articles", article)
        yield self._record("chat_settings", "chat/settings", {"name": "Chat"})

    def _slas(self) -> Iterator[dict[str, Any]]:
        for number, name in enumerate(("Standard", "Premium"), 1):
            versions = [self._version(name, number, version) for version in (1, 2)]
            data = [{"type": "sla_version", "id": each["id"]} for each in versions]
            sla = self._record("sla", "slas", {"currentVersion": 2}, versions={"data": data})
            del sla["attributes"]["updatedAt"]  # an SLA has none
            yield sla
            for each in versions:
                each["relationships"]["sla"] = link("sla", sla["id"], "slas")
                yield each

    def _version(self, name: str, number: int, version: int) -> dict[str, Any]:
        times = {str(priority): number * version * HOUR_MS for priority in range(1, 6)}
        attributes = {
            "name": name,
            "description": "",
            "version": version,
            "metrics": {each: {"enabled": True, "times": times} for each in _METRICS},
            "criteria": {"and": [], "or": []},
        }
        return self._record("sla_version", "slas/versions", attributes)

    def _record(
        self, kind: str, path: str, attributes: dict[str, Any], **relations: Any
    ) -> dict[str, Any]:
        self._serial += 1
        created = self._now - timedelta(days=300 + self._serial)
        stamp = f"{created:%Y-%m-%dT%H:%M:%S}.000Z"
        seed = self._settings.seed & 0xFFFF
        record_id = f"{int(created.timestamp()):08x}{seed:04x}d{self._serial:011x}"
        timed = {**attributes, "createdAt": stamp, "updatedAt": stamp}
        return resource(kind, record_id, path, timed, relations, org_id=self._settings.org_id)


_FORM: dict[str, Any] = {
    "name": "After a talk",
    "formType": "csat",
    "enabled": True,
    "channel": "email",
    "description": "",
    "scale": {"options": 5, "type": "number", "labelLow": "bad", "labelHigh": "good"},
    "questions": [],
    "positiveQuestions": [],
    "negativeQuestions": [],
    "allQuestions": [],
    "delayTime": 0,
}
