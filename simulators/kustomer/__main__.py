"""`python -m simulators.kustomer`: the stand-in alone; its address comes as one JSON line."""

import argparse
import asyncio
from dataclasses import fields
from pathlib import Path
from typing import Any

from simulators.kustomer.serve import serve_kustomer
from simulators.kustomer.settings import KustomerSettings
from simulators.serving import announce

_PATHS = ("dataset", "texts", "effect_log", "truth_log")
_NUMBERS = {
    "seed": int,
    "companies": int,
    "customers": int,
    "conversations": int,
    "messages": int,
    "notes": int,
    "users": int,
    "teams": int,
    "kobjects": int,
    "rate_limit": int,
    "search_limit": int,
    "list_cap_pages": int,
    "search_cap_rows": int,
    "search_total_cap": int,
    "rate_window_s": float,
    "search_window_s": float,
    "index_lag_s": float,
    "latency_s": float,
    "now": float,
    "churn_rate": float,
    "churn_seed": int,
    "churn_for_s": float,
    "churn_writes": int,
}
_TEXTS = ("api_key", "org_id", "org_name", "error_style", "reset_form")


def read_arguments(arguments: list[str] | None = None) -> tuple[KustomerSettings, int]:
    """Return the settings and the port; ends the process with a usage message for a bad one."""
    parser = argparse.ArgumentParser(prog="python -m simulators.kustomer")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--wild", action="store_true", help="records as odd as they come")
    kinds: dict[str, Any] = {
        **_NUMBERS,
        **dict.fromkeys(_PATHS, Path),
        **dict.fromkeys(_TEXTS, str),
    }
    for name, kind in kinds.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=None)
    given = vars(parser.parse_args(arguments))
    known = {each.name for each in fields(KustomerSettings)}
    chosen = {name: value for name, value in given.items() if name in known and value is not None}
    return KustomerSettings(**chosen), given["port"]


def main() -> None:
    """Serve until a signal comes."""
    settings, port = read_arguments()

    def ready(url: str) -> None:
        announce(url=url, api_key=settings.api_key)

    asyncio.run(serve_kustomer(settings, port=port, on_ready=ready))


if __name__ == "__main__":
    main()
