"""One configured hook: tells it in time, and works off its outbox beside the run."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import structlog

from connectors.clock import Clock
from service.config_hooks import HookConfig
from service.hooks.command import run_command
from service.hooks.document import HookDocument
from service.hooks.outbox import Outbox
from service.hooks.outcome import Told
from service.hooks.webhook import Webhook, open_webhook

_log = structlog.get_logger()


class Teller:
    """The hook with this number (from 1, as the config lists them)."""

    def __init__(self, number: int, config: HookConfig, webhook: Webhook | None) -> None:
        self.number = number
        self.config = config
        self._webhook = webhook
        self._outbox = Outbox()

    async def tell(self, document: HookDocument) -> Told:
        """Tell it now; returns within its timeout. Cancellation ends the command or the call."""
        limit = self.config.timeout_seconds
        told = Told(f"it took longer than {limit:g} s")
        with anyio.move_on_after(limit):
            told = await self._tell(document)
        if not told.ok:
            _log.warning("hook-failed", hook=self.number, point=document.point, why=told.failure)
        return told

    async def _tell(self, document: HookDocument) -> Told:
        if self._webhook:
            return await self._webhook.post(document.written())
        return await run_command(self.config.command, document.point, document.written())

    def later(self, document: HookDocument) -> None:
        """Tell it beside the work, as soon as it has been told what came before."""
        if not self._outbox.put(document):
            _log.warning("hook-behind", hook=self.number, point=document.point)

    async def work(self, failed: Callable[["Teller", HookDocument, Told], None]) -> None:
        """Tell what is in the outbox until cancelled; `failed` hears of each failure."""
        while True:
            document = await self._outbox.take()
            told = await self.tell(document)
            if not told.ok:
                failed(self, document, told)

    async def idle(self) -> None:
        """Wait until the outbox is worked off."""
        await self._outbox.idle()

    @property
    def behind(self) -> int:
        """How much is still to be told."""
        return len(self._outbox)


@asynccontextmanager
async def open_teller(number: int, config: HookConfig, clock: Clock) -> AsyncIterator[Teller]:
    """Get ready to tell one hook; raises `SecretMissing` and `ConfigInvalid`."""
    if config.url is None:
        yield Teller(number, config, None)
        return
    headers = {name: secret.resolve() for name, secret in config.header.items()}
    async with open_webhook(
        config.url.resolve(), headers, timeout_s=config.timeout_seconds, clock=clock
    ) as webhook:
        yield Teller(number, config, webhook)
