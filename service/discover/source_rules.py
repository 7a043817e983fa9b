"""What works by itself in Kustomer, or is set up there, and what must be built for it in Salesforce.

Only what the API lists can be counted (kustomer facts, 6.0 and 6.20); the rest is named as not listed.
Items are told by id: their names are the org's own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.errors import RoleMissing
from connectors.kustomer.client import KustomerClient
from service.discover.counting import UNABLE
from service.discover.facts import SourceRuleFacts

_SHOWN = 20
_MOST_PAGES = 5


@dataclass(frozen=True)
class SourceRule:
    """One kind of setting: where it is listed (None: nowhere) and what it becomes."""

    kind: str
    title: str
    path: str | None
    counterpart: str
    params: Mapping[str, str] = field(default_factory=dict)


SOURCE_RULES = (
    SourceRule("queues", "Queues", "/v1/routing/queues", "Queues with Omni-Channel routing"),
    SourceRule(
        "queue-rules",
        "Routing rules",
        "/v1/routing/queue-rules",
        "Omni-Channel flows, or Case assignment rules, in the same order",
    ),
    SourceRule(
        "slas",
        "SLAs",
        "/v1/slas",
        "Entitlement processes with milestones",
        {"versions": "all"},
    ),
    SourceRule("schedules", "Schedules", "/v1/schedules", "Business hours and holidays"),
    SourceRule("shortcuts", "Shortcuts", "/v1/shortcuts", "Quick text, macros, e-mail templates"),
    SourceRule("satisfaction", "Satisfaction forms", "/v1/satisfaction", "Salesforce surveys"),
    SourceRule("brands", "Brands", "/v1/brands", "Org-wide addresses and templates of each brand"),
    SourceRule("email-hooks", "E-mail hooks", "/v1/hooks/email", "Email-to-Case addresses"),
    SourceRule("web-hooks", "Web hooks", "/v1/hooks/web", "Web-to-Case, or a REST service"),
    SourceRule(
        "outbound-webhooks",
        "Outbound webhooks",
        "/v1/outbound-webhooks",
        "Flows with outbound messages or platform events",
    ),
    SourceRule(
        "outbound-accounts",
        "Outbound accounts",
        "/v1/outboundAccounts",
        "Org-wide addresses and messaging channels",
    ),
    SourceRule("chat", "Chat settings", "/v1/chat/settings", "Messaging for In-App and Web"),
    SourceRule("kb-articles", "Knowledge articles", "/v1/kb/articles", "Salesforce Knowledge"),
    SourceRule("kb-categories", "Knowledge categories", "/v1/kb/categories", "Data categories"),
    SourceRule("kb-forms", "Contact forms", "/v1/kb/forms", "Web-to-Case forms"),
    SourceRule("business-rules", "Business rules", None, "Record-triggered flows"),
    SourceRule("workflows", "Workflows", None, "Flows"),
    SourceRule("snippets", "Snippets", None, "Quick text or custom labels"),
    SourceRule("saved-searches", "Saved searches", None, "List views"),
)


async def read_source_rules(client: KustomerClient) -> list[SourceRuleFacts]:
    """Look at every kind: one call each, up to five for a long list. A refusal is told, not raised."""
    return [await _read(client, each) for each in SOURCE_RULES]


async def _read(client: KustomerClient, rule: SourceRule) -> SourceRuleFacts:
    told = SourceRuleFacts(
        kind=rule.kind,
        title=rule.title,
        counterpart=rule.counterpart,
        state="unlisted",
        count=None,
        complete=False,
        ids=[],
    )
    if rule.path is None:
        return told
    try:
        ids, complete = await _ids(client, rule.path, rule.params)
    except RoleMissing:
        return told.model_copy(update={"state": "refused"})
    except UNABLE:
        return told.model_copy(update={"state": "absent"})
    facts = {"state": "read", "count": len(ids), "complete": complete, "ids": ids[:_SHOWN]}
    return told.model_copy(update=facts)


async def _ids(
    client: KustomerClient, path: str, params: Mapping[str, str]
) -> tuple[list[str], bool]:
    """The ids of a list's records, and whether they are all. Settings may be one record alone."""
    if path.endswith("/settings"):
        data = (await client.get(path)).get("data")
        rows = data if isinstance(data, list) else [data]
        return [str(each.get("id")) for each in rows if isinstance(each, dict)], True
    found: list[str] = []
    for number in range(1, _MOST_PAGES + 1):
        page = await client.list_page(path, number, params=params)
        found += [str(row.get("id")) for row in page.rows]
        if not page.has_next or not page.rows:
            return found, True
    return found, False
