"""What follows when a Lead has become a Contact: all that named the Lead names the Contact, and the Lead
is retired by the config's rule.

Records set aside by the flow are worked in blocks, step by step; each step is durable before the next one
begins, and does nothing that is done already. One that Salesforce refuses is held with its reason, and
tried again whenever its phase is driven.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import structlog

from connectors.clock import Clock
from connectors.errors import NotFound
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ids import to_18
from connectors.salesforce.retrieve import retrieve
from connectors.salesforce.soql import in_lists
from service.crash_points import reach
from service.phases import Phase
from service.runners import runners
from service.small_writes import Write, write_until_done
from service.transition import ACCOUNT, CONTACT, LEAD, repointed
from state.ledger import Ledger
from state.rows import RowEntry
from state.transitions import Step, Transition
from transforms.compile import CompiledMapping

BLOCK = 200
MARK_MISSING = "mark-missing"
RELATION = "EmailMessageRelation"
CASE = "Case"
TOUCHED_BY = "LastModifiedById"
Retire = Literal["keep", "mark", "delete"]
Fate = Literal["kept", "marked", "deleted", "converted", "gone"]
Reference = tuple[str, tuple[str, str]]
"""An object, and its columns that name a Lead and a Contact."""
_log = structlog.get_logger()


def references_of(mapping: CompiledMapping, kind: str) -> list[Reference]:
    """The objects of the map that name records of `kind` both as Leads and as Contacts."""
    found = {
        (table.object, (parent.columns[LEAD], parent.columns[CONTACT])): None
        for phase in mapping.phases.values()
        for table in phase.tables.values()
        for parent in table.parents
        if kind in parent.kinds and {LEAD, CONTACT} <= parent.columns.keys()
    }
    return [each for each in found if each[0] != RELATION]


def fate_of(
    each: Transition, lead: Mapping[str, Any] | None, rule: Retire, *, touched: bool
) -> Fate:
    """What is to become of a Lead. `touched`: somebody else has written to it.

    One that was there before the migration is not ours to retire; a converted one is Salesforce's record
    of the conversion, and read-only.
    """
    if lead is None:
        return "gone"
    if lead.get("IsConverted"):
        return "converted"
    if rule == "keep" or each.from_origin == "matched":
        return "kept"
    return "deleted" if rule == "delete" and not touched else "marked"


class TransitionSteps:
    """Works the open transitions of one phase to their end."""

    def __init__(
        self,
        phase: Phase,
        mapping: CompiledMapping,
        *,
        ledger: Ledger,
        client: SalesforceClient,
        clock: Clock,
        rule: Retire,
    ) -> None:
        self._phase = phase
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._rule = rule
        self._references = references_of(mapping, phase.kind)
        lead = mapping.phases[phase.name].tables.get(LEAD)
        self._mark = lead.retired if lead else ""

    async def run(self) -> None:
        """Bring each transition as far as it goes; raises the connectors' errors.

        After a crash the next run begins with the step that is not noted.
        """
        work: tuple[tuple[Step, Callable[[Sequence[Transition]], Awaitable[None]]], ...] = (
            ("made", self._refer),
            ("references", self._relate),
            ("relations", self._retire),
        )
        for step, do in work:
            after: str | None = None
            while block := await self._block(step, after):
                await do(block)
                after = block[-1].source_id

    async def _block(self, step: Step, after: str | None) -> list[Transition]:
        return await self._ledger.transitions.at(self._phase.name, step, after=after, limit=BLOCK)

    async def _refer(self, block: Sequence[Transition]) -> None:
        """Let the Cases of the Leads name the Contacts."""
        refused: dict[str, str] = {}
        for reference in self._references:
            wanted = partial(self._repointings, block, reference)
            refused |= await self._write("PATCH", wanted, lambda: reach("references-sent"))
        await self._note("references", block, refused, {})
        reach("references-noted")

    async def _relate(self, block: Sequence[Transition]) -> None:
        """Let the relations of e-mails name the Contacts, where they can be changed."""
        refused: dict[str, str] = {}
        if await self._relations_change():
            wanted = partial(self._repointings, block, (RELATION, ("RelationId", "RelationId")))
            refused = await self._write("PATCH", wanted, lambda: reach("relations-sent"))
        await self._note("relations", block, refused, {})
        reach("relations-noted")

    async def _retire(self, block: Sequence[Transition]) -> None:
        """Retire the Leads by the rule."""
        leads = await self._leads(block)
        touched = await self._touched(leads)
        fates = {
            each.source_id: fate_of(
                each, leads.get(each.from_id), self._rule, touched=each.from_id in touched
            )
            for each in block
        }
        refused: dict[str, str] = {}
        marked = [each for each in block if fates[each.source_id] == "marked"]
        if not self._mark:
            refused = {each.source_id: MARK_MISSING for each in marked}
        elif marked:
            wanted = partial(self._markings, marked)
            refused = await self._write("PATCH", wanted, lambda: reach("leads-marked"))
        deleted = [each for each in block if fates[each.source_id] == "deleted"]
        if deleted:
            wanted = partial(self._deletions, deleted)
            refused |= await self._write("DELETE", wanted, lambda: reach("leads-deleted"))
        await self._note("done", block, refused, fates)
        reach("leads-noted")

    async def _touched(self, leads: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Leads that others wrote to; durable at once, as after a mark of ours we are the last."""
        ours = await runners(self._ledger, self._client)
        last = sorted(key for key, each in leads.items() if str(each.get(TOUCHED_BY)) not in ours)
        if last:
            async with self._ledger.write() as tx:
                await self._ledger.conflicts.touch(tx, LEAD, last)
        return await self._ledger.conflicts.touched(LEAD, list(leads))

    async def _write(
        self,
        method: Literal["PATCH", "DELETE"],
        wanted: Callable[[], Awaitable[Sequence[Write]]],
        sent: Callable[[], None],
    ) -> dict[str, str]:
        return await write_until_done(self._client, self._clock, method, wanted, sent)

    async def _repointings(
        self, block: Sequence[Transition], reference: Reference
    ) -> Sequence[Write]:
        """What still names one of the Leads; who wrote to it last is remembered before we do."""
        name, columns = reference
        by_lead = {each.from_id: each for each in block}
        accounts = await self._accounts(block) if name == CASE else {}
        more = [] if name == RELATION else [TOUCHED_BY]
        more += [ACCOUNT] if name == CASE else []
        fields = ", ".join(dict.fromkeys((*columns, *more)))
        ours = await runners(self._ledger, self._client)
        found: list[Write] = []
        touched: list[str] = []
        for ids in in_lists(by_lead):
            soql = f"SELECT Id, {fields} FROM {name} WHERE {columns[0]} IN ({ids})"  # noqa: S608
            async for page in self._client.query(soql):
                for record in page:
                    each = by_lead[to_18(str(record[columns[0]]))]
                    change = repointed(record, columns, each.to_id, accounts.get(each.to_id, ""))
                    if change is None:
                        continue
                    key = to_18(str(record["Id"]))
                    found.append(Write(each.source_id, name, key, change))
                    if name != RELATION and str(record.get(TOUCHED_BY)) not in ours:
                        touched.append(key)
        if touched:
            async with self._ledger.write() as tx:
                await self._ledger.conflicts.touch(tx, name, touched)
        return found

    async def _accounts(self, block: Iterable[Transition]) -> dict[str, str]:
        """The Accounts of the Contacts, by the Contact's id."""
        ids = sorted({each.to_id for each in block})
        there = await retrieve(self._client, CONTACT, ids, [ACCOUNT])
        return {key: str(each[ACCOUNT]) for key, each in there.items() if each.get(ACCOUNT)}

    async def _relations_change(self) -> bool:
        """Whether relations of e-mails are there for us, and can be given another person."""
        try:
            shape = await self._client.describe(RELATION)
        except NotFound:
            return False
        person = shape.fields.get("RelationId")
        return shape.updateable and person is not None and person.updateable

    async def _leads(self, block: Iterable[Transition]) -> dict[str, dict[str, Any]]:
        fields = ["IsConverted", TOUCHED_BY, *([self._mark] if self._mark else [])]
        ids = sorted(each.from_id for each in block)
        return await retrieve(self._client, LEAD, ids, fields)

    async def _markings(self, block: Sequence[Transition]) -> Sequence[Write]:
        there = await self._leads(block)
        return [
            Write(each.source_id, LEAD, each.from_id, {self._mark: each.to_id})
            for each in block
            if each.from_id in there
            and to_18(str(there[each.from_id].get(self._mark) or "")) != each.to_id
        ]

    async def _deletions(self, block: Sequence[Transition]) -> Sequence[Write]:
        there = await self._leads(block)
        return [
            Write(each.source_id, LEAD, each.from_id, {}) for each in block if each.from_id in there
        ]

    async def _note(
        self,
        step: Step,
        block: Sequence[Transition],
        refused: Mapping[str, str],
        fates: Mapping[str, Fate],
    ) -> None:
        """Make a step durable, and hold those that got no further."""
        done = {each.source_id: fates.get(each.source_id, "") for each in block}
        done = {key: fate for key, fate in done.items() if key not in refused}
        freed = {each.source_id: each.stuck for each in block if each.stuck}
        async with self._ledger.write() as tx:
            await self._ledger.rows.drop_changes(tx, self._phase.name, freed)
            await self._ledger.transitions.advance(tx, self._phase.name, step, done)
            await self._ledger.transitions.stick(tx, self._phase.name, refused)
            held = [self._held(key, reason) for key, reason in refused.items()]
            await self._ledger.rows.put(tx, held)
        _log.info("transitions", step=step, done=len(done), held=len(refused))

    def _held(self, source_id: str, reason: str) -> RowEntry:
        return RowEntry(
            self._phase.name, source_id, 0, "held", reason, "", "", payload=None, change=True
        )
