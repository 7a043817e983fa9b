"""Aborts the open job that a lost create reply left behind, if it is surely ours.

A job carries no mark of who made it and why (salesforce facts, 3.2), and other programs may work as
the same user. So a job is ours only if everything that it tells fits, if it was made within minutes
of our intent, and if it is the only such one. All others are left alone: an empty open job never
runs and expires in a day, while a foreign one may hold rows that someone waits for.
"""

from datetime import datetime

import structlog

from connectors.salesforce.ingest import IngestJob, IngestJobs
from service.crash_points import reach
from state.jobs import Job
from state.ledger import Ledger

# The create follows the intent at once; clocks drift a little, and refusals are waited out.
BEFORE_S = 120.0
AFTER_S = 600.0
_log = structlog.get_logger()


class Orphans:
    """Looks for open jobs that the ledger lacks. For use while no job of the object is in the making."""

    def __init__(self, ledger: Ledger, ingest: IngestJobs) -> None:
        self._ledger = ledger
        self._ingest = ingest

    async def abort(self, job: Job) -> str | None:
        """Abort what the create of `job` left, if there is such a one; returns its id."""
        known = {each[:15] for each in await self._ledger.jobs.sf_ids()}
        me = await self._ingest.running_user()
        ahead = await self._ingest.clock_ahead_s()
        fits = [
            listed
            async for listed in self._ingest.listed(
                object=job.object, operation=job.operation, state="Open", created_by_id=me
            )
            if listed.id[:15] not in known and _made_for(job, listed, ahead)
        ]
        if len(fits) != 1:
            if fits:
                _log.info("open-jobs-left", object=job.object, jobs=len(fits))
            return None
        await self._ingest.abort(fits[0].id)
        reach("orphan-aborted")
        _log.info("orphan-aborted", job=fits[0].id)
        return fits[0].id


def _made_for(job: Job, listed: IngestJob, ahead_s: float) -> bool:
    try:
        made = datetime.fromisoformat(listed.created_date).timestamp() - ahead_s
    except ValueError:
        return False
    near = job.started_at - BEFORE_S <= made <= job.started_at + AFTER_S
    return near and not listed.external_id_field
