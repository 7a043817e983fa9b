"""How telling one hook came out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """`failure`: why it failed, in words of our own; empty when it did not."""

    failure: str = ""

    @property
    def ok(self) -> bool:
        """Whether the hook took it."""
        return not self.failure
