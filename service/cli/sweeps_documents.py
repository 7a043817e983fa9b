"""What commands say of sweeps with `--json`."""

from typing import Literal

from service.cli.document import Document

AuditLogState = Literal["unread", "read", "role-missing", "unreadable"]


class SweepFacts(Document):
    """How the sweeps of one stream stand. `finished_at` in epoch seconds, null before the first.

    `held`: more is missing than may be taken for deleted without a word; `why` says it, as it says why
    a stream is `unreadable`. Of `loaded` records `missing` were not shown by Kustomer; `deleted` and
    `merged` are what asking for them has told, and `unseen` were shown and never read before, in the last
    sweep that finished.
    """

    stream: str
    state: Literal["never", "reading", "held", "unreadable", "finished"]
    finished_at: float | None
    loaded: int
    missing: int
    deleted: int
    merged: int
    unseen: int
    why: str
