"""What the sections of the config file are made of: secrets by reference, addresses."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
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
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say the form of a reference, for the published schema."""
        return {"type": "string", "pattern": "^(env|file):.+$"}

    @classmethod
    def read(cls, value: Any) -> "Secret":
        """Accept a reference; raises a validation error that does not echo what was given."""
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


def endpoint(value: str, *, secret: bool = False) -> str:
    """An address that may have a path; with `secret` also a query: both may be keys in themselves."""
    parts = urlsplit(value)
    if parts.fragment or parts.username or (parts.query and not secret):
        raise PydanticCustomError("address", "must have no user, query or fragment")
    host = _address(f"{parts.scheme}://{parts.netloc}")
    return host + parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")


Address = Annotated[str, AfterValidator(_address)]
Endpoint = Annotated[str, AfterValidator(endpoint)]


class Section(BaseModel):
    """A section of the file; a key that it does not name is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)
