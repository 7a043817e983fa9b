"""The config file's model (DESIGN, section 4). Each field's description feeds the generated docs."""

import ipaddress
import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.functional_validators import AfterValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from service.errors import SecretMissing


class Secret:
    """A reference to a secret, `env:NAME` or `file:PATH`; the secret itself is never kept."""

    def __init__(self, reference: str) -> None:
        self.reference = reference

    def resolve(self) -> str:
        """Return the secret; raises `SecretMissing` when the reference leads nowhere."""
        kind, _, name = self.reference.partition(":")
        value: str | None
        if kind == "env":
            value = os.environ.get(name)
        else:
            try:
                value = Path(name).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                value = None
        if not value:
            raise SecretMissing(
                f"The secret {self.reference} is not there or is empty.",
                next_step="Set the variable, or put the secret into the file, and try again.",
            )
        return value

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Accept a reference; never echo what was given instead of one."""
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say the form of a reference, for the published schema."""
        return {"type": "string", "pattern": "^(env|file):.+$"}

    @classmethod
    def _read(cls, value: Any) -> "Secret":
        if isinstance(value, str):
            kind, _, name = value.partition(":")
            if kind in ("env", "file") and name.strip():
                return cls(value)
        raise PydanticCustomError("secret", "must be a reference, env:NAME or file:PATH")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("address", "must be an address such as https://host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise PydanticCustomError("address", "must be https; plain http is for this machine only")
    if parts.username or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise PydanticCustomError("address", "must be the host alone, without path or user")
    return value.rstrip("/")


def _org_id(value: str) -> str:
    if len(value) not in (15, 18) or not value.isalnum() or not value.startswith("00D"):
        raise PydanticCustomError("org_id", "must be an org id: 00D and 15 or 18 characters in all")
    return value


Address = Annotated[str, AfterValidator(_address)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KustomerConfig(_Section):
    """The source."""

    base_url: Address = Field(description="The org's own address, https://ORG.api.kustomerapp.com.")
    api_key: Secret = Field(description="Reference to an API key with the read roles.")
    rate_share: float = Field(
        default=0.7, ge=0.05, le=1, description="Share of the org's request limit; rest: agents."
    )
    search_per_minute: int = Field(
        default=90, ge=1, le=100, description="Searches a minute; Kustomer allows API keys 100."
    )
    connections: int = Field(default=12, ge=1, le=64, description="Pages read at the same time.")


class JwtConfig(_Section):
    """What the JWT bearer flow needs beside the client id."""

    username: str = Field(description="The Salesforce user to run as.")
    private_key: Secret = Field(description="Reference to the RSA private key, PEM.")


class SalesforceConfig(_Section):
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


class RetryConfig(_Section):
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


class DeltaConfig(_Section):
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


class TransitionsConfig(_Section):
    """What becomes of a Lead whose customer has become a Contact."""

    retire: Literal["keep", "mark", "delete"] = Field(
        default="mark",
        description="The Lead is kept as it is, marked with its Contact, or put into the recycle bin. "
        "One that somebody else wrote to is marked instead of deleted.",
    )


def _endpoint(value: str) -> str:
    """An address that may have a path: models are served below one."""
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username:
        raise PydanticCustomError("address", "must have no user, query or fragment")
    return _address(f"{parts.scheme}://{parts.netloc}") + parts.path.rstrip("/")


class LanguageModelConfig(_Section):
    """A language model that may re-rank the proposal; it is told names, types and counts only."""

    base_url: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="OpenAI-compatible endpoint, such as https://host/v1; off where it is not named."
    )
    model: str = Field(description="Name of the model.")
    api_key: Secret | None = Field(default=None, description="Reference to the endpoint's key.")


class MapConfig(_Section):
    """How the map is proposed."""

    language_model: LanguageModelConfig | None = Field(
        default=None, description="Off by default; the proposal is complete without it."
    )


class LogConfig(_Section):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Least level shown; info tells of every job and gate."
    )
    format: Literal["text", "json"] = Field(default="text", description="Form of a line.")


class Config(_Section):
    """The whole file."""

    kustomer: KustomerConfig
    salesforce: SalesforceConfig
    delta: DeltaConfig = DeltaConfig()
    transitions: TransitionsConfig = TransitionsConfig()
    retry: RetryConfig = RetryConfig()
    map: MapConfig = MapConfig()
    log: LogConfig = LogConfig()
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
