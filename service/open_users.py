"""Which references of rows an unsettled user stands in the way of, and which rows so must wait.

A chain such as a Case's owner is tried in order; a user without a counterpart who comes before the first
that has one would own the record, so it waits: the next in the chain would be the wrong owner.
"""

from collections.abc import Iterable, Mapping, Sequence

from service.agents import USER
from service.job_rows import RowReader
from service.phases import Phase
from transforms.compile import ParentField

OpenRefs = list[dict[str, list[str]]]
"""For each parent field: by reference, the users (`user:ID`) that stand in its way."""
_LINK = f"{USER}:"


def open_plain(refs: Iterable[str], settled: Mapping[str, object]) -> dict[str, list[str]]:
    """Return those references to one user each that lead nowhere."""
    return {ref: [_LINK + ref] for ref in refs if ref not in settled}


def open_chains(refs: Iterable[str], settled: Mapping[str, object]) -> dict[str, list[str]]:
    """Return those chains in which users who are not settled come before the first that is."""
    found = {}
    for ref in refs:
        before: list[str] = []
        for link in ref.split("|"):
            if link in settled:
                break
            if link.startswith(_LINK):
                before.append(link)
        if before:
            found[ref] = before
    return found


def users_lacking(
    parents: Sequence[ParentField], reader: RowReader, index: int, open_refs: OpenRefs
) -> tuple[str, str]:
    """The first parent field of a row that waits for users, and all users that the row waits for.

    Both are empty for a row that waits for none.
    """
    first, users = "", dict[str, None]()
    for parent, column, waits in zip(parents, reader.parents, open_refs, strict=False):
        if waits and (found := waits.get(column[index])):
            first = first or parent.name
            users |= dict.fromkeys(found)
    return first, "|".join(users)


def late_column(phase: Phase, parent: ParentField) -> str:
    """The column of a parent that can be filled later than its row is made; "" when it cannot.

    It is one without which the row stands for itself: a relation's address takes the place of its person.
    """
    either = phase.content.either if phase.content else ()
    if USER not in parent.kinds:
        return ""
    return next((column for column in parent.columns.values() if column in either), "")
