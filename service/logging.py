"""The log: structured lines on stderr, without secrets and without what records hold."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from service.config import LogConfig

_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_TOKEN = re.compile(r"(?i)bearer\s+\S+|00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]+|eyJ[\w-]+\.[\w-]+\S*")
_LONGEST = 200


def redact(value: str) -> str:
    """Take mail addresses and tokens out of a text, and cut one that looks like a body."""
    value = _TOKEN.sub("[secret]", _MAIL.sub("[mail]", value))
    return value if len(value) <= _LONGEST else value[:40] + f"… [{len(value)} characters]"


def redacting(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that redacts every text of a line."""
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def start_logging(config: LogConfig) -> None:
    """Configure the log by the config."""
    level = getattr(logging, config.level.upper())
    renderer: Any = structlog.processors.JSONRenderer()
    if config.format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            redacting,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
