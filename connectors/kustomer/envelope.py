"""Reads Kustomer's envelopes: a page, a single document, and both shapes of errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import BadReply
from connectors.redact import safe_code, safe_text
from connectors.reply import Reply


@dataclass(slots=True)
class Page:
    """One page of records, as they came.

    `rows` are full resource objects (`type`, `id`, `attributes`, `relationships`); an `id` may be
    missing. `included` is what `include=` brought. `has_next` says that another page may follow;
    it is never true for an empty page. `total` is known for searches and customers only, and may
    be capped at 10,000 (Kustomer facts, section 11). `size_bytes` is the decoded body's size.
    `page_size` is what the remote says it used: it clamps without an error; 0 when it does not say.
    """

    rows: list[dict[str, Any]]
    included: list[dict[str, Any]]
    has_next: bool
    total: int | None
    size_bytes: int
    page_size: int = 0


@dataclass(frozen=True, slots=True)
class RemoteError:
    """The first error of a refusal. `text` is raw: only `safe` may enter a message."""

    code: str | None
    text: str

    @property
    def safe(self) -> str:
        """Code and text, redacted, for a message."""
        parts = [part for part in (self.code, safe_text(self.text)) if part]
        return ": ".join(parts) or "no reason given"


def document_defect(document: Any) -> str | None:
    """Why a 2xx body is not a document with data, or None when it is one."""
    if not isinstance(document, dict):
        return "it is not an object"
    if document.get("errors"):
        return "it holds errors"
    if "data" not in document:
        return "it has no data"
    return None


def page_defect(document: Any) -> str | None:
    """Why a 2xx body is not a whole page of records, or None when it is one."""
    defect = search_defect(document)
    if defect is None and _timed_out(document):
        return "the search timed out, so it may be incomplete"
    return defect


def search_defect(document: Any) -> str | None:
    """As `page_defect`, but a search that timed out passes: it is asked for otherwise."""
    defect = document_defect(document)
    if defect:
        return defect
    rows = document["data"]
    if not isinstance(rows, list):
        return "its data is not a list"
    if not all(isinstance(row, dict) for row in rows):
        return "a record in it is not an object"
    return None


def ids_defect(document: Any) -> str | None:
    """As `search_defect`, of a search for ids alone: a row may be an object or the bare id.

    Which of the two is not documented (Kustomer facts, section 5).
    """
    defect = document_defect(document)
    if defect:
        return defect
    rows = document["data"]
    if not isinstance(rows, list):
        return "its data is not a list"
    if not all(isinstance(row, dict | str) for row in rows):
        return "an id in it is neither a text nor an object"
    return None


def search_timed_out(reply: Reply) -> bool:
    """True when a page says that it may be incomplete (Kustomer facts, section 3.2)."""
    return _timed_out(reply.json())


def _timed_out(document: dict[str, Any]) -> bool:
    meta = document.get("meta")
    return isinstance(meta, dict) and meta.get("timed_out") is True


def read_page(reply: Reply, page_size: int) -> Page:
    """The page in a reply that has no `page_defect`. `page_size` is what was asked for."""
    document = reply.json()
    rows = [{"id": row} if isinstance(row, str) else row for row in document["data"]]
    meta = document.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    used = _whole_number(meta.get("pageSize")) or 0
    links = document.get("links")
    if isinstance(links, dict) and "next" in links:
        follows = bool(links["next"])
    else:  # some lists leave links out: a full page may be followed by another
        follows = len(rows) >= (used or page_size)
    return Page(
        rows=rows,
        included=_objects(document.get("included")),
        has_next=follows and bool(rows),
        total=_whole_number(meta.get("total")),
        size_bytes=len(reply.body),
        page_size=used,
    )


def _objects(included: Any) -> list[dict[str, Any]]:
    """`included` as a list: Kustomer sends an array or one object (Kustomer facts, section 3.3)."""
    items = included if isinstance(included, list) else [included]
    return [item for item in items if isinstance(item, dict)]


def _whole_number(value: Any) -> int | None:
    if isinstance(value, dict):  # how some search engines say it
        value = value.get("value")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,12}", value) else None


_TEXTS: Final = ("detail", "message", "title", "error")


def read_error(reply: Reply) -> RemoteError:
    """The first error of a refusal, of either envelope, or of a body that has none."""
    try:
        document = reply.json()
    except BadReply:
        return RemoteError(None, "")
    source = document if isinstance(document, dict) else {}
    errors = source.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        source = errors[0]
    text = next((source[key] for key in _TEXTS if isinstance(source.get(key), str)), "")
    return RemoteError(safe_code(source.get("code")), text)
