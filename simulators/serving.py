"""Serving a stand-in on loopback until it is told to stop."""

import ipaddress
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from simulators.faults import ConnectionDropped


class NotLoopback(ValueError):
    """A stand-in is served to this machine only."""


async def serve(
    app: Any, *, host: str = "127.0.0.1", port: int = 0, on_ready: Callable[[str], None]
) -> None:
    """Serve `app`; `on_ready` gets the address once it listens. Raises `NotLoopback`."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise NotLoopback("A stand-in listens on loopback only.")
    logging.getLogger("uvicorn.error").addFilter(_no_dropped)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="error",
        access_log=False,
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    await _Server(config, on_ready).serve()


class _Server(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: Any = None) -> None:
        """Start listening, then say where."""
        await super().startup(sockets)
        if self.should_exit:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._on_ready(f"http://{host}:{port}")


def announce(**facts: str) -> None:
    """Print one JSON line on stdout for whoever started the stand-in."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _no_dropped(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, ConnectionDropped)
