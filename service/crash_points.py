"""The named points at which a test may kill this process, to prove that any crash is survived.

Inert unless the environment variable `DESKFERRY_CRASH_AT` names a point: `NAME`, or `NAME:N` for the
N-th passing. The process then ends as by a power cut (SIGKILL): no handler and no clean-up runs. Every
name here is walked by `tests/process/test_crash_points.py`, which fails for a point without a test.

What is called `uncommitted` lies inside a transaction, right before its commit: all of it is lost.
"""

import os
import signal
from typing import Final

from service.errors import UsageInvalid

VARIABLE: Final = "DESKFERRY_CRASH_AT"

POINTS: Final[dict[str, str]] = {
    "workspace-opened": "the workspace is there and its spool swept, nothing is noted",
    "run-noted": "the command log has this run's start",
    "identity-noted": "the ledger knows both orgs and the config",
    "mapping-aside": "the map is written beside its place",
    "mapping-placed": "the map is in place, its digest is not noted",
    "mapping-noted": "the digest of the map is durable",
    "map-followed": "a changed map is in force for what is loaded, nothing of it was read again",
    "removal-sent": "Salesforce has marked or deleted records, the ledger does not know",
    "removal-uncommitted": "what was marked or deleted is about to be durable",
    "plan-uncommitted": "a plan is about to be durable",
    "plan-saved": "a plan is durable, no run has followed it",
    "sample-picked": "it is known which conversations a sample has, nothing is stored",
    "stage-planned": "it is known what a stage reads, nothing is stored",
    "stage-uncommitted": "a stage of the plan is about to be durable",
    "stage-begun": "a stage of the plan is durable, nothing was read for it",
    "stage-ended": "it is durable that a stage is done, the next one has not begun",
    "entered-uncommitted": "it is about to be durable that lists of conversations that entered are read",
    "entered-begun": "lists of conversations that entered the plan are planned, nothing was read",
    "delta-planned": "the windows of a delta are known, nothing is stored",
    "delta-uncommitted": "the windows of a delta are about to be durable",
    "delta-begun": "the windows of a delta are durable, nothing was read",
    "cutover-begun": "a cutover is durable, nothing was looked at",
    "cutover-pass-noted": "what all phases had moved before a pass of a cutover is durable",
    "cutover-looked": "one look of the freeze is durable",
    "cutover-step-kept": "a step of the cutover is done and durable",
    "cutover-decided": "the verdict is durable, nobody was told",
    "cutover-sealed": "the reports are sealed, the ledger does not know",
    "cutover-finished": "the switch is durable, nobody was told",
    "sweep-planned": "what a sweep is to read is durable, no id was read",
    "sweep-ids-uncommitted": "ids that a sweep was shown are about to be durable",
    "sweep-ids-noted": "some ids that a sweep was shown are durable",
    "sweep-read": "a sweep has read all ids of a stream, nothing is compared",
    "sweep-asked": "Kustomer has told of missing records one by one, the ledger does not know",
    "sweep-answers-uncommitted": "records that are deleted for sure are about to be noted for removal",
    "sweep-answers-noted": "records that are deleted for sure are noted for removal, the sweep goes on",
    "sweep-unseen-uncommitted": "records that no reading has met are about to be read",
    "sweep-unseen-noted": "records that no reading has met are to be read, the sweep has not ended",
    "sweep-ended": "a sweep of a stream is over, nothing was removed in Salesforce",
    "audit-read": "the audit log has told of deletions, the ledger does not know",
    "audit-uncommitted": "deletions that the audit log told of are about to be durable",
    "audit-noted": "deletions that the audit log told of are noted for removal",
    "total-noted": "the source's own count of a stream is durable",
    "plan-made": "a phase is planned, the plan is not stored",
    "plan-stored": "the plan of a phase is durable, no page was read",
    "page-read": "a page came, nobody has it yet",
    "page-queued": "a page is in the queue, not sealed",
    "phase-read": "all pages of a phase are queued",
    "spool-file-written": "a batch file is in place, no ledger row names it",
    "spool-written": "all files of a seal are in place, no ledger row names them",
    "seal-uncommitted": "the batches, books, profiles and cursor of a seal are about to be durable",
    "batch-sealed": "a seal is durable",
    "phase-extracted": "the ledger knows that all of a phase is sealed",
    "directory-read": "people or queues of Salesforce are read, nothing is concluded",
    "directory-uncommitted": "a directory's matches are about to be durable",
    "directory-matched": "a directory's matches are durable, its payloads are still there",
    "groups-made": "queues or groups of teams are made, the ledger does not know",
    "members-made": "members are in their groups, the ledger does not know",
    "users-decided": "a person's choice of users is durable, nothing followed from it",
    "users-taken-up": "open users are to be matched again",
    "waiting-released": "records whose users are settled are to be sent, nothing has them",
    "late-users-sent": "relations name users who were settled later, the ledger does not know",
    "late-users-uncommitted": "that relations name users who were settled later is about to be durable",
    "existing-read": "match keys of existing records are read, not kept",
    "existing-learned": "match keys of existing records are durable",
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
    "revised-uncommitted": "the versions that changed records have now are about to be durable",
    "became-uncommitted": "the crosswalk is about to name the Contacts that Leads became",
    "references-sent": "some Cases of a Lead name the Contact that it became, the ledger does not know",
    "references-noted": "it is durable that Cases name the Contacts, relations name the Leads",
    "relations-sent": "some relations of e-mails name the Contact, the ledger does not know",
    "relations-noted": "it is durable that relations name the Contacts, the Leads are not retired",
    "leads-marked": "Leads that became Contacts are marked, the ledger does not know",
    "leads-deleted": "Leads that became Contacts are deleted, the ledger does not know",
    "leads-noted": "it is durable that Leads are retired, the gate is open",
    "found-learned": "ids of records that were there already are durable",
    "results-read": "all results of a job are read, the job is not ended",
    "matches-learned": "match keys of a job's records are durable, the job is not ended",
    "harvest-uncommitted": "the end of a job with its batches and rows is about to be durable",
    "harvest-ended": "a job, its batches and its rows are ended, the payloads are still there",
    "payload-stripped": "the payloads of a harvested batch are dropped",
    "gate-counted": "the books balance and Salesforce's count agrees, the gate is open",
    "gate-uncommitted": "a gate is about to be durable",
    "gate-closed": "a gate is closed, nothing behind it has begun",
    "hooks-told": "hooks were told of a closed gate, the ledger does not know",
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
    "match-uncommitted": "a decision about an existing record is about to be durable",
    "match-decided": "a decision about an existing record is durable, nothing was sent",
    "run-ended": "all gates are closed, the command log does not know",
    "run-end-noted": "the command log has this run's end",
}


class _Armed:
    """The point to die at and the passings left until then; nothing when not asked for."""

    name = ""
    left = 0


def arm(asked: str) -> None:
    """Take the value of the variable, empty for none; raises `UsageInvalid` for one of no meaning.

    A misspelt name is refused, since it would seem to prove something and never strike.
    """
    name, colon, count = asked.partition(":")
    if name and name not in POINTS:
        raise UsageInvalid(
            f"{VARIABLE} names no crash point.",
            next_step="Unset it; it is for tests only. docs/reference/crash-points.md lists the names.",
        )
    if colon and not (name and count.isascii() and count.isdigit() and int(count)):
        raise UsageInvalid(
            f"{VARIABLE} is not of the form NAME or NAME:N with N from 1 on.",
            next_step="Unset it; it is for tests only.",
        )
    _Armed.name, _Armed.left = name, int(count or "1")


def reach(name: str) -> None:
    """Pass the point `name`; the process ends here when the environment asks for it."""
    if name == _Armed.name:
        _Armed.left -= 1
        if _Armed.left == 0:
            os.write(2, f"\ncrash point {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
