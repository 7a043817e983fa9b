"""What all JSON documents of the command share."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A JSON document; nothing is in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")
