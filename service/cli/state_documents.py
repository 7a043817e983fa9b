"""What `deskferry state` and `deskferry purge` print with `--json`."""

from service.cli.document import Document


class FoundObjectFacts(Document):
    """Records of one object with our key: in use, in the recycle bin, new to the ledger."""

    phase: str
    object: str
    found: int
    binned: int
    learned: int


class RebuildDocument(Document):
    """`deskferry state rebuild`. `set_aside` is where an earlier database was put."""

    objects: list[FoundObjectFacts]
    by_content: list[str]
    jobs_waited_for: int
    set_aside: str | None


class ExportDocument(Document):
    """`deskferry state export`: where the CSV lies, and its entries by kind."""

    path: str
    entries: dict[str, int]


class FindingFacts(Document):
    """One thing that is not as it should be; a note (`serious` false) needs nobody."""

    code: str
    place: str
    detail: str
    next_step: str
    serious: bool


class CheckStateDocument(Document):
    """`deskferry state check`. `busy` is the process that works there now; 0 when not known."""

    busy: int | None
    batch_files: int
    phases: int
    findings: list[FindingFacts]
    exit_code: int


class PurgeDocument(Document):
    """`deskferry purge`: rows and batch files without payloads now, and other files removed."""

    rows: int
    batch_files: int
    spool_bytes: int
    other_files: int
