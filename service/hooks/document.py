"""What a hook is told: one JSON document, on a command's stdin or as a webhook's body."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from service.hooks.points import POINTS, Figure, PointName
from service.logging import redact


class HookDocument(BaseModel):
    """The document that every hook gets. `docs/reference/hooks.md` tells the figures of each point."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="Of this telling: one that arrives twice was sent twice.")
    point: PointName = Field(description="What is told.")
    at: str = Field(description="When it was so, UTC, ISO 8601.")
    run: str = Field(description="The run, as its log lines name it.")
    command: str = Field(description="The command that runs: migrate, delta, ...")
    figures: dict[str, int | float | str | dict[str, int | float] | None] = Field(
        description="Counts, seconds and codes; never a name, a mail address, a text or a key."
    )
    merged: int = Field(
        description="Earlier tellings of this point that this hook did not get, since it was behind."
    )
    test: bool = Field(description="True where `hooks test` sends a sample.")

    def written(self) -> bytes:
        """As one line of JSON."""
        return orjson.dumps(self.model_dump()) + b"\n"


def checked(point: PointName, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """The figures as the document takes them; raises ValueError for one that is not declared."""
    unknown = figures.keys() - POINTS[point].figures.keys()
    if unknown:
        raise ValueError(f"{point} has no figure {', '.join(sorted(unknown))}")
    return {name: _shown(value) for name, value in figures.items()}


def _shown(value: Figure) -> Any:
    """Texts are redacted as in the log: a reason of Salesforce's may quote what it refused."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(name): number for name, number in value.items()}
    return value


def moment(now: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")


def sample(point: PointName) -> dict[str, Figure]:
    """The sample figures of a point."""
    return {name: value for name, (_, value) in POINTS[point].figures.items()}
