"""The org behind the stand-in: its store, its people, its sessions and its counters."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.salesforce.automation import seed_automation
from simulators.salesforce.effects import EffectLog
from simulators.salesforce.schema import Schema
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import Store
from simulators.salesforce.tables import CLOSED_STATUSES, PERMISSIONS

VERSIONS = [f"{number}.0" for number in range(50, 67)]


@dataclass
class Org:
    """Everything that outlives a request."""

    settings: SalesforceSettings
    clock: Callable[[], float] = time.time
    tokens: dict[str, float] = field(default_factory=dict)
    api_calls: int = 0
    bulk_batches: int = 0
    rows_per_batch: list[int] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        settings = self.settings
        schema = Schema(
            hidden=settings.hidden_fields,
            audit=settings.audit_fields,
            bare=settings.bare,
            persons=settings.person_accounts,
        )
        self.effects = EffectLog(settings.effect_log)
        self.store = Store(
            schema,
            clock=self.clock,
            effects=self.effects,
            short_duplicate_ids=settings.short_duplicate_ids,
            refuse_pairs=settings.refuse_pairs,
            inactive_owner=settings.inactive_owner,
        )
        self.store.access_lag_s = settings.access_lag_s
        self._seed()

    def _seed(self) -> None:
        store, settings = self.store, self.settings
        profile = store.seed("Profile", {"Name": "System Administrator"})
        store.seed(
            "Organization",
            {
                "Id": settings.org_id,
                "Name": "Acme",
                "OrganizationType": settings.edition,
                "IsSandbox": False,
                "InstanceName": "NA1",
            },
        )
        self.user_id = self._user(settings.username, "Integration", profile)
        store.running_user = self.user_id
        there = max(0, settings.users - settings.unmatched_users)
        single = there - settings.ambiguous_users
        for number in range(there):
            active = not single - settings.inactive_users <= number < single
            email, name = f"agent{number}@acme.example", f"Agent {number}"
            self._user(email, name, profile, active=active)
            if number >= single:
                self._user(email, f"{name} again", profile, username=f"again.{email}")
        for number in range(settings.teams):
            queue = store.seed(
                "Group",
                {"Name": f"Team {number}", "DeveloperName": f"Team_{number}", "Type": "Queue"},
            )
            store.seed("QueueSobject", {"QueueId": queue, "SobjectType": "Case"})
        self._seed_setup()
        if settings.automation:
            seed_automation(store)
        people = store.shelf("User").records
        seller = next((each for each in people if each != self.user_id), self.user_id)
        made_by = {"CreatedById": seller, "LastModifiedById": seller}
        for name, website in settings.accounts:
            store.seed(
                "Account",
                {"Name": name, "Website": website, "OwnerId": self.user_id, **made_by},
            )

    def _seed_setup(self) -> None:
        """The statuses of cases, and what the running user may do (facts, 7.1 and 7.9)."""
        store, settings = self.store, self.settings
        for number, status in enumerate(store.schema.objects["Case"].fields["Status"].values, 1):
            store.seed(
                "CaseStatus",
                {
                    "MasterLabel": status,
                    "ApiName": status,
                    "IsClosed": status in CLOSED_STATUSES,
                    "IsDefault": status == "New",
                    "SortOrder": number,
                },
            )
        granted = dict.fromkeys(PERMISSIONS, True) | {
            "PermissionsCreateAuditFields": settings.audit_fields,
            "PermissionsUpdateWithInactiveOwner": settings.inactive_owner,
            "PermissionsCanUpdateEmailMessage": settings.update_mail,
            "PermissionsAssignTopics": settings.topics,
            "PermissionsCreateTopics": settings.topics,
            "PermissionsViewAllData": settings.sees_all,
        }
        store.seed("UserPermissionAccess", granted)
        for name, person in (("Business", False), ("Person", True)):
            if settings.person_accounts:
                kind: dict[str, Any] = {
                    "Name": f"{name} Account",
                    "DeveloperName": f"{name}Account",
                }
                kind |= {"SobjectType": "Account", "IsActive": True, "IsPersonType": person}
                store.seed("RecordType", kind)

    def _user(
        self, email: str, last_name: str, profile: str, *, username: str = "", active: bool = True
    ) -> str:
        return self.store.seed(
            "User",
            {
                "Username": f"{username or email}.acme",
                "Email": email,
                "LastName": last_name,
                "Name": last_name,
                "IsActive": active,
                "UserType": "Standard",
                "ProfileId": profile,
            },
        )

    def new_token(self) -> str:
        """Sign somebody in."""
        token = f"{self.settings.org_id[:15]}!{secrets.token_urlsafe(40)}"
        self.tokens[token] = self.clock() + self.settings.token_ttl_s
        return token

    def knows(self, token: str) -> bool:
        """Tell whether a session is alive."""
        return self.tokens.get(token, 0.0) > self.clock()

    def limits(self) -> dict[str, Any]:
        """The limits resource."""
        settings = self.settings

        def left(most: int, used: int) -> dict[str, int]:
            return {"Max": most, "Remaining": max(0, most - used)}

        return {
            "DailyApiRequests": left(settings.api_calls_max, self.api_calls),
            "DailyBulkApiBatches": left(settings.bulk_batches_max, self.bulk_batches),
            "DailyBulkV2QueryJobs": left(10_000, 0),
            "DataStorageMB": left(settings.data_storage_mb, 0),
            "FileStorageMB": left(settings.file_storage_mb, 0),
            "ContentPublicationLimit": left(200_000, 0),
        }
