"""The target's schema as a plan needs it; built by the service from describes and value sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MASTER_VALUE_SETS: Mapping[tuple[str, str], str] = {
    ("Account", "AccountSource"): "LeadSource",
    ("Account", "Industry"): "Industry",
    ("Account", "Rating"): "AccountRating",
    ("Account", "Type"): "AccountType",
    ("Case", "Origin"): "CaseOrigin",
    ("Case", "Priority"): "CasePriority",
    ("Case", "Reason"): "CaseReason",
    ("Case", "Status"): "CaseStatus",
    ("Case", "Type"): "CaseType",
    ("Contact", "LeadSource"): "LeadSource",
    ("Contact", "Salutation"): "Salutation",
    ("Lead", "Industry"): "Industry",
    ("Lead", "LeadSource"): "LeadSource",
    ("Lead", "Rating"): "AccountRating",
    ("Lead", "Salutation"): "Salutation",
    ("Lead", "Status"): "LeadStatus",
    ("Task", "Priority"): "TaskPriority",
    ("Task", "Status"): "TaskStatus",
    ("Task", "Type"): "TaskType",
}
"""Which value set a standard field takes its values from (salesforce facts, 8.2)."""


DESCRIBED: Mapping[str, tuple[str, ...]] = {
    "Text": ("string",),
    "TextArea": ("textarea",),
    "LongTextArea": ("textarea",),
    "Number": ("double", "int", "long"),
    "Currency": ("currency",),
    "Checkbox": ("boolean",),
    "Date": ("date",),
    "DateTime": ("datetime",),
    "Email": ("email",),
    "Phone": ("phone",),
    "Url": ("url",),
    "Picklist": ("picklist",),
    "MultiselectPicklist": ("multipicklist",),
    "Lookup": ("reference",),
    "MasterDetail": ("reference",),
}
"""How a describe names the types of the Metadata API (salesforce facts, 5.5 and 8.2)."""


@dataclass(frozen=True)
class OrgField:
    """One field as the running user sees it; `type` as a describe names it."""

    name: str
    type: str
    custom: bool = True
    length: int = 0
    digits: int = 0
    scale: int = 0
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    values: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrgObject:
    """One object with the fields that the running user sees, and its record types by name."""

    name: str
    fields: Mapping[str, OrgField] = field(default_factory=dict)
    createable: bool = True
    record_types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Org:
    """`edition` as Salesforce names it; `objects` those that the map names and the org has.

    `custom_objects` are all of the org's. `hidden` are fields by full name (`Case.X__c`) that are there
    and that the running user does not see. `open_values`: by value set, those that close nothing.
    """

    edition: str
    objects: Mapping[str, OrgObject]
    custom_objects: frozenset[str] = frozenset()
    hidden: Mapping[str, OrgField] = field(default_factory=dict)
    open_values: Mapping[str, frozenset[str]] = field(default_factory=dict)
