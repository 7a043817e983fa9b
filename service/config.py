"""The config file's model (DESIGN, section 4). Each field's description feeds the generated docs."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from service.config_hooks import HookConfig
from service.config_hours import OfficeHoursConfig
from service.config_parts import Address, Endpoint, Secret, Section


def _org_id(value: str) -> str:
    if len(value) not in (15, 18) or not value.isalnum() or not value.startswith("00D"):
        raise PydanticCustomError("org_id", "must be an org id: 00D and 15 or 18 characters in all")
    return value


class KustomerConfig(Section):
    """The source."""

    base_url: Address = Field(description="The org's own address, https://ORG.api.kustomerapp.com.")
    api_key: Secret = Field(description="Reference to an API key with the read roles.")
    rate_share: float = Field(
        default=0.7, ge=0.05, le=1, description="Share of the org's request limit; rest: agents."
    )
    search_per_minute: int = Field(
        default=90, ge=1, le=100, description="Searches a minute; Kustomer allows API keys 100."
    )
    office_hours: OfficeHoursConfig | None = Field(
        default=None, description="Another share while people are at work; off by default."
    )
    connections: int = Field(default=12, ge=1, le=64, description="Pages read at the same time.")


class JwtConfig(Section):
    """What the JWT bearer flow needs beside the client id."""

    username: str = Field(description="The Salesforce user to run as.")
    private_key: Secret = Field(description="Reference to the RSA private key, PEM.")


class SalesforceConfig(Section):
    """The target."""

    login_url: Address = Field(
        default="https://login.salesforce.com",
        description="Where to sign in; client credentials need the org's My Domain.",
    )
    auth: Literal["client_credentials", "jwt_bearer"] = Field(
        default="client_credentials", description="How to sign in."
    )
    client_id: Secret = Field(description="Reference to the connected app's consumer key.")
    client_secret: Secret | None = Field(
        default=None, description="Reference to the consumer secret (client_credentials)."
    )
    jwt: JwtConfig | None = Field(default=None, description="For auth: jwt_bearer.")
    api_version: str = Field(
        default="62.0", pattern=r"^\d\d\.0$", description="API version, such as 62.0."
    )
    org_id: Annotated[str, AfterValidator(_org_id)] = Field(
        description="The target org; another org that answers is refused."
    )
    default_owner: str = Field(
        default="",
        description="User id or e-mail that owns Cases without a known owner; naming one is the choice "
        "of a fallback for users without a match.",
    )
    lanes: int = Field(default=4, ge=1, le=16, description="Lanes that parents are dealt to.")
    daily_reserve: float = Field(
        default=0.1,
        ge=0,
        description="Of the org's requests in 24 hours, what is left to others: a share below 1, "
        "else a number.",
    )
    live_jobs: int = Field(default=4, ge=1, le=16, description="Ingest jobs at the same time.")

    @model_validator(mode="after")
    def _complete(self) -> "SalesforceConfig":
        if self.auth == "client_credentials" and self.client_secret is None:
            raise PydanticCustomError("auth", "auth client_credentials needs client_secret")
        if self.auth == "jwt_bearer" and self.jwt is None:
            raise PydanticCustomError(
                "auth", "auth jwt_bearer needs jwt.username and jwt.private_key"
            )
        return self


class RetryConfig(Section):
    """How calls that may be repeated are repeated."""

    attempts: int = Field(default=8, ge=1, le=20, description="Sends of one call in a row.")
    base_seconds: float = Field(
        default=0.5, ge=0.05, le=60, description="Pause after the first one; it doubles each time."
    )
    cap_seconds: float = Field(default=30, ge=0.05, le=300, description="Longest of these pauses.")
    patience_minutes: float = Field(
        default=480,
        ge=0,
        description="How long a run waits for a side that is down, after these; 0 ends it at once.",
    )


ConflictRule = Literal["ask", "source", "target"]
FieldName = Annotated[str, Field(pattern=r"^\w+\.\w+$")]


class DeltaConfig(Section):
    """How changes are followed after the full load."""

    lag_seconds: int = Field(
        default=120, ge=0, description="A window ends this far behind now: the index lags."
    )
    overlap_seconds: int = Field(default=900, ge=0, description="Windows overlap by this much.")
    deletes: Literal["keep", "mark", "delete"] = Field(
        default="mark",
        description="What becomes of a loaded record that is deleted in Kustomer: `keep`, `mark` (its "
        "Kustomer_Deleted_At__c is set, where the map has it), or `delete`, unless others touched it.",
    )
    sweep_hours: float = Field(
        default=24,
        ge=0,
        description="How often delta reads the ids of all records again, to notice those that were "
        "deleted and left no tombstone; 0: only with --sweep.",
    )
    sweep_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="A sweep that misses more than this share of what is loaded of a stream, and more "
        "than sweep_records, is held until somebody accepts it.",
    )
    sweep_records: int = Field(
        default=25,
        ge=0,
        description="Missing records that a sweep asks for whatever their share is.",
    )
    merged_messages: Literal["keep", "anew"] = Field(
        default="keep",
        description="What becomes of a loaded e-mail whose conversation was merged into another one: it "
        "stays on its Case and is told of (`keep`), or is deleted and made anew on the survivor's Case "
        "(`anew`), unless others touched it.",
    )
    conflicts: ConflictRule = Field(
        default="ask",
        description="Who wins where somebody else changed a field in Salesforce that the source has "
        "changed too: `source`, `target`, or `ask`, which holds the field until somebody decides.",
    )
    conflict_fields: dict[FieldName, ConflictRule] = Field(
        default_factory=dict, description="The same for single fields, such as Case.OwnerId."
    )


class CutoverConfig(Section):
    """The switch: how long it must be quiet, what is proven, and what comes after it."""

    quiet_minutes: float = Field(
        default=10, ge=0, description="No change for so long, and the source counts as frozen."
    )
    look_seconds: float = Field(
        default=30, ge=1, description="Pause between two looks while it is waited for that."
    )
    proof: Literal["since-load", "whole"] = Field(
        default="since-load",
        description="What the zero-delta proof reads again: all that changed since the load began, or "
        "every record.",
    )
    sweep: bool = Field(
        default=True,
        description="Whether the final delta reads the ids of all records, to notice deletions that left "
        "no trace; about 2 million records an hour.",
    )
    verify_sample: int = Field(
        default=200, ge=0, description="Records of each phase that are compared field by field."
    )
    hypercare: Literal["off", "report", "apply"] = Field(
        default="report",
        description="What `delta` does after the switch: refuse, tell what was still written in "
        "Kustomer, or bring it over.",
    )
    hypercare_days: float = Field(default=14, ge=0, description="For how long it does that.")


class PlansConfig(Section):
    """How plans are carried out."""

    by_conversation: int = Field(
        default=10_000,
        ge=0,
        description="Up to so many conversations that go first are read by id, and what belongs to them "
        "by a list each; of more than that the org-wide lists are read whole in both stages.",
    )


class TransitionsConfig(Section):
    """What becomes of a Lead whose customer has become a Contact."""

    retire: Literal["keep", "mark", "delete"] = Field(
        default="mark",
        description="The Lead is kept as it is, marked with its Contact, or put into the recycle bin. "
        "One that somebody else wrote to is marked instead of deleted.",
    )


class LanguageModelConfig(Section):
    """A language model that may re-rank the proposal; it is told names, types and counts only."""

    base_url: Endpoint = Field(
        description="OpenAI-compatible endpoint, such as https://host/v1; off where it is not named."
    )
    model: str = Field(description="Name of the model.")
    api_key: Secret | None = Field(default=None, description="Reference to the endpoint's key.")


class MapConfig(Section):
    """How the map is proposed."""

    language_model: LanguageModelConfig | None = Field(
        default=None, description="Off by default; the proposal is complete without it."
    )


class LogConfig(Section):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Least level shown; info tells of every job and gate."
    )
    format: Literal["text", "json"] = Field(default="text", description="Form of a line.")


class Config(Section):
    """The whole file."""

    kustomer: KustomerConfig
    salesforce: SalesforceConfig
    delta: DeltaConfig = DeltaConfig()
    plans: PlansConfig = PlansConfig()
    transitions: TransitionsConfig = TransitionsConfig()
    cutover: CutoverConfig = CutoverConfig()
    retry: RetryConfig = RetryConfig()
    map: MapConfig = MapConfig()
    log: LogConfig = LogConfig()
    hooks: list[HookConfig] = Field(
        default_factory=list,
        max_length=20,
        description="Commands and webhooks that are told at named points.",
    )
    unmatched_users: Literal["refuse", "hold"] = Field(
        default="refuse",
        description="While Kustomer users have no Salesforce user: refuse to migrate (unless "
        "salesforce.default_owner names a fallback), or hold their records and let all others go.",
    )
    mail_aliases: dict[str, str] = Field(
        default_factory=dict,
        description="Former mail addresses or domains of agents, and what they are in Salesforce.",
    )
    workspace: Path = Field(
        default=Path("ferry"),
        description="Folder of state, spool, mapping and reports; relative to the config file.",
    )
    spool_limit_mb: int = Field(
        default=4096, ge=1, description="Sealed rows wait on disk up to this; then reading waits."
    )
    queue_mb: int = Field(default=4, ge=1, description="Pages waiting in memory, at most.")
    profile: bool = Field(
        default=True,
        description="Count how the values of all records look while they are read (map profile).",
    )
    spool_key: Secret | None = Field(
        default=None,
        description="Reference to a key of 32 bytes (hex or base64): what records hold is encrypted "
        "in the workspace. Fixed when the workspace is begun.",
    )

    def fingerprint(self) -> str:
        """A digest of what must not change between runs: the addresses and the org."""
        parts = (self.kustomer.base_url, self.salesforce.login_url, self.salesforce.org_id[:15])
        return sha256("\n".join(parts).encode()).hexdigest()
