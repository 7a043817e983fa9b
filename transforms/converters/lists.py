"""Converters for lists: joined values, names of ids, domains."""

from typing import Any

from transforms.converters.cells import as_text, clean, fitted
from transforms.converters.context import ConverterContext
from transforms.record import Cell, Record


def as_list(value: Any) -> list[Any]:
    """Return a list for a list, one value, or nothing."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def join(context: ConverterContext) -> Cell:
    """All values, joined by `with` (default `; `)."""
    get, limit = context.get, context.length
    separator = str(context.options.get("with", "; "))

    def cell(record: Record) -> str:
        found = get(record)
        if not found:
            return ""
        return fitted(clean(separator.join([as_text(each) for each in as_list(found)])), limit)

    return cell


def names(context: ConverterContext) -> Cell:
    """Ids as `name (id)` by the table `of` (tags, users, teams), or names alone with `ids: false`.

    An id that no table knows stays an id.
    """
    get, limit = context.get, context.length
    kind = str(context.options["of"])
    with_ids = bool(context.options.get("ids", True))

    def cell(record: Record) -> str:
        found = get(record)
        if not found:
            return ""
        table = record.lookups.table(kind)
        shown = []
        for each in as_list(found):
            source_id = as_text(each)
            name = table.get(source_id)
            if name is None:
                shown.append(source_id)
            else:
                shown.append(f"{name} ({source_id})" if with_ids else name)
        return fitted(clean("; ".join(shown)), limit)

    return cell


def first_value(context: ConverterContext) -> Cell:
    """The first value of a list, as text; all others must have a line of their own."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        found = as_list(get(record))
        return fitted(clean(as_text(found[0])), limit) if found else ""

    return cell


def _domain_of(entry: Any) -> str:
    """A domain, given plain or as `{domain}` (kustomer facts, 6.2)."""
    return as_text(entry.get("domain") if isinstance(entry, dict) else entry).strip()


def domains(context: ConverterContext) -> Cell:
    """All domains of a company, joined by `; `."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        found = [_domain_of(each) for each in as_list(get(record))]
        return fitted(clean("; ".join(each for each in found if each)), limit)

    return cell


def website(context: ConverterContext) -> Cell:
    """The first domain of a company."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        for each in as_list(get(record)):
            found = _domain_of(each)
            if found:
                return fitted(clean(found), limit)
        return ""

    return cell


def domain_values(value: Any) -> list[str]:
    """All domains of a company as they are written."""
    return [_domain_of(each) for each in as_list(value)]
