"""The log of every effect, append-only, so that a test can prove `exactly once`."""

import os
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
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
    """All effects in memory, and as JSON lines in `path` when there is one.

    The file is opened once, at the first effect. Each effect is one unbuffered append, so that
    the log of a stand-in that is killed ends with a whole line.
    """

    path: Path | None = None
    entries: list[Effect] = field(default_factory=list)
    _file: int | None = field(default=None, init=False, repr=False)
    _closing: weakref.finalize | None = field(default=None, init=False, repr=False)  # type: ignore[type-arg]

    def write(self, effect: Effect) -> None:
        """Note an effect."""
        self.entries.append(effect)
        if self.path is None:
            return
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            self._closing = weakref.finalize(self, os.close, self._file)
        os.write(self._file, orjson.dumps(effect) + b"\n")

    def close(self) -> None:
        """Let go of the file; a later effect opens it again."""
        if self._closing is not None:
            self._closing()
        self._file = self._closing = None
