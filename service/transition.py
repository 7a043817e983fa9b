"""What becomes of a record whose source sends it to another object than the one it is in Salesforce.

A Lead becomes a Contact when its customer gains a company; a Contact is never made a Lead again. Records
of other objects stay what they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.salesforce.ids import to_18
from service.phases import Phase
from state.crosswalk import Standing
from state.ledger import Ledger, Tx
from state.transitions import Transition

LEAD, CONTACT = "Lead", "Contact"
BECOMES = "becomes-contact"
KEPT = "kept-as-contact"
ACCOUNT = "AccountId"
_PREFIX = "00Q"  # ids of Leads begin with it (salesforce facts, 13)

Followed = tuple[str, str, str, str, str]
"""Source id, the object that a record was, its id, how it had come there, and its id in the new one."""
Learned = tuple[str, int, str, int, bytes]


def across(there: str, table: str) -> str:
    """Why a record of the object `there` is set aside that its source sends to `table`; or ''."""
    return {(LEAD, CONTACT): BECOMES, (CONTACT, LEAD): KEPT}.get((there, table), "")


def crosses(phase: Phase) -> bool:
    """Whether records of a phase can be Leads or Contacts."""
    return {LEAD, CONTACT} <= set(phase.objects)


def is_lead(target_id: str) -> bool:
    """Whether an id is a Lead's."""
    return target_id.startswith(_PREFIX)


def repointed(
    record: Mapping[str, Any], columns: tuple[str, str], contact: str, account: str = ""
) -> dict[str, str | None] | None:
    """What to set on a record that names a Lead, so that it names the Contact; None for nothing.

    `columns`: those of the Lead and of the Contact, which may be the same one. A record that somebody
    gave another Contact is left as it is. `account`: the Contact's, for a Case without one; Salesforce
    copies it only when a Case is made (salesforce facts, 7.1).
    """
    lead_column, contact_column = columns
    if lead_column == contact_column:
        return {contact_column: contact}
    held = record.get(contact_column)
    if held and to_18(str(held)) != contact:
        return None
    change: dict[str, str | None] = {lead_column: None}
    if not held:
        change[contact_column] = contact
    if account and not record.get(ACCOUNT):
        change[ACCOUNT] = account
    return change


async def become(
    tx: Tx,
    ledger: Ledger,
    phase: Phase,
    table: str,
    entries: Sequence[Learned],
    was: Mapping[tuple[str, int], Standing],
    *,
    origin: str,
    job: int,
) -> int:
    """Let records stand in `table` from now on, and note what they were; returns how many are new there.

    Together in `tx`, so that what is still to be done about the earlier record is never forgotten.
    """
    begun = [
        Transition(
            phase.name,
            key,
            was[key, part].object,
            was[key, part].target_id,
            was[key, part].origin,
            table,
            target,
        )
        for key, part, target, *_ in entries
        if (key, part) in was and was[key, part].object != table
    ]
    await ledger.transitions.begin(tx, begun)
    return await ledger.crosswalk.become(tx, phase.kind, table, entries, origin=origin, job=job)


async def follow(
    tx: Tx, ledger: Ledger, phase: Phase, table: str, followed: Sequence[Followed], job: int
) -> None:
    """Let records stand as those that others made of them in Salesforce.

    Which version of them is there nobody knows, so it is noted as older than any.
    """
    was = {
        (key, 0): Standing(name, lead, origin, 0, b"") for key, name, lead, origin, _ in followed
    }
    entries = [(key, 0, target, 0, b"") for key, *_, target in followed]
    await become(tx, ledger, phase, table, entries, was, origin="matched", job=job)
