"""What `deskferry conflicts` prints with `--json`."""

from service.cli.document import Document


class ConflictFacts(Document):
    """A field with both values; `decision` is empty while it is open. Times in epoch seconds."""

    phase: str
    source_id: str
    part: int
    field: str
    object: str
    target_id: str
    ours: str
    theirs: str
    theirs_by: str
    found_at: float
    decision: str
    decided_by: str
    decided_at: float | None


class ConflictsListDocument(Document):
    """`deskferry conflicts list`."""

    conflicts: list[ConflictFacts]


class ConflictsDecideDocument(Document):
    """`deskferry conflicts decide`."""

    fields: int
    phases: list[str]
