"""`retry`: sends held and failed rows again, alone, through the same flow as `migrate`.

One transaction chooses: the rows become `pending`, the gates of their phases open, and a changed map
is accepted. From there it is an ordinary run: parents first, rows made anew where they must be,
gates closed when the books balance. So a crash at any moment is resumed by `retry` or `migrate`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.agents import refuse_open
from service.config import Config
from service.crash_points import reach
from service.declared import recall
from service.errors import ATTENTION, DONE, UsageInvalid
from service.mapped import accept, read_mapping, refuse_if_on_their_way
from service.phases import Phase
from service.purge import check_payloads
from service.reasons import REASONS
from service.run import Migration, Outcome
from state.errors import NoWorkspace
from state.ledger import Ledger
from state.rows import AskedCount, Asking
from state.workspace import DATABASE
from transforms.compile import CompiledMapping

_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\Z")
STATES = ("held", "failed")


@dataclass(frozen=True)
class Selection:
    """Which held and failed rows a person means; an empty list means all.

    `reread`: their records are read again from Kustomer also when the map has not changed.
    """

    reasons: Sequence[str] = ()
    phases: Sequence[str] = ()
    ids: Sequence[str] = ()
    states: Sequence[str] = ()
    reread: bool = False

    def __post_init__(self) -> None:
        """Raise `UsageInvalid` for a state that there is not."""
        _known("state", self.states, STATES)


@dataclass
class RetryLine:
    """Records of one phase that were asked for, by the reason they had.

    `settled`: loaded, matched, or left out by rule. `pending`: they go with the next `migrate`.
    `now`: the reasons of those that are held or failed.
    """

    phase: str
    reason: str
    asked: int = 0
    settled: int = 0
    held: int = 0
    failed: int = 0
    pending: int = 0
    now: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RetrySummary:
    """What a retry came to. `unread`: phases that `migrate` has yet to read; nothing of them went."""

    lines: Sequence[RetryLine]
    map_changed: bool
    unread: Sequence[str]


class Retry(Migration):
    """One run of `retry`."""

    command = "retry"
    ends_with_cutover = False

    def __init__(
        self, config: Config, selection: Selection, *, clock: Clock, stop: anyio.Event
    ) -> None:
        super().__init__(config, clock=clock, stop=stop)
        self._selection = selection
        self._run = 0
        self._asked: Sequence[AskedCount] = ()
        self._compiled: CompiledMapping | None = None
        self.result = RetrySummary((), map_changed=False, unread=())

    async def run(self) -> Outcome:
        """Send what was chosen again; raises as `Migration.run` does.

        Raises `UsageInvalid` for an unknown reason, `NoWorkspace` where nothing was migrated yet, and
        `StateDisagrees` for a changed map while rows of the earlier one are on their way.
        """
        if not (self._config.workspace / DATABASE).exists():
            raise NoWorkspace("There is no migration in the workspace yet.")
        return await super().run()

    async def _prepare(self, ledger: Ledger, salesforce: SalesforceClient, run: int) -> None:
        chosen = self._selection
        if not chosen.reread:
            await check_payloads(ledger)
        known = await ledger.rows.reasons()
        _known("reason", [r for r in chosen.reasons if not _CODE.match(r)], {*REASONS, *known})
        loaded = await read_mapping(self._config, ledger, salesforce)
        if chosen.reread:
            await refuse_if_on_their_way(ledger, "the records")
        phases = await recall(ledger)
        names = [phase.name for phase in phases]
        _known("phase", chosen.phases, names)
        read = [name for name in names if await ledger.facts.get(f"extracted.{name}")]
        wanted = chosen.phases or names
        asking = Asking(
            [name for name in wanted if name in read],
            chosen.states or STATES,
            chosen.reasons or None,
            chosen.ids or None,
            unmade=chosen.reread,
        )
        async with ledger.write() as tx:
            concerned = await ledger.rows.ask(tx, run, asking)
            # What is made anew takes with it what further passes made of it.
            fed = [phase.name for phase in phases if phase.of in concerned]
            for name in (*concerned, *fed):
                await ledger.gates.reopen(tx, name)
            if concerned:
                await accept(tx, ledger, loaded, by=self.command)
        reach("retry-asked")
        self._run, self._compiled = run, loaded.compiled
        self._asked = await ledger.rows.asked(run)
        unread = [name for name in wanted if name not in read]
        self.result = RetrySummary((), loaded.changed and bool(concerned), unread)

    async def _mapping(self, ledger: Ledger, salesforce: SalesforceClient) -> CompiledMapping:
        assert self._compiled is not None  # `_prepare` came first
        return self._compiled

    async def _take_up(self, ledger: Ledger) -> None:
        if self._asked:
            await super()._take_up(ledger)

    async def _agents_settled(self, ledger: Ledger) -> None:
        """What was asked for goes, and nothing else; a refusal holds for it as well."""
        if self._asked:
            await refuse_open(self._config, ledger, self._phases)

    async def _phases_to_run(self, ledger: Ledger) -> list[Phase]:
        """Open phases that are wholly read and whose parents are closed or run as well."""
        if not self._asked:
            return []
        run: list[Phase] = []
        for phase in self._phases:
            if await ledger.gates.closed(phase.name):
                continue
            read = await ledger.facts.get(f"extracted.{phase.name}")
            names = {each.name for each in run}
            ready = [n in names or await ledger.gates.closed(n) for n in phase.after]
            if read and all(ready):
                run.append(phase)
        return run

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        left = await ledger.rows.asked(self._run) if self._asked else []
        names = [phase.name for phase in self._phases]
        self.result = replace(self.result, lines=lines_of(self._asked, left, names))
        open_rows = any(each.asked > each.settled for each in self.result.lines)
        return Outcome(ATTENTION if open_rows else DONE, outcome.summary)


def lines_of(
    asked: Iterable[AskedCount], left: Iterable[AskedCount], order: Sequence[str]
) -> list[RetryLine]:
    """Balance what was asked for with what is left of it, in the order of the phases."""
    lines: dict[tuple[str, str], RetryLine] = {}
    for each in asked:
        line = lines.setdefault((each.phase, each.asked), RetryLine(each.phase, each.asked))
        line.asked += each.records
    for each in left:
        line = lines[each.phase, each.asked]
        if each.state == "held":
            line.held += each.records
        elif each.state == "failed":
            line.failed += each.records
        else:
            line.pending += each.records
        if each.state in STATES:
            line.now[each.reason] = line.now.get(each.reason, 0) + each.records
    for line in lines.values():
        line.settled = line.asked - line.held - line.failed - line.pending
    by_phase: dict[str, list[RetryLine]] = defaultdict(list)
    for line in lines.values():
        by_phase[line.phase].append(line)
    return [line for name in order for line in by_phase[name]]


def _known(what: str, named: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise UsageInvalid(
            f"There is no {what} called {', '.join(unknown)}.",
            next_step=f"Choose from: {', '.join(sorted(known))}.",
        )
