"""What a Kustomer stand-in can be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DEFAULT_KEY = "kustomer-demo-key"


@dataclass
class KustomerSettings:
    """Size and behaviour of the org. Times in seconds; limits in requests per window.

    Where the facts leave a question open, a setting lets the stand-in do it either way.
    """

    seed: int = 7
    companies: int = 40
    customers: int = 400
    conversations: int = 600
    messages: int = 3000
    notes: int = 300
    users: int = 40
    teams: int = 8
    dataset: Path | None = None
    texts: Path | None = None
    api_key: str = DEFAULT_KEY
    expired_key: str = "kustomer-expired-key"
    missing_roles: frozenset[str] = field(default_factory=frozenset)
    missing_role_status: Literal[401, 403] = 403
    org_id: str = "60aa00000000000000000001"
    org_name: str = "acme"
    rate_limit: int = 1000
    rate_window_s: float = 60.0
    search_limit: int = 100
    search_window_s: float = 60.0
    reset_form: Literal["epoch_s", "epoch_ms", "seconds"] = "epoch_s"
    list_cap_pages: int | None = None
    list_cap_error: bool = False
    search_cap_pages: int = 100
    search_cap_rows: int | None = None
    index_lag_s: float = 0.0
    latency_s: float = 0.0
    error_style: Literal["plain", "jsonapi"] = "plain"
    odd_records: bool = True
