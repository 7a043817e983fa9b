"""Objects and fields as data (facts, section 14): name type(length) flags->targets(relationship).

Flags: C createable, U updateable, N nillable, D defaulted on create, I id look-up, R restricted,
X external id (unique), E external id (not unique), Q unique, M the record goes when the one it refers
to is deleted, A audit field. A value with a `+` is none that comes with the product.
A type `long` is a text area that cannot be filtered.
"""

# Statuses of a Case that close it.
CLOSED_STATUSES = frozenset({"Closed", "Done"})

# Fields that together occur only once in objects without a key of their own (facts, 7.11).
NATURAL: dict[str, tuple[str, ...]] = {
    "GroupMember": ("GroupId", "UserOrGroupId"),
    "QueueSobject": ("QueueId", "SobjectType"),
    "Group": ("DeveloperName", "Type"),
    "PermissionSet": ("Name",),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
    "Topic": ("Name",),
    "TopicAssignment": ("TopicId", "EntityId"),
    "ContentDocumentLink": ("ContentDocumentId", "LinkedEntityId"),
}

AUDIT = """
Id id D; IsDeleted boolean D; CreatedDate datetime DA; CreatedById reference DA->User(CreatedBy);
LastModifiedDate datetime DA; LastModifiedById reference DA->User(LastModifiedBy); SystemModstamp datetime D
"""
_EXTERNAL = "Kustomer_Id__c string(24) CUNXI"
_STAMPS = """
Kustomer_Created_At__c datetime CUN; Kustomer_Updated_At__c datetime CUN; Kustomer_Deleted_At__c datetime CUN;
Kustomer_Raw__c long(131072) CUN
"""
_PERSON = f"""
FirstName string(40) CUN; LastName string(80) CU; Salutation picklist(40) CUN; Name string(121) -;
Title string(128) CUN; Phone phone(40) CUN; MobilePhone phone(40) CUN; Fax phone(40) CUN; Email email(80) CUNI;
Description long(32000) CUN; LeadSource picklist(255) CUN; {_EXTERNAL}; Kustomer_Full_Name__c long(1024) CUN;
Kustomer_Other_Emails__c long(32000) CUN; Kustomer_Other_Phones__c long(32000) CUN;
Kustomer_Other_Addresses__c long(32000) CUN; Kustomer_Raw_Email__c string(255) CUN;
Kustomer_Customer_Type__c string(255) CUN; Kustomer_Lifecycle__c string(255) CUN;
Kustomer_Tags__c long(32000) CUN; Kustomer_External_Id__c string(255) CUN; {_STAMPS}
"""

# Objects whose audit fields an insert may set, given the permission (facts, 7.9).
AUDITED = frozenset(
    {"Account", "Case", "CaseComment", "Contact", "ContentVersion", "EmailMessage", "Lead", "Task"}
)

# Automation as queries list it (facts, 9.2): nothing of it is made or changed as data.
SETUP = (
    "ApexTrigger",
    "AssignmentRule",
    "DuplicateRule",
    "EntityDefinition",
    "FlowDefinitionView",
    "MatchingRule",
    "ValidationRule",
    "WorkflowRule",
)
# Objects that the Tooling API answers for, and those that it alone knows.
TOOLING = frozenset({"ApexTrigger", "EntityDefinition", "ValidationRule", "WorkflowRule"})
TOOLING_ONLY = frozenset({"ValidationRule", "WorkflowRule"})

# What an org has besides when accounts may be persons (facts, 7.5). Describe shows Name as one that may be
# absent, since persons have none; the rule of the object asks for it of all others.
PERSON_TYPE = "RecordType"
PERSON_TABLES: dict[str, tuple[str, str]] = {
    PERSON_TYPE: (
        "012",
        """Name string(80) I; DeveloperName string(80) I; SobjectType picklist(40) -; IsActive boolean D;
IsPersonType boolean D""",
    ),
}
PERSON_FIELDS = """
IsPersonAccount boolean D; RecordTypeId reference CUN->RecordType(RecordType); FirstName string(40) CUN;
LastName string(80) CUN; Salutation picklist(40) CUN; PersonEmail email(80) CUNI; PersonMobilePhone phone(40) CUN;
PersonHomePhone phone(40) CUN; PersonTitle string(80) CUN; PersonMailingStreet textarea(255) CUN;
PersonMailingCity string(40) CUN; PersonMailingState string(80) CUN; PersonMailingPostalCode string(20) CUN;
PersonMailingCountry string(80) CUN; PersonContactId reference N->Contact(PersonContact);
Kustomer_Other_Emails__c long(32000) CUN; Kustomer_Other_Phones__c long(32000) CUN;
Kustomer_Other_Addresses__c long(32000) CUN; Kustomer_Raw_Email__c string(255) CUN;
Kustomer_Customer_Type__c string(255) CUN; Kustomer_Lifecycle__c string(255) CUN
"""

