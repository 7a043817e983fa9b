"""What `deskferry map` prints with `--json`."""

from typing import Literal

from service.cli.document import Document
from service.map_profile import ProfileFacts
from service.map_view import MapFacts


class ProposedLineFacts(Document):
    """One line that was added. `confidence` is null for a reference. `new_field`: it is to be made."""

    phase: str
    object: str
    field: str
    source: str
    new_field: bool
    confidence: float | None
    reason: str


class MapProposeDocument(Document):
    """`deskferry map propose`. `phases` are new; `disabled` ones of them are listed, not moved."""

    exit_code: int
    path: str
    lines: list[ProposedLineFacts]
    phases: list[str]
    disabled: list[str]
    warnings: list[str]


class MapShowDocument(MapFacts):
    """`deskferry map show`: the whole map with samples, and where its page lies."""

    path: str


class PhaseSplitFacts(Document):
    """What becomes of the records of one kind, each counted once; `records` is the sum of all.

    `held` and `skipped`: by reason, of those that go to no object. `way`: how they were read; `gap`: what
    could not be read, null when nothing.
    """

    phase: str
    records: int
    branches: dict[str, int]
    held: dict[str, int]
    skipped: dict[str, int]
    way: str
    gap: str | None


class MapSplitDocument(Document):
    """`deskferry map split`: all records of the kinds of which the map chooses an object, counted."""

    exit_code: int
    phases: list[PhaseSplitFacts]
    requests: int
    seconds: float


class MapProfileDocument(ProfileFacts):
    """`deskferry map profile`: how the values of all records looked, by kind and attribute."""


class MapChangeFacts(Document):
    """One line that differs; `phase` is empty for one outside all phases."""

    path: str
    kind: Literal["added", "removed", "changed"]
    phase: str


class MapDiffDocument(Document):
    """`deskferry map diff`. `affected`: by phase, the objects whose rows come out differently."""

    against: str
    changes: list[MapChangeFacts]
    affected: dict[str, list[str]]


class MapConfirmDocument(Document):
    """`deskferry map confirm`. `at` in epoch seconds; `to_make`: fields that a deploy makes."""

    exit_code: int
    by: str
    at: float
    phases: int
    lines: int
    to_make: int
