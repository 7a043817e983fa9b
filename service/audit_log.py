"""Deletions that Kustomer's audit log tells of: a cheap look between sweeps, where the key may read it.

The log names deletions of customers, conversations and messages, whoever made them; what it leaves out a
sweep finds (kustomer facts, 6.18 and section 7). What it names is asked for by id before it counts, and
goes the way of tombstones. A key without the role reads nothing, which is told once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

import structlog

from connectors.clock import Clock
from connectors.errors import BadRequest, NotAPage, NotFound, RoleMissing
from connectors.kustomer.client import KustomerClient
from service.config import Config
from service.crash_points import reach
from service.gone import note_gone, unfollowed
from service.phases import Phase
from service.reread import Rereader
from service.sweep_reading import swept
from state.ledger import Ledger

COUNT = 1000
MOST_PAGES = 200
MARK = "audit.mark"  # epoch ms: up to when the log was read
STATE = "audit.state"
AuditState = Literal["unread", "read", "role-missing", "unreadable"]
_MS = 1000
_log = structlog.get_logger()


async def audit_state(ledger: Ledger) -> AuditState:
    """Whether the audit log was read at the last look."""
    match await ledger.facts.get(STATE):
        case "read":
            return "read"
        case "role-missing":
            return "role-missing"
        case "unreadable":
            return "unreadable"
    return "unread"


class AuditLog:
    """Looks into the log from where the last look ended."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        client: KustomerClient,
        phases: Sequence[Phase],
        clock: Clock,
    ) -> None:
        self._rules = config.delta
        self._ledger = ledger
        self._client = client
        self._phases = phases
        self._clock = clock
        self._source = Rereader(client, readers=config.kustomer.connections)

    async def run(self) -> int:
        """Note what was deleted since the last look; returns how many records follow.

        After a crash the same entries are read again. Raises the connectors' errors other than a
        missing role and an endpoint that is not there or does not answer in its form.
        """
        now_ms = int(self._clock.now() * _MS)
        try:
            told = await self._deleted(await self._low())
        except RoleMissing:
            return await self._unread("role-missing")
        except (NotFound, BadRequest, NotAPage):
            return await self._unread("unreadable")
        gone = {
            phase.name: await self._confirmed(phase, told[phase.kind]) for phase in self._kinds()
        }
        reach("audit-read")
        concerned = 0
        async with self._ledger.write() as tx:
            for stream, found in gone.items():
                concerned += await note_gone(tx, self._ledger, self._phases, stream, found)
            mark = now_ms - self._rules.lag_seconds * _MS
            await self._ledger.facts.set(tx, MARK, str(mark))
            await self._ledger.facts.set(tx, STATE, "read")
            reach("audit-uncommitted")
        reach("audit-noted")
        return concerned

    def _kinds(self) -> list[Phase]:
        return [phase for phase in self._phases if swept(phase)]

    async def _low(self) -> int:
        """From where the log is read, epoch ms: at first from the start of the first run."""
        mark = await self._ledger.facts.get(MARK)
        overlap = self._rules.overlap_seconds * _MS
        if mark is not None:
            return int(mark) - overlap
        began = min(run.started_at for run in await self._ledger.runs.history())
        return int(began * _MS) - overlap

    async def _deleted(self, low_ms: int) -> Mapping[str, dict[str, int]]:
        """Return when records were deleted (epoch ms), by kind and id; the newest page comes first."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        moment = datetime.fromtimestamp(low_ms / _MS, UTC).isoformat(timespec="milliseconds")
        start = quote(moment.replace("+00:00", "Z"))
        path = f"/v1/audit-logs?count={COUNT}&filter%5Bstart%5D={start}"
        for _ in range(MOST_PAGES):
            document = await self._client.get(path)
            rows = document["data"]
            entries = list(_entries(rows if isinstance(rows, list) else []))
            for kind, source_id, verb, at_ms in entries:
                if verb.startswith("delet") and at_ms >= low_ms:
                    found[kind].setdefault(source_id, at_ms)
            links = document.get("links")
            onward = links.get("next") if isinstance(links, dict) else None
            if not onward or not entries or min(each[3] for each in entries) < low_ms:
                return found
            path = str(onward)
        _log.warning("audit-log-long", pages=MOST_PAGES)  # what is older a sweep finds
        return found

    async def _confirmed(self, phase: Phase, told: Mapping[str, int]) -> dict[str, int]:
        """Of the deletions that the log tells of, those that are loaded, and that their ids confirm."""
        ids = await unfollowed(self._ledger, phase, told)
        fates = await self._source.fates(phase, ids)
        return {
            key: fate.at_ms or told[key] for key, fate in fates.items() if fate.now == "deleted"
        }

    async def _unread(self, why: AuditState) -> int:
        """Note that the log cannot be read; it is told when that is news."""
        if await self._ledger.facts.get(STATE) != why:
            _log.warning("audit-log-unread", why=why)
            async with self._ledger.write() as tx:
                await self._ledger.facts.set(tx, STATE, why)
        return 0


def _entries(rows: Iterable[Any]) -> Iterable[tuple[str, str, str, int]]:
    """Kind, id, verb and time (epoch ms) of each entry that has them."""
    for row in rows:
        attributes = row.get("attributes") if isinstance(row, dict) else None
        held = attributes if isinstance(attributes, dict) else {}
        texts = [held.get(name) for name in ("objectType", "objectId", "eventVerb", "createdAt")]
        kind, source_id, verb, stamp = (each if isinstance(each, str) else "" for each in texts)
        if not (kind and source_id and stamp):
            continue
        verb = verb or str(held.get("eventName") or "").rpartition(".")[2]
        try:
            at_ms = round(datetime.fromisoformat(stamp).timestamp() * _MS)
        except ValueError:
            continue
        yield kind, source_id, verb, at_ms
