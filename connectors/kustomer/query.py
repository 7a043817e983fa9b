"""A search as Kustomer takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MOST_CRITERIA: Final = 20
_MOST_SORTS: Final = 5


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One search of any kind of record (Kustomer facts, section 5).

    `context` is the query context (`customer`, `message`, `kobject_<klass>` ...). `criteria` are
    all to hold; each is one attribute with its operator, such as
    `{"message_created_at": {"gte": "2026-01-01T00:00:00.000Z"}}`; at most 20. `sort` is a list of
    `{attribute: "asc"|"desc"}`, at most 5, of which Kustomer honours the first. `archive` asks
    the index of rows untouched for two years. `include_deleted` shows tombstones as well. `ids_only`
    asks for ids alone, which is faster; rows then have an `id`, and whatever else Kustomer gives.
    Raises `ValueError` for a query that Kustomer would refuse by size.
    """

    context: str
    criteria: Sequence[Mapping[str, Any]] = ()
    sort: Sequence[Mapping[str, str]] = ()
    archive: bool = False
    include_deleted: bool = False
    ids_only: bool = False

    def __post_init__(self) -> None:
        if len(self.criteria) > _MOST_CRITERIA or len(self.sort) > _MOST_SORTS:
            raise ValueError("a search takes at most 20 criteria and 5 sort keys")

    @property
    def path(self) -> str:
        """The endpoint: one for every kind of record, and one for the archive."""
        return "/v1/customers/archive/search" if self.archive else "/v1/customers/search"

    def params(self, page: int, page_size: int) -> dict[str, str | int]:
        """The query parameters of one page."""
        params: dict[str, str | int] = {"page": page, "pageSize": page_size}
        return {**params, "idsOnly": "true"} if self.ids_only else params

    def body(self) -> dict[str, Any]:
        """The request body. Empty parts are left out."""
        body: dict[str, Any] = {"queryContext": self.context}
        if self.criteria:
            body["and"] = [dict(rule) for rule in self.criteria]
        if self.sort:
            body["sort"] = [dict(key) for key in self.sort]
        if self.include_deleted:
            body["includeDeleted"] = True
        return body
