"""`hooks` of the config file: what is told, when, and what becomes of the run when telling fails."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from service.config_parts import Secret, Section, endpoint
from service.errors import ConfigInvalid
from service.hooks.points import PointName

# What the client itself says; a second value of these would make two messages of one.
_OURS = frozenset({"host", "connection", "content-length", "content-type", "transfer-encoding"})
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=100)]


class WebhookAddress:
    """A webhook's address, or a reference to one whose path is a secret in itself."""

    def __init__(self, given: str | Secret) -> None:
        self._given = given

    def resolve(self) -> str:
        """Return the address; raises `SecretMissing`, or `ConfigInvalid` for one that cannot be used."""
        if isinstance(self._given, str):
            return self._given
        try:
            return endpoint(self._given.resolve(), secret=True)
        except PydanticCustomError as error:
            raise ConfigInvalid(
                f"The address behind {self._given.reference} {error.message()}.",
                next_step="Correct what the reference leads to.",
            ) from None

    @property
    def shown(self) -> str:
        """The host, or the reference: what may be shown of it."""
        if isinstance(self._given, Secret):
            return self._given.reference
        parts = urlsplit(self._given)
        return f"{parts.scheme}://{parts.netloc}"

    def __repr__(self) -> str:
        return f"WebhookAddress({self.shown!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Accept an address or a reference; what was given is never echoed."""
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say the form of it, for the published schema."""
        return {"type": "string", "pattern": "^(https?://|env:|file:).+$"}

    @classmethod
    def _read(cls, value: Any) -> "WebhookAddress":
        if isinstance(value, str) and value.partition(":")[0] in ("env", "file"):
            return cls(Secret.read(value))
        if not isinstance(value, str):
            raise PydanticCustomError("address", "must be an address or a reference to one")
        return cls(endpoint(value))


class HookConfig(Section):
    """One hook: a command or a webhook."""

    on: list[PointName] = Field(min_length=1, description="The points that it is told of.")
    command: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list,
        description="A program and its arguments, run without a shell; the document is on its stdin.",
    )
    url: WebhookAddress | None = Field(
        default=None,
        description="A webhook's address, or a reference (env:NAME, file:PATH) to it; the document is "
        "POSTed there.",
    )
    header: dict[HeaderName, Secret] = Field(
        default_factory=dict, description="Headers of the webhook, each a reference to its value."
    )
    failing: Literal["go-on", "stop"] = Field(
        default="go-on",
        description="What becomes of the run when the hook fails; with `stop` the run waits for it.",
    )
    timeout_seconds: float = Field(
        default=30, ge=0.1, le=3600, description="How long it may take, repeated tries and all."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "HookConfig":
        if bool(self.command) == (self.url is not None):
            raise PydanticCustomError("hook", "must have either a command or a url")
        if self.header and self.url is None:
            raise PydanticCustomError("hook", "must have a url where it has headers")
        if any(name.lower() in _OURS for name in self.header):
            raise PydanticCustomError("hook", "must leave Host, Content-Type and the like to us")
        return self

    @property
    def kind(self) -> Literal["command", "webhook"]:
        """What it is."""
        return "command" if self.command else "webhook"

    @property
    def target(self) -> str:
        """The program's name or the webhook's host: what may be shown."""
        return self.url.shown if self.url else self.command[0]