# What the API cannot do with an object.
FIXED: dict[str, tuple[str, ...]] = {
    "Organization": ("insert", "update", "delete"),
    "Profile": ("insert", "update", "delete"),
    "User": ("delete",),
    "CaseStatus": ("insert", "update", "delete"),
    "UserPermissionAccess": ("insert", "update", "delete"),
    **dict.fromkeys(SETUP, ("insert", "update", "delete")),
    "RecordType": ("insert", "update", "delete"),
    "ContentDocument": ("insert",),
    "ContentVersion": ("delete",),
    "TopicAssignment": ("update",),
    "PermissionSetAssignment": ("update",),
}

# Objects whose records are gone at once when they are deleted (facts, 7.8 and 11).
NO_BIN = frozenset({"TopicAssignment"})

# Permissions of a user that decide what a load may do (facts, 7.9).
PERMISSIONS = (
    "PermissionsCreateAuditFields",
    "PermissionsUpdateWithInactiveOwner",
    "PermissionsBulkApiHardDelete",
    "PermissionsCanUpdateEmailMessage",
    "PermissionsCanInsertFeedSystemFields",
    "PermissionsQueryAllFiles",
    "PermissionsAssignTopics",
    "PermissionsCreateTopics",
    "PermissionsManageDataIntegrations",
    "PermissionsModifyAllData",
    "PermissionsViewAllData",
    "PermissionsApiEnabled",
)
_LINKABLE = "Account,Case,Contact,Lead,EmailMessage,Task,User"

