"""Runs the app on a socket of this machine, and leaves nothing open when it is stopped."""

import ipaddress
from collections.abc import Callable
from typing import Any

import anyio
import uvicorn

from simulators.serving import NotLoopback

_CLOSING_S = 2.0


async def run_server(app: Any, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until a signal comes or the task is cancelled; then close every connection.

    `on_ready` gets the address once it listens. Raises `NotLoopback` for a host that others reach.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise NotLoopback("A stand-in listens on loopback only.")
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="error",
        access_log=False,
        # A fault closes the socket through uvicorn's own `send`: nothing may wrap it.
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, on_ready)
    try:
        await server.serve()
    finally:
        # uvicorn shuts down after a signal, but not when it is cancelled.
        if server.listening:
            with anyio.move_on_after(_CLOSING_S, shield=True):
                await server.shutdown()


class _Server(uvicorn.Server):
    """A server that tells when it listens, and whether it still does."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self.listening = False

    async def startup(self, sockets: Any = None) -> None:
        """Start listening, then say where."""
        await super().startup(sockets)
        if self.should_exit:
            return
        self.listening = True
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def shutdown(self, sockets: Any = None) -> None:
        """Close what is open."""
        self.listening = False
        await super().shutdown(sockets)
