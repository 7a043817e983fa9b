"""What `deskferry matches` prints with `--json`."""

from service.cli.document import Document


class OpenMatchFacts(Document):
    """A record that waits for a decision, and the Salesforce ids that it could be.

    `reason`: ambiguous-match (several could be it), match-taken (the one stands for another record).
    """

    phase: str
    kustomer_id: str
    object: str
    reason: str
    field: str
    candidates: list[str]


class MatchDecisionFacts(Document):
    """What a person decided; `salesforce_id` is empty for a new record. `decided_at`: epoch seconds."""

    phase: str
    kustomer_id: str
    salesforce_id: str
    decided_by: str
    decided_at: float


class MatchesListDocument(Document):
    """`deskferry matches list`."""

    open: list[OpenMatchFacts]
    decided: list[MatchDecisionFacts]
    exit_code: int


class MatchesDecideDocument(Document):
    """`deskferry matches choose` and `matches make`; `freed`: rows that go with the next migrate."""

    phase: str
    kustomer_id: str
    salesforce_id: str
    freed: int
    exit_code: int
