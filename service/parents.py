"""Finds the parents of rows in the crosswalk, when the rows are put together into a job."""

from collections.abc import Mapping, Sequence

from service.agents import USER
from service.gone_parents import GoneParents
from service.job_rows import ParentCells, RowReader, Target
from service.open_users import OpenRefs, open_chains, open_plain
from service.supplied import SuppliedValues
from state.ledger import Ledger
from transforms.compile import ParentField, Table


class Parents:
    """The parents of one table's rows; holds nothing between calls."""

    def __init__(
        self,
        ledger: Ledger,
        table: Table,
        gone: GoneParents | None,
        supplied: SuppliedValues | None = None,
    ) -> None:
        """`gone` tells which parents were deleted; without it rows wait for those too.

        `supplied` tells what parents give that nothing was learned of.
        """
        self._ledger = ledger
        self._table = table
        self._gone = gone
        self._supplied = supplied

    async def of(
        self,
        readers: Sequence[RowReader],
        open_refs: OpenRefs | None = None,
        *,
        making: bool = False,
    ) -> tuple[list[ParentCells], list[set[str]]]:
        """The cells of each parent field, and its references whose rows must wait.

        Those that an unsettled user stands in the way of are added to `open_refs`. `making`: the rows are
        sent as new records, so what their parents give may be asked for.
        """
        cells, missing = [], []
        found: OpenRefs = [] if open_refs is None else open_refs
        bare = not self._table.columns
        for number, parent in enumerate(self._table.parents):
            targets = await self._resolve(number, parent, readers, found)
            given = await self._given(parent, targets, making=making)
            made = ParentCells(parent, targets, leads=bare and number == 0, given=given)
            cells.append(made)
            lacking = made.missing({r for reader in readers for r in reader.parents[number]})
            if lacking and parent.may_be_gone and self._gone is not None:
                lacking -= await self._gone.among(parent.kinds[0], lacking)
            missing.append(lacking)
        return cells, missing

    async def _given(
        self, parent: ParentField, targets: Mapping[str, Target], *, making: bool
    ) -> Mapping[str, Mapping[str, str]]:
        """What the parents give, of those that became an object whose values are taken over."""
        refs = sorted(ref for ref, (table, _) in targets.items() if parent.supplied.get(table))
        if not refs:
            return {}
        found = await self._ledger.supplied.of(parent.kinds[0], refs)
        unknown = [ref for ref in refs if ref not in found]
        if unknown and making and self._supplied is not None:
            found |= await self._supplied.of(parent.kinds[0], unknown)
        return found

    async def _resolve(
        self,
        number: int,
        parent: ParentField,
        readers: Sequence[RowReader],
        open_refs: OpenRefs,
    ) -> dict[str, Target]:
        """Look up every distinct reference of one parent field; absent ones are missing.

        Those that an unsettled user stands in the way of are added to `open_refs`.
        """
        refs = {ref for reader in readers for ref in reader.parents[number] if ref}
        if not parent.chain:
            kind = parent.kinds[0]
            plain = await self._ledger.crosswalk.resolve(kind, sorted(refs))
            open_refs.append(open_plain(refs, plain) if kind == USER else {})
            return dict(plain)
        links = {link for ref in refs for link in ref.split("|")}
        by_link: dict[str, Target] = {}
        for kind in parent.kinds:
            ids = sorted(link[len(kind) + 1 :] for link in links if link.startswith(f"{kind}:"))
            found = await self._ledger.crosswalk.resolve(kind, ids)
            by_link.update({f"{kind}:{source}": target for source, target in found.items()})
        chosen = {}
        for ref in refs:
            target = next((by_link[link] for link in ref.split("|") if link in by_link), None)
            if target is not None:
                chosen[ref] = target
        open_refs.append(open_chains(refs, by_link) if USER in parent.kinds else {})
        return chosen

    def lacks(
        self, reader: RowReader, index: int, missing: Sequence[set[str]]
    ) -> tuple[str, str] | None:
        """The parent that is not there: its field, and its name as `kind:id`, or several."""
        for parent, column, absent in zip(
            self._table.parents, reader.parents, missing, strict=False
        ):
            if column[index] in absent:
                kind = "" if parent.chain else f"{parent.kinds[0]}:"
                return parent.name, kind + column[index]
        return None
