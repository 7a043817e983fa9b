"""Opens the workspace that a config names, with the key that it names."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from service.config import Config
from state.cipher import parse_key
from state.ledger import Ledger


def open_ledger(
    config: Config, now: Callable[[], float], *, read_only: bool = False
) -> AbstractAsyncContextManager[Ledger]:
    """Open the ledger as `Ledger.open` does, `now` giving epoch seconds.

    Raises `SecretMissing` and `SpoolKeyInvalid` before anything is touched, and what `Ledger.open`
    raises.
    """
    return Ledger.open(config.workspace, clock=now, read_only=read_only, key=spool_key(config))


def spool_key(config: Config) -> bytes | None:
    """The key that `spool_key` leads to; None when nothing is encrypted."""
    return parse_key(config.spool_key.resolve()) if config.spool_key else None
