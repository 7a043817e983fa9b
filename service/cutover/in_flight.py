"""What is in flight at the switch: open and snoozed conversations, their owners and due times.

Salesforce has no snooze that ends by itself, and starts the clocks of an entitlement when a Case is made
(salesforce facts, 7.6): whoever takes over wants both times beside each other.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import BadRequest, NotFound
from connectors.kustomer.client import KustomerClient, SearchQuery
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.retrieve import retrieve
from connectors.salesforce.soql import in_lists
from service.phases import phase_named
from service.planner import Planner
from service.reread import Rereader
from state.ledger import Ledger

_READERS = 4
STATUSES = ("open", "snoozed")
_CASE = "Case"
_FIELDS = ("CaseNumber", "Status", "OwnerId")


@dataclass
class Flight:
    """One conversation and its Case. Times are ISO 8601 as either side says them, '' for none.

    `assigned`: ids of Kustomer users, else of teams. `sla_before` is Kustomer's earliest breach to come,
    `sla_after` the earliest milestone of the Case that is not completed.
    """

    conversation: str
    status: str
    assigned: Sequence[str]
    snoozed_until: str
    sla_before: str
    case: str = ""
    case_number: str = ""
    case_status: str = ""
    owner: str = ""
    owner_name: str = ""
    sla_after: str = ""


@dataclass
class InFlight:
    """All of them. `milestones`: whether the org has milestones that can be read."""

    flights: list[Flight] = field(default_factory=list)
    milestones: bool = False

    def count(self, status: str) -> int:
        """How many have a status."""
        return sum(each.status == status for each in self.flights)

    @property
    def without_case(self) -> int:
        """How many have no Case."""
        return sum(not each.case for each in self.flights)

    def by_owner(self) -> list[tuple[str, int]]:
        """Owners of the Cases by name, with how many they have; most first."""
        counts = Counter(each.owner_name or each.owner for each in self.flights if each.case)
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


async def in_flight(
    ledger: Ledger, kustomer: KustomerClient, salesforce: SalesforceClient, *, now_ms: int
) -> InFlight:
    """Read both sides; raises the connectors' errors.

    Kustomer's search tells of what was touched within two years; older ones are known by their Cases
    that are not closed, and read by id.
    """
    flights = {each.conversation: each async for each in _open_ones(kustomer, now_ms)}
    flights |= {each.conversation: each for each in await _by_case(kustomer, salesforce, flights)}
    found = InFlight(list(flights.values()))
    ids = [each.conversation for each in found.flights]
    cases = {
        key: target
        for key, (name, target) in (await ledger.crosswalk.resolve("conversation", ids)).items()
        if name == _CASE
    }
    there = await retrieve(salesforce, _CASE, sorted(cases.values()), _FIELDS)
    names = await _owner_names(salesforce, there.values())
    due = await _milestones(salesforce, list(there))
    found.milestones = due is not None
    for flight in found.flights:
        record = there.get(cases.get(flight.conversation, ""))
        if record is None:
            continue
        flight.case = to_18(str(record["Id"]))
        flight.case_number = str(record.get("CaseNumber") or "")
        flight.case_status = str(record.get("Status") or "")
        flight.owner = to_18(str(record.get("OwnerId") or ""))
        flight.owner_name = names.get(flight.owner, "")
        flight.sla_after = (due or {}).get(flight.case, "")
    return found


async def _open_ones(kustomer: KustomerClient, now_ms: int) -> AsyncIterator[Flight]:
    search = phase_named("conversations").stream.search
    assert search is not None
    planner = Planner(kustomer, now_ms=now_ms)
    for status in STATUSES:
        rules = [{"conversation_status": {"equals": status}}]
        for piece in await planner.found(search, rules):
            query = SearchQuery(search.name, piece["criteria"], [{piece["sort"]: "asc"}])
            for number in range(1, int(piece["last_page"]) + 1):
                page = await kustomer.search_page(query, number, page_size=piece["page_size"])
                for row in page.rows:
                    if not row["attributes"].get("deleted"):
                        yield _flight(row)


async def _by_case(
    kustomer: KustomerClient, salesforce: SalesforceClient, known: Mapping[str, Flight]
) -> list[Flight]:
    """Open and snoozed conversations whose Cases are open, beside those that are known."""
    soql = "SELECT Kustomer_Id__c FROM Case WHERE IsClosed = false AND Kustomer_Id__c != null"
    ids = [str(row["Kustomer_Id__c"]) async for page in salesforce.query(soql) for row in page]
    source = Rereader(kustomer, readers=_READERS)
    phase = phase_named("conversations")
    read = await source.read(phase, sorted(set(ids) - known.keys()))
    rows = [row for row in read.values() if row["attributes"].get("status") in STATUSES]
    return [_flight(row) for row in rows if not row["attributes"].get("deleted")]


def _flight(row: Mapping[str, Any]) -> Flight:
    attributes = row["attributes"]
    snooze = attributes.get("snooze") or {}
    scheduled = snooze.get("status") == "scheduled" or attributes.get("status") == "snoozed"
    return Flight(
        str(row["id"]),
        str(attributes.get("status") or ""),
        attributes.get("assignedUsers") or attributes.get("assignedTeams") or [],
        str(snooze.get("time") or "") if scheduled else "",
        breach_of(attributes.get("sla")),
    )


def breach_of(sla: Any) -> str:
    """The earliest breach to come that Kustomer tells of an SLA (kustomer facts, 6.4); '' for none."""
    if not isinstance(sla, Mapping) or sla.get("status") == "done":
        return ""
    metrics = sla.get("metrics") or {}
    due = [
        each["breachAt"]
        for each in metrics.values()
        if isinstance(each, Mapping)
        and isinstance(each.get("breachAt"), str)
        and not each.get("satisfiedAt")
    ]
    first = (sla.get("summary") or {}).get("firstBreachAt")
    return min(due) if due else str(first or "")


async def _owner_names(
    salesforce: SalesforceClient, cases: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Names of users and queues by id."""
    owners = sorted({to_18(str(each["OwnerId"])) for each in cases if each.get("OwnerId")})
    names: dict[str, str] = {}
    for table in ("User", "Group"):
        prefix = {"User": "005", "Group": "00G"}[table]
        for inside in in_lists(each for each in owners if each.startswith(prefix)):
            soql = f"SELECT Id, Name FROM {table} WHERE Id IN ({inside})"  # noqa: S608
            async for page in salesforce.query(soql):
                names |= {to_18(str(row["Id"])): str(row.get("Name") or "") for row in page}
    return names


async def _milestones(salesforce: SalesforceClient, cases: Sequence[str]) -> dict[str, str] | None:
    """The earliest open milestone by Case; None where the org has none that we may read."""
    due: dict[str, str] = {}
    try:
        for inside in in_lists(cases):
            soql = (
                "SELECT CaseId, TargetDate FROM CaseMilestone "  # noqa: S608
                f"WHERE IsCompleted = false AND CaseId IN ({inside})"
            )
            async for page in salesforce.query(soql):
                for row in page:
                    case, at = to_18(str(row["CaseId"])), str(row.get("TargetDate") or "")
                    if at:
                        due[case] = min(due.get(case, at), at)
    except (BadRequest, NotFound):  # an object that the org has not enabled
        return None
    return due
