"""The JSON documents of `deskferry hooks`."""

from typing import Literal

from service.cli.document import Document


class HookFacts(Document):
    """One hook of the config. `target`: its program, or its host; a reference is shown as it stands."""

    hook: int
    on: list[str]
    kind: Literal["command", "webhook"]
    target: str
    headers: list[str]
    failing: Literal["go-on", "stop"]
    timeout_seconds: float


class PointFacts(Document):
    """One point at which hooks are told."""

    name: str
    when: str


class HooksListDocument(Document):
    """`deskferry hooks list`."""

    hooks: list[HookFacts]
    points: list[PointFacts]


class TrialFacts(Document):
    """How one hook took the sample; `failure` is empty when it did."""

    hook: int
    ok: bool
    failure: str
    seconds: float


class HooksTestDocument(Document):
    """`deskferry hooks test`. `tried` is empty when no hook is told of the point."""

    point: str
    tried: list[TrialFacts]
    exit_code: int
