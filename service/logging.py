"""The log: structured lines on stderr, without secrets and without what records hold."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from service.config import LogConfig

_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_TOKEN = re.compile(
    r"(?is)bearer\s+\S+|00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]+|eyJ[\w-]+\.[\w-]+\S*"
    r"|\b[A-Za-z0-9_\-]{40,}|-----BEGIN [^-]+-----.*"
)
_SECRET_KEY = re.compile(
    r"(?i)token|secret|passw|authorization|cookie|api_?key|private_?key|assertion"
)
_LONGEST = 200


def redact(value: str) -> str:
    """Take mail addresses and tokens out of a text; one that looks like a body is not shown."""
    if len(value) > _LONGEST:
        return f"[{len(value)} characters]"
    return _TOKEN.sub("[secret]", _MAIL.sub("[mail]", value))


def redacting(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that redacts every value of a line, however deep it lies."""
    shown = {key: _safe(key, value) for key, value in event.items() if key != "exc_info"}
    error = event.get("exc_info")
    if error:
        shown["error"] = _error(sys.exc_info()[1] if error is True else error)
    return shown


def run_name(now: float, pid: int) -> str:
    """The name that this process's log lines carry as `run`; a new one where none was bound."""
    bound = structlog.contextvars.get_contextvars().get("run")
    return str(bound) if bound else f"{int(now)}-{pid}"


def start_logging(config: LogConfig, **bound: str | int) -> None:
    """Configure the log by the config; every line of this process carries `bound`."""
    level = getattr(logging, config.level.upper())
    renderer: Any = structlog.processors.JSONRenderer()
    if config.format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            redacting,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stderr of that moment
    )


def _safe(key: str, value: Any) -> Any:
    if _SECRET_KEY.search(key):
        return "[secret]"
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(name)): _safe(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(key, each) for each in value]
    return _error(value) if isinstance(value, BaseException) else type(value).__name__


def _error(error: Any) -> str:
    """An error by its class and code: its text may hold what a record holds."""
    if isinstance(error, tuple):
        error = error[1]
    code = getattr(error, "code", None)
    name = type(error).__name__
    return f"{name} ({code})" if isinstance(code, str) and len(code) < 40 else name
