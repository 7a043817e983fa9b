"""What `deskferry users` prints with `--json`."""

from service.cli.document import Document


class QueuedUserFacts(Document):
    """One Kustomer user without a settled Salesforce user. `waiting`: records held for it.

    `candidates` are Salesforce ids; `chosen` is what a person decided and no run has followed yet.
    """

    kustomer_user: str
    email: str
    name: str
    state: str
    reason: str
    candidates: list[str]
    waiting: int
    chosen: str


class UsersListDocument(Document):
    """`deskferry users list`. `read`: whether Kustomer's users were read yet."""

    read: bool
    open: int
    waiting: int
    policy: str
    users: list[QueuedUserFacts]


class AssignedFacts(Document):
    """One choice: who became whom, and how many records go with the next run."""

    kustomer_user: str
    salesforce_user: str
    records: int


class UsersAssignDocument(Document):
    """`deskferry users assign` and `users import`."""

    exit_code: int
    by: str
    assigned: list[AssignedFacts]


class UsersSyncDocument(Document):
    """`deskferry users sync`. `open`: users still in the queue; `matched`: all that are settled."""

    exit_code: int
    open: int
    matched: int
