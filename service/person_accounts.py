"""The default map for an org with person accounts: a customer without company becomes one, and no Lead.

The variant is made of the default map's own lines, so that the two cannot drift apart. Only `map propose`
chooses it, when it puts the first map into a workspace.
"""

import re

from connectors.salesforce.client import SalesforceClient
from service.mapped import default_mapping
from transforms.shape import TargetShape

_MARK = "IsPersonAccount"
_TYPES = (
    "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true "
    "AND IsActive = true ORDER BY Id"
)
# Fields of a Lead, and what a person account calls them (salesforce facts, 7.5).
_NAMES = {
    "Email": "PersonEmail",
    "MobilePhone": "PersonMobilePhone",
    "Street": "PersonMailingStreet",
    "City": "PersonMailingCity",
    "State": "PersonMailingState",
    "PostalCode": "PersonMailingPostalCode",
    "Country": "PersonMailingCountry",
}
_LEAD, _END = "      Lead:\n", "  conversations:\n"


def has_person_accounts(shapes: TargetShape) -> bool:
    """Whether the org has switched person accounts on, by the describe of Account."""
    account = shapes.get("Account")
    return account is not None and _MARK in account.fields


async def person_type(salesforce: SalesforceClient) -> str:
    """Return the id of the first active record type for persons; "" where there is none to see."""
    found = [str(each["Id"]) async for page in salesforce.query(_TYPES) for each in page]
    return found[0] if found else ""


def person_mapping(record_type: str) -> str:
    """The text of the default map with person accounts of `record_type` in the place of Leads."""
    before, _, rest = default_mapping().partition(_LEAD)
    table, end, after = rest.partition(_END)
    lines = [line for line in table.split("\n") if not line.startswith("          Company:")]
    person = "\n".join(_renamed(line) for line in lines)
    kind = f'          RecordTypeId: {{convert: constant, default: "{record_type}"}}\n'
    person = person.replace("        fields:\n", f"        fields:\n{kind}", 1)
    text = f"{before}      Account:\n{person}{end}{after}"
    text = text.replace("present: Contact, absent: Lead", "present: Contact, absent: Account")
    text = text.replace("Lead: Kustomer_Lead__c}", "Account: AccountId}")
    text = re.sub(r", supplied: {Lead: {[^}]*}}", "", text)
    text = re.sub(r"^ +supplies: .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^ +Kustomer_Lead__c: .*\n", "", text, flags=re.MULTILINE)


def _renamed(line: str) -> str:
    name = line.strip().partition(":")[0]
    return line.replace(f"{name}:", f"{_NAMES[name]}:", 1) if name in _NAMES else line
