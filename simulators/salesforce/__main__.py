"""`python -m simulators.salesforce --port 0`: one org on loopback, its address as one JSON line."""

import argparse
from pathlib import Path

import anyio

from simulators.salesforce.serve import serve_salesforce
from simulators.salesforce.settings import SalesforceSettings
from simulators.serving import announce


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m simulators.salesforce", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--effect-log", type=Path, help="file for the log of effects")
    parser.add_argument("--job-delay", type=float, default=0.0, help="seconds before a job runs")
    parser.add_argument("--lock-model", action="store_true", help="running jobs lock parents")
    parser.add_argument("--seed", type=int, default=SalesforceSettings.seed)
    given = parser.parse_args()
    settings = SalesforceSettings(
        effect_log=given.effect_log,
        job_delay_s=given.job_delay,
        lock_model=given.lock_model,
        seed=given.seed,
    )

    def ready(url: str) -> None:
        announce(url=url, org_id=settings.org_id)

    async def run() -> None:
        await serve_salesforce(settings, host=given.host, port=given.port, on_ready=ready)

    try:
        anyio.run(run)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