TABLES: dict[str, tuple[str, str]] = {
    "Account": (
        "001",
        f"""Name string(255) CU; Type picklist(40) CUN; ParentId reference CUN->Account(Parent);
BillingStreet textarea(255) CUN; BillingCity string(40) CUN; BillingState string(80) CUN;
BillingPostalCode string(20) CUN; BillingCountry string(80) CUN; Phone phone(40) CUN; Fax phone(40) CUN;
Website url(255) CUN; Industry picklist(40) CUN; NumberOfEmployees int CUN; Description long(32000) CUN;
OwnerId reference CUD->User(Owner); {_EXTERNAL}; Kustomer_Domains__c long(32000) CUN;
Kustomer_Tags__c long(32000) CUN; Kustomer_Full_Name__c long(1024) CUN;
Kustomer_External_Id__c string(255) CUN; {_STAMPS}""",
    ),
    "Contact": (
        "003",
        f"""AccountId reference CUN->Account(Account); MailingStreet textarea(255) CUN; MailingCity string(40) CUN;
MailingState string(80) CUN; MailingPostalCode string(20) CUN; MailingCountry string(80) CUN;
HomePhone phone(40) CUN; OtherPhone phone(40) CUN; Birthdate date CUN; Department string(80) CUN;
ReportsToId reference CUN->Contact(ReportsTo); OwnerId reference CUD->User(Owner); {_PERSON}""",
    ),
    "Lead": (
        "00Q",
        f"""Company string(255) CU; Street textarea(255) CUN; City string(40) CUN; State string(80) CUN;
PostalCode string(20) CUN; Country string(80) CUN; Website url(255) CUN; Status picklist(255) CUD=Open - Not Contacted|Working|Closed - Converted;
IsConverted boolean CD; ConvertedDate date N; ConvertedContactId reference N->Contact(ConvertedContact);
ConvertedAccountId reference N->Account(ConvertedAccount); Kustomer_Contact__c reference CUN->Contact(Kustomer_Contact__r);
OwnerId reference CUD->User,Group(Owner); {_PERSON}""",
    ),
    "Case": (
        "500",
        f"""CaseNumber string(30) DI; ContactId reference CUN->Contact(Contact); AccountId reference CUN->Account(Account);
ParentId reference CUN->Case(Parent); SuppliedName string(80) CUN; SuppliedEmail email(80) CUN;
SuppliedPhone string(40) CUN; Type picklist(40) CUN;
Status picklist(40) CUND=New|Working|Escalated|Closed|+Open|+Snoozed|+Done; Reason picklist(40) CUN;
Origin picklist(40) CUN=Phone|Email|Web|+Chat|+SMS|+Facebook|+Twitter|+Instagram|+WhatsApp|+Form|+Other;
Subject string(255) CUN; Priority picklist(40) CUND=High|Medium|Low; Description long(32000) CUN;
IsClosed boolean D; ClosedDate datetime N; IsEscalated boolean CUD; OwnerId reference CUD->Group,User(Owner);
Comments long(4000) CUN; {_EXTERNAL}; Kustomer_Lead__c reference CUN->Lead(Kustomer_Lead__r);
Kustomer_Closed_At__c datetime CUN; Kustomer_Full_Subject__c long(1024) CUN; Kustomer_Status__c string(255) CUN;
Kustomer_Priority__c double(0) CUN; Kustomer_Channels__c string(255) CUN; Kustomer_Assigned_Users__c long(32000) CUN;
Kustomer_Assigned_Teams__c long(32000) CUN; Kustomer_Tags__c long(32000) CUN; Kustomer_Direction__c string(255) CUN;
Kustomer_External_Id__c string(255) CUN; {_STAMPS}""",
    ),
    "EmailMessage": (
        "02s",
        f"""ParentId reference CNM->Case(Parent); RelatedToId reference CUN->Account,Case(RelatedTo); Subject string(3000) CUN;
TextBody long(131072) CUN; HtmlBody long(131072) CUN; Headers long(32000) CUN; FromAddress email(1000) CUN;
FromName string(1000) CUN; ToAddress string(4000) CUN; CcAddress string(4000) CUN; BccAddress string(4000) CUN;
Incoming boolean CD; HasAttachment boolean D; IsExternallyVisible boolean CUD; MessageDate datetime CUN;
MessageIdentifier string(765) CUNI; ThreadIdentifier string(765) CUNI; Name string(255) I;
ReplyToEmailMessageId reference CN->EmailMessage(ReplyToEmailMessage); Status picklist(40) CUR=0|1|2|3|4|5;
ToIds junctionidlist CN; CcIds junctionidlist CN; BccIds junctionidlist CN; ContentDocumentIds junctionidlist CN;
{_EXTERNAL}; Kustomer_Channel__c string(255) CUN; Kustomer_Direction_Type__c string(255) CUN;
Kustomer_Status__c string(255) CUN; Kustomer_External_Id__c long(1024) CUN; {_STAMPS}""",
    ),
    "CaseComment": (
        "00a",
        """ParentId reference CM->Case(Parent); CommentBody textarea(4000) CUN; IsPublished boolean CUD;
IsNotificationSelected boolean CUD""",
    ),
    "CaseMilestone": (
        "555",
        """CaseId reference CM->Case(Case); TargetDate datetime CUN; CompletionDate datetime CUN; IsCompleted boolean CUD;
IsViolated boolean D""",
    ),
    "User": (
        "005",
        """Username string(80) CUI; Email email(128) CUI; FirstName string(40) CUN; LastName string(80) CU; Name string(121) -;
Alias string(8) CU; IsActive boolean CUD; FederationIdentifier string(512) CUNI; UserType picklist(40) D=Standard;
ProfileId reference CU->Profile(Profile); TimeZoneSidKey string(40) CU; LocaleSidKey string(40) CU;
LanguageLocaleKey string(40) CU; EmailEncodingKey string(40) CU""",
    ),
    "Group": (
        "00G",
        """Name string(40) CUI; DeveloperName string(80) CUN; Type picklist(40) CR=Regular|Queue|Role;
DoesSendEmailToMembers boolean CUD; Email email(255) CUN; Description textarea(1332) CUN""",
    ),
    "GroupMember": (
        "011",
        "GroupId reference CM->Group(Group); UserOrGroupId reference C->User,Group(UserOrGroup)",
    ),
    "QueueSobject": ("03g", "QueueId reference CM->Group(Queue); SobjectType string(40) C"),
    "Profile": ("00e", "Name string(255) CU"),
    "Organization": (
        "00D",
        "Name string(80) D; OrganizationType string(40) D; IsSandbox boolean D; InstanceName string(5) DN",
    ),
    "Task": (
        "00T",
        """WhoId reference CUN->Contact,Lead(Who); WhatId reference CUN->Account,Case(What); Subject combobox(255) CUN;
ActivityDate date CUN; Status picklist(255) CUD=Not Started|In Progress|Completed; Priority picklist(20) CUD=Normal|High|Low;
Description long(32000) CUN; TaskSubtype picklist(40) CNR=Task|Email|Call|ListEmail|LinkedIn; CallType picklist(40) CUNR=Internal|Inbound|Outbound;
CallDurationInSeconds int CUN; CallDisposition string(255) CUN; CallObject string(255) CUN; IsClosed boolean D;
CompletedDateTime datetime N; OwnerId reference CUD->User,Group(Owner)""",
    ),
    "EmailMessageRelation": (
        "0MR",
        """EmailMessageId reference CM->EmailMessage(EmailMessage); RelationAddress string(255) CN;
RelationId reference CUN->Contact,Lead,User(Relation); RelationObjectType string(50) N;
RelationType picklist(40) CR=ToAddress|CcAddress|BccAddress|FromAddress|OtherAddress""",
    ),
    "ContentDocument": (
        "069",
        """Title string(255) U; Description textarea(1000) UN; FileType string(20) -; FileExtension string(40) N;
ContentSize int N; LatestPublishedVersionId reference N->ContentVersion(LatestPublishedVersion); PublishStatus picklist(40) D=P|R|U;
OwnerId reference UD->User(Owner)""",
    ),
    "ContentVersion": (
        "068",
        f"""ContentDocumentId reference CDM->ContentDocument(ContentDocument); Title string(255) CUDI; Description textarea(1000) CUN;
PathOnClient string(500) CN; VersionData base64 CUN; Checksum string(50) N; ContentSize int N; FileExtension string(40) N; FileType string(20) -;
ContentLocation picklist(40) CDR=S|E|L; Origin picklist(40) CDR=C|H; IsLatest boolean D; IsMajorVersion boolean CD; VersionNumber string(20) N;
FirstPublishLocationId reference CN->{_LINKABLE}(FirstPublishLocation); ReasonForChange string(1000) CUN; PublishStatus picklist(40) DR=P|R|U;
OwnerId reference CUD->User(Owner)""",
    ),
    "ContentDocumentLink": (
        "06A",
        f"""ContentDocumentId reference CM->ContentDocument(ContentDocument); LinkedEntityId reference CM->{_LINKABLE}(LinkedEntity);
ShareType picklist(40) CUNR=V|C|I; Visibility picklist(40) CUNR=AllUsers|InternalUsers|SharedUsers""",
    ),
    "CaseStatus": (
        "01J",
        "MasterLabel string(255) -; ApiName string(255) -; IsClosed boolean D; IsDefault boolean D; SortOrder int N",
    ),
    "Topic": (
        "0TO",
        "Name string(99) CI; Description string(1000) CUN; TalkingAbout int D; ManagedTopicType string(99) N",
    ),
    "TopicAssignment": (
        "0TA",
        """TopicId reference CM->Topic(Topic); EntityId reference CM->Account,Case,Contact,Lead,EmailMessage,Task(Entity);
EntityKeyPrefix string(3) NI; EntityType string(80) N""",
    ),
    "PermissionSet": (
        "0PS",
        "Name string(80) CU; Label string(80) CU; Description string(255) CUN; IsOwnedByProfile boolean D;"
        + ";".join(f"{name} boolean CU" for name in PERMISSIONS),
    ),
    "PermissionSetAssignment": (
        "0Pa",
        "AssigneeId reference CM->User(Assignee); PermissionSetId reference CM->PermissionSet(PermissionSet)",
    ),
    "ApexTrigger": (
        "01q",
        """Name string(255) -; TableEnumOrId picklist(40) -; Status picklist(40) -; NamespacePrefix string(15) N;
UsageBeforeInsert boolean D; UsageAfterInsert boolean D; UsageBeforeUpdate boolean D; UsageAfterUpdate boolean D;
UsageBeforeDelete boolean D; UsageAfterDelete boolean D""",
    ),
    "AssignmentRule": ("01Q", "Name string(120) -; SobjectType picklist(40) -; Active boolean D"),
    "DuplicateRule": (
        "0Bm",
        """DeveloperName string(80) -; MasterLabel string(255) N; SobjectType picklist(40) -; SobjectSubtype picklist(40) N;
IsActive boolean D""",
    ),
    "EntityDefinition": (
        "4ie",
        "QualifiedApiName string(70) -; DurableId string(300) N; KeyPrefix string(3) N",
    ),
    "FlowDefinitionView": (
        "3dd",
        """ApiName string(80) -; Label string(255) -; ProcessType picklist(40) -; TriggerType picklist(40) N;
RecordTriggerType picklist(40) N; TriggerObjectOrEventId string(255) N; TriggerObjectOrEventLabel string(255) N;
ActiveVersionId string(255) N; IsActive boolean D; TriggerOrder int N""",
    ),
    "MatchingRule": (
        "0JD",
        "DeveloperName string(80) -; SobjectType picklist(40) -; RuleStatus picklist(40) -",
    ),
    "ValidationRule": (
        "03d",
        """ValidationName string(80) -; Active boolean D; ErrorMessage string(255) N; ErrorDisplayField string(80) N;
EntityDefinitionId reference N->EntityDefinition(EntityDefinition)""",
    ),
    "WorkflowRule": ("01W", "Name string(80) -; TableEnumOrId picklist(40) -"),
    "UserPermissionAccess": ("0UP", ";".join(f"{name} boolean D" for name in PERMISSIONS)),
}
