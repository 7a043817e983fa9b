"""The log of every effect, append-only, so that a test can prove `exactly once`."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson


@dataclass(frozen=True)
class Effect:
    """One change of one record."""

    op: str
    object: str
    id: str
    external_id: str | None
    source: str
    job: str


@dataclass
class EffectLog:
    """All effects in memory, and as JSON lines in `path` when there is one."""

    path: Path | None = None
    entries: list[Effect] = field(default_factory=list)

    def write(self, effect: Effect) -> None:
        """Note an effect."""
        self.entries.append(effect)
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(orjson.dumps(effect) + b"\n")
