"""What `deskferry cutover` prints with `--json`."""

from service.cli.document import Document
from service.cutover.facts import CutoverFacts, LineFacts


class CutoverDocument(CutoverFacts):
    """`deskferry cutover start`, `status`, `finish` and `abort`.

    `page` is where the go/no-go page lies, '' before it was written. `seal_intact` is null before the
    switch; `seal_changed` names sealed files that are not as they were.
    """

    exit_code: int
    page: str
    seal_intact: bool | None
    seal_changed: list[str]


class CutoverWaiveDocument(Document):
    """`deskferry cutover waive`: the whole check list afterwards."""

    lines: list[LineFacts]
