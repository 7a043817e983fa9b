"""The target of the default map as a describe would show it: standard and custom fields."""

from collections.abc import Mapping

from transforms.shape import FieldShape, ObjectShape, TargetShape

_CUSTOM_TYPES = {"T": "string", "LT": "textarea", "D": "datetime", "N": "double"}

_CUSTOM = {
    "Account": "Domains LT32000; Tags LT32000; Raw LT131072; Full_Name LT1024; External_Id T255; "
    "Created_At D; Updated_At D",
    "Contact": "Full_Name LT1024; Other_Emails LT32000; Other_Phones LT32000; "
    "Other_Addresses LT32000; Raw_Email T255; Customer_Type T255; Lifecycle T255; Tags LT32000; "
    "External_Id T255; Raw LT131072; Created_At D; Updated_At D",
    "Case": "Closed_At D; Full_Subject LT1024; Status T255; Priority N0; Channels T255; "
    "Assigned_Users LT32000; Assigned_Teams LT32000; Tags LT32000; Direction T255; "
    "External_Id T255; Created_At D; Updated_At D; Raw LT131072",
    "EmailMessage": "Channel T255; Direction_Type T255; Status T255; External_Id LT1024; "
    "Created_At D; Updated_At D; Raw LT131072",
}
_CUSTOM["Lead"] = _CUSTOM["Contact"]

_STANDARD: dict[str, str] = {
    "Account": "Name string 255 required; Website url 255; Phone phone 40; "
    "BillingStreet textarea 255; BillingCity string 40; BillingState string 80; "
    "BillingPostalCode string 20; BillingCountry string 80",
    "Contact": "FirstName string 40; LastName string 80 required; Email email 80; Phone phone 40; "
    "MobilePhone phone 40; HomePhone phone 40; Fax phone 40; MailingStreet textarea 255; "
    "MailingCity string 40; MailingState string 80; MailingPostalCode string 20; "
    "MailingCountry string 80; AccountId reference Account",
    "Lead": "FirstName string 40; LastName string 80 required; Company string 255 required; "
    "Email email 80; Phone phone 40; MobilePhone phone 40; Fax phone 40; Street textarea 255; "
    "City string 40; State string 80; PostalCode string 20; Country string 80",
    "Case": "Subject string 255; ContactId reference Contact; Kustomer_Lead__c reference Lead; "
    "OwnerId reference Group,User",
    "EmailMessage": "FromAddress email 1000; FromName string 1000; ToAddress string 4000; "
    "CcAddress string 4000; BccAddress string 4000; Subject string 3000; "
    "TextBody textarea 131072; HtmlBody textarea 131072; MessageDate datetime; "
    "MessageIdentifier string 765; ParentId reference Case; Incoming boolean",
    "EmailMessageRelation": "EmailMessageId reference EmailMessage; RelationAddress string 255; "
    "RelationId reference Contact,Lead,User",
    "CaseComment": "CommentBody textarea 4000; IsPublished boolean; ParentId reference Case",
}

_PICKLISTS = {
    ("Case", "Status"): "New Working Escalated Closed Open Snoozed Done",
    ("Case", "Priority"): "High Medium Low",
    ("Case", "Origin"): "Phone Email Web Chat SMS Facebook Twitter Instagram WhatsApp Form Other",
    ("EmailMessage", "Status"): "0 1 2 3 4 5",
    ("EmailMessageRelation", "RelationType"): "ToAddress CcAddress BccAddress FromAddress "
    "OtherAddress",
}


def default_shape(*, audit: bool = True) -> TargetShape:
    """All objects of the default map; without `audit` the creation fields cannot be set."""
    return {name: ObjectShape(name, _fields(name, audit)) for name in _STANDARD}


def _fields(table: str, audit: bool) -> Mapping[str, FieldShape]:
    fields = [_standard(spec.split()) for spec in _STANDARD[table].split("; ")]
    fields += [_custom(spec) for spec in _CUSTOM.get(table, "").split("; ") if spec]
    fields += [
        FieldShape(name, "picklist", 255, picklist=tuple(values.split()))
        for (owner, name), values in _PICKLISTS.items()
        if owner == table
    ]
    fields.append(FieldShape("CreatedDate", "datetime", createable=audit, defaulted_on_create=True))
    fields.append(FieldShape("CreatedById", "reference", createable=audit, reference_to=("User",)))
    if table in _CUSTOM:
        key = FieldShape("Kustomer_Id__c", "string", 24, unique=True, external_id=True)
        fields.append(key)
    return {field.name: field for field in fields}


def _standard(words: list[str]) -> FieldShape:
    name, kind, *rest = words
    if kind == "reference":
        return FieldShape(name, kind, 18, reference_to=tuple(rest[0].split(",")))
    length = int(rest[0]) if rest else 0
    return FieldShape(name, kind, length, nillable="required" not in rest and kind != "boolean")


def _custom(spec: str) -> FieldShape:
    name, kind = spec.split()
    letters = kind.rstrip("0123456789")
    digits = kind.removeprefix(letters)
    length = int(digits) if digits and letters != "N" else 0
    return FieldShape(f"Kustomer_{name}__c", _CUSTOM_TYPES[letters], length)
