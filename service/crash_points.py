"""The named points at which a test may kill this process, to prove that any crash is survived.

Inert unless the environment variable `DESKFERRY_CRASH_AT` names a point: `NAME`, or `NAME:N` for the
N-th passing. The process then ends as by a power cut (SIGKILL): no handler and no clean-up runs. Every
name here is walked by `tests/process/test_crash_points.py`, which fails for a point without a test.
"""

import os
import signal
from typing import Final

VARIABLE: Final = "DESKFERRY_CRASH_AT"

POINTS: Final[dict[str, str]] = {
    "rows-requeued": "waiting rows are to be sent again, no job has them",
    "rows-assembled": "the rows of a job are put together, its intent is not written",
    "intent-uncommitted": "a job's intent is about to be durable",
    "job-intended": "a job's intent is durable, nothing was sent",
    "job-created": "Salesforce has made a job, the ledger does not know its id",
    "job-named": "the job's id is durable, nothing was uploaded",
    "job-uploading": "a part of the job's content has left",
    "upload-aborted": "a job whose upload failed is aborted, the ledger does not know",
    "job-disowned": "the ledger has forgotten a job whose upload failed, no other is made",
    "job-uploaded": "the content is with Salesforce, the ledger does not know",
    "job-upload-noted": "the upload is durable, the job is not closed",
    "job-closed": "Salesforce may work, the ledger does not know that it was told to",
    "job-close-noted": "the close is durable",
    "job-ended": "Salesforce is done, the ledger does not know",
    "job-end-noted": "the job's end is durable, no result was read",
    "learned-uncommitted": "ids of records that were made are about to be durable",
    "results-learned": "some ids of a job's records are durable",
    "found-learned": "ids of records that were there already are durable",
    "results-read": "all results of a job are read, the job is not ended",
    "matches-learned": "match keys of a job's records are durable, the job is not ended",
    "harvest-uncommitted": "the end of a job with its batches and rows is about to be durable",
    "harvest-ended": "a job, its batches and its rows are ended, the payloads are still there",
    "payload-stripped": "the payloads of a harvested batch are dropped",
    "orphan-aborted": "recovery: an open job that no ledger row names is aborted",
    "open-job-aborted": "recovery: a job that was never closed is aborted",
    "job-given-back": "recovery: the batches and rows of a job that never ran wait again",
    "adoption-noted": "recovery: the ledger knows that a job was closed after all",
    "job-adopted": "recovery: a job's work counts, its rows are not put together",
    "job-reassembled": "recovery: the rows of an adopted job are put together again",
    "job-settled": "recovery: an adopted job is harvested, its payloads are still there",
    "retry-asked": "the rows to be sent again are chosen, nothing was done for them",
    "retry-made": "a block of rows was made anew by the map in force",
    "retry-matched": "people or teams were matched, their phase is not closed",
}


class _Armed:
    """The point to die at and the passings left until then; nothing when not asked for."""

    def __init__(self, asked: str) -> None:
        self.name, _, count = asked.partition(":")
        self.left = int(count) if count.isdigit() else 1


_ARMED: Final = _Armed(os.environ.get(VARIABLE, ""))


def reach(name: str) -> None:
    """Pass the point `name`; the process ends here when the environment asks for it."""
    if name == _ARMED.name:
        _ARMED.left -= 1
        if _ARMED.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
