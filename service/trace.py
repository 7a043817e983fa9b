"""One record's whole life as the ledger knows it: where it was read, which jobs carried it, what it
became or why it did not.

Everything is read from the ledger and the indexes of batch files, which stay when payloads are
dropped; a run may go on meanwhile. Ids, times, states and reasons are told, never a value.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import anyio.to_thread

from connectors.redact import safe_text
from connectors.salesforce.ids import to_18
from service.agents import WAITS
from service.declared import recall
from service.phases import Phase
from service.reasons import PARENT_MISSING, reason_text
from service.twins import candidates_of
from state.batches import Batch
from state.crosswalk import Entry
from state.errors import StateDamaged
from state.jobs import Job
from state.ledger import Ledger
from state.rows import RowEntry
from state.slices import Slice
from state.transitions import Transition

_SALESFORCE_ID_CHARS = (15, 18)
UNKNOWN = (
    "Nothing is known of this id. If Kustomer has the record, then it was made there after its list "
    "was read, or it was deleted when it was read (such records are counted as skipped, not listed), "
    "or it is of a kind that is not moved."
)


async def trace_record(ledger: Ledger, asked: str) -> dict[str, Any]:
    """Tell all that is known of a record by its Kustomer id, or by the Salesforce id it became.

    Asked by a Salesforce id, every entry of the crosswalk is looked through: seconds for ten million.
    """
    ids = [asked]
    if len(asked) in _SALESFORCE_ID_CHARS and asked.isalnum() and asked.isascii():
        ids = (
            await ledger.transitions.sources_of(to_18(asked))
            or await ledger.crosswalk.sources_of(to_18(asked))
            or ids
        )
    return await _Trace(ledger, ids[0], await recall(ledger)).tell(also=ids[1:])


class _Trace:
    """What is gathered for one source id."""

    def __init__(self, ledger: Ledger, source_id: str, phases: Sequence[Phase]) -> None:
        self._ledger = ledger
        self._phases = {phase.name: phase for phase in phases}
        self._id = source_id
        self._jobs: dict[int, Job] = {}
        self._slices: dict[str, dict[int, Slice]] = {}

    async def tell(self, *, also: Sequence[str]) -> dict[str, Any]:
        entries = await self._ledger.crosswalk.find(self._id)
        rows = await self._ledger.rows.find(self._id)
        sendings = await self._ledger.rows.sendings(list(self._phases), self._id)
        results = {(each.job, each.part): each.outcome for each in sendings}
        results |= {(entry.job, entry.part): entry.origin for entry in entries}
        seen = [*(each.job for each in entries), *(row.job for row in rows if row.job)]
        found = await self._batches({*seen, *(job for job, _ in results)}, bool(entries or rows))
        places = [await self._place(batch, *where) for batch, where in found]
        places += [await self._place_of_row(row) for row in rows if row.page is not None]
        carried = {
            job for batch, _ in found for job in await self._ledger.batches.jobs_of(batch.id)
        }
        jobs = await self._told_jobs(carried | {job for job, _ in results}, results)
        known = bool(entries or rows or places)
        return {
            "kustomer_id": self._id,
            "also": list(also),
            "became": [await self._became(entry) for entry in entries],
            "was": [_was(each) for each in await self._ledger.transitions.find(self._id)],
            "exceptions": [await self._exception(row) for row in rows],
            "places": places,
            "jobs": jobs,
            "waits_for": await self._gates(found) if not entries and not rows else [],
            "meaning": "" if known else await self._meaning(),
        }

    async def _batches(
        self, jobs: Iterable[int], settled: bool
    ) -> list[tuple[Batch, tuple[int, int, int]]]:
        """Batches with the record, and (part, slice, page) in them.

        A record that is settled one way or the other was in a batch of a job we know; any other can
        only be in a batch that is still on its way.
        """
        batches = {
            batch.id: batch
            for job in sorted(jobs)
            for batch in await self._ledger.batches.carried_by(job)
        }
        if not batches and not settled:
            batches = {batch.id: batch for batch in await self._ledger.batches.on_their_way()}
        found = []
        for batch in batches.values():
            places = await anyio.to_thread.run_sync(_places_in, self._ledger, batch, self._id)
            found += [(batch, place) for place in places]
        return found

    async def _place(self, batch: Batch, part: int, number: int, page: int) -> dict[str, Any]:
        return {
            "phase": batch.phase,
            "part": part,
            "way": await self._way(batch.phase, number),
            "slice": number,
            "page": page,
            "batch": batch.id,
            "batch_state": batch.state,
            "sealed_at": batch.sealed_at,
        }

    async def _place_of_row(self, row: RowEntry) -> dict[str, Any]:
        """Where a record came in that was set apart before any batch."""
        return {
            "phase": row.phase,
            "part": row.part,
            "way": await self._way(row.phase, row.slice or 0),
            "slice": row.slice or 0,
            "page": row.page,
            "batch": None,
            "batch_state": None,
            "sealed_at": row.first_seen,
        }

    async def _way(self, phase: str, number: int) -> str:
        if phase not in self._slices:
            slices = await self._ledger.slices.of(phase)
            self._slices[phase] = {each.number: each for each in slices}
        known = self._slices[phase].get(number)
        return way_of(known.spec) if known else "unknown"

    async def _told_jobs(
        self, numbers: Iterable[int], results: dict[tuple[int, int], str]
    ) -> list[dict[str, Any]]:
        told = []
        for number in sorted(numbers):
            job = await self._job(number)
            if job is None:
                continue
            outcomes = {part: text for (each, part), text in results.items() if each == number}
            open_word = "not run" if job.state == "abandoned" else "not known yet"
            told.append(
                {
                    "job": number,
                    "salesforce_job": job.sf_id,
                    "phase": job.phase,
                    "object": job.object,
                    "operation": job.operation,
                    "state": job.state,
                    "started_at": job.started_at,
                    "ended_at": job.ended_at,
                    "error": safe_text(job.error or ""),
                    "results": [
                        {"part": part, "result": text or open_word}
                        for part, text in sorted(outcomes.items())
                    ],
                }
            )
        return told

    async def _job(self, number: int) -> Job | None:
        if number not in self._jobs:
            job = await self._ledger.jobs.get(number)
            if job is None:
                return None
            self._jobs[number] = job
        return self._jobs[number]

    async def _became(self, entry: Entry) -> dict[str, Any]:
        job = await self._job(entry.job)
        address = await self._ledger.facts.get("salesforce_url")
        return {
            "kind": entry.kind,
            "part": entry.part,
            "object": entry.object,
            "salesforce_id": entry.target_id,
            "link": f"{address.rstrip('/')}/{entry.target_id}" if address else None,
            "origin": entry.origin,
            "job": job.sf_id if job else None,
            "job_state": job.state if job else None,
        }

    async def _exception(self, row: RowEntry) -> dict[str, Any]:
        why = reason_text(row.reason)
        return {
            "phase": row.phase,
            "part": row.part,
            "state": row.state,
            "reason": row.reason,
            "field": row.field,
            "why": why.cause,
            "fix": why.fix,
            "attempts": row.attempts,
            "first_seen": row.first_seen,
            "updated_at": row.updated_at,
            "waits_for": await self._parents(row),
            "candidates": candidates_of(row),
        }

    async def _parents(self, row: RowEntry) -> list[dict[str, Any]]:
        """The parents that a row waits for, and how they are."""
        if row.reason not in (PARENT_MISSING, WAITS) or ":" not in row.detail:
            return []
        links = (link.partition(":") for link in row.detail.split("|"))
        return [
            {"kind": kind, "kustomer_id": key, "state": await self._state_of(kind, key)}
            for kind, _, key in links
        ]

    async def _state_of(self, kind: str, source_id: str) -> str:
        if await self._ledger.crosswalk.get(kind, source_id):
            return "in Salesforce: run retry"
        phases = {phase.name for phase in self._phases.values() if phase.kind == kind}
        for row in await self._ledger.rows.find(source_id):
            if row.phase in phases:
                return f"{row.state}: {row.reason}"
        return "not known here: deleted in Kustomer, or made after its list was read"

    async def _gates(self, found: Sequence[tuple[Batch, Any]]) -> list[str]:
        """The phases that must be closed before a record that is on its way is sent."""
        names = {name for batch, _ in found for name in self._phases[batch.phase].after}
        return [name for name in sorted(names) if not await self._ledger.gates.closed(name)]

    async def _meaning(self) -> str:
        unread = [
            name for name in self._phases if not await self._ledger.facts.get(f"extracted.{name}")
        ]
        if not unread:
            return UNKNOWN
        return f"{UNKNOWN} Not read to the end yet: {', '.join(unread)}."


def _was(each: Transition) -> dict[str, Any]:
    """What a record was before, and how far its surroundings have followed."""
    return {
        "object": each.from_object,
        "salesforce_id": each.from_id,
        "became": each.to_id,
        "step": each.step,
        "fate": each.fate,
        "stuck": each.stuck,
    }


def way_of(spec: dict[str, Any]) -> str:
    """Say a slice in words: a list with its parameters, or a search window with its bounds."""
    if spec.get("kind") == "list":
        given = "&".join(f"{name}={value}" for name, value in sorted(spec["params"].items()))
        return f"list {spec['path']}" + (f"?{given}" if given else "")
    bounds = [
        f"{name} {rule} {bound}"
        for criterion in spec.get("criteria", ())
        for name, rules in criterion.items()
        for rule, bound in rules.items()
    ]
    archive = "archive " if spec.get("archive") else ""
    return f"{archive}search of {spec.get('context')} where {' and '.join(bounds)}"


def _places_in(ledger: Ledger, batch: Batch, source_id: str) -> list[tuple[int, int, int]]:
    """(part, slice, page) of each row of the record in a batch file; none when the file is gone."""
    try:
        with ledger.spool.open(batch.file) as reader:
            return [
                (reader.parts[at], reader.slices[at], reader.pages[at])
                for at, key in enumerate(reader.keys)
                if key == source_id
            ]
    except StateDamaged:
        return []  # a look must not fail for a file that a purge took away
