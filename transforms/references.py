"""References of rows to their parents: what a row says of them, and how it is read from a record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transforms.errors import Hold
from transforms.record import Getter, Record


@dataclass(frozen=True)
class ParentField:
    """A reference of a row, resolved at upload.

    `columns`: CSV column by the object the parent became. `chain`: references are written
    `kind:id|kind:id`, tried in order; else they are plain ids of the one kind. `required`: a row
    whose named parent is not there must wait, unless it was deleted and `may_be_gone`. `default`: a
    target id for rows whose reference leads nowhere. `supplied`: by the object that the parent became,
    columns that what it gives fills: (column, name, most characters; 0: any number).
    """

    name: str
    kinds: tuple[str, ...]
    columns: Mapping[str, str]
    required: bool
    default: str | None
    chain: bool
    may_be_gone: bool = False
    supplied: Mapping[str, Sequence[tuple[str, str, int]]] = field(default_factory=dict)

    @property
    def given(self) -> list[str]:
        """The columns that are filled with what the parent gives."""
        return list(dict.fromkeys(each[0] for some in self.supplied.values() for each in some))

    @property
    def wide(self) -> list[str]:
        """All of its columns, as they stand in a row."""
        return [*dict.fromkeys(self.columns.values()), *self.given]


def parent_mark(name: str) -> str:
    """What the marks of a parent field are called by."""
    return f"parent {name}"


def is_reference(value: str) -> bool:
    """Tell whether an id can be written into a reference: letters, digits, `-` and `_` only."""
    return value.isascii() and (
        value.isalnum() or value.replace("-", "").replace("_", "").isalnum()
    )


def reference(
    name: str, sources: Sequence[tuple[str, Getter]], *, chain: bool, needed: bool
) -> Callable[[Record], str]:
    """Return a function that writes a record's reference, as `ParentField` describes.

    It raises `Hold` for an id that is none (wrong-type, bad-reference), and where a `needed`
    reference is absent (no-parent).
    """
    if chain:
        return _chain(name, sources, needed=needed)
    get = sources[0][1]

    def plain(record: Record) -> str:
        value = get(record)
        if type(value) is str and value.isalnum() and value.isascii():
            return value
        if _is_none(value):
            if needed:
                raise Hold("no-parent", name)
            return ""
        return _checked_id(name, value)

    return plain


def _chain(
    name: str, sources: Sequence[tuple[str, Getter]], *, needed: bool
) -> Callable[[Record], str]:
    def linked(record: Record) -> str:
        links = []
        for kind, get in sources:
            value = get(record)
            if not value:
                continue
            ids = value if isinstance(value, list) else (value,)
            links += [f"{kind}:{_checked_id(name, each)}" for each in ids if not _is_none(each)]
        if needed and not links:
            raise Hold("no-parent", name)
        return "|".join(links)

    return linked


def user_by_email(name: str, get: Getter) -> Getter:
    """Read the id of the user whose mail address is at a path; `name` is the parent's.

    An address that no user has, or more than one, raises `Hold` (unknown-user).
    """

    def found(record: Record) -> Any:
        value = get(record)
        if _is_none(value):
            return None
        if not isinstance(value, str):
            raise Hold("wrong-type", name)
        address = value.strip().lower()
        if not address:
            return None
        user = record.lookups.user_emails.get(address)
        if user is None:
            raise Hold("unknown-user", name)
        return user

    return found


def _is_none(value: Any) -> bool:
    return value is None or value == ""


def _checked_id(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Hold("wrong-type", name)
    if not is_reference(value):
        raise Hold("bad-reference", name)
    return value
