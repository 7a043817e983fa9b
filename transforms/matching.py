"""How a table's records are known again among existing ones, compiled from its lines in the map."""

from collections.abc import Callable
from functools import partial

from transforms.converters.cells import as_text, clean
from transforms.converters.contact_points import own_emails
from transforms.converters.lists import as_list, domain_values
from transforms.domains import match_domain
from transforms.fit import Fit
from transforms.map_lines import MatchByLine
from transforms.mapping import TableLine
from transforms.match_keys import Matching, MatchWay, field_key, write_keys
from transforms.record import Record, compile_path, first_of
from transforms.same_text import same_text
from transforms.shape import ObjectShape

Keys = Callable[[Record], str]
DOMAIN_FIELD = "Website"


def matching_of(
    target: ObjectShape, line: TableLine, own: Callable[[Record], str] | None, fit: Fit
) -> tuple[Matching | None, Keys | None]:
    """Return how existing records are read, and the function that writes a record's match keys.

    `own`: the cell of the field that `same_as` names. Faults go to `fit`.
    """
    if line.same_as and own is not None:
        name = MatchWay(line.same_as, same_text)
        return Matching((name,)), lambda record: same_text(own(record).replace('""', '"'))
    if line.match_key is not None:
        return _by_domain(line, line.match_key)
    if line.match_by:
        return _by_fields(target, line, fit)
    return None, None


def _by_domain(line: TableLine, path: str) -> tuple[Matching, Keys]:
    get = compile_path(path)
    never, anyway = frozenset(line.never_match), frozenset(line.match_anyway)
    key_of = partial(match_domain, never=never, anyway=anyway)

    def keys(record: Record) -> str:
        found = [key_of(each) for each in domain_values(get(record))]
        return write_keys([[each for each in found if each]])

    return Matching((MatchWay(DOMAIN_FIELD, key_of),)), keys


def _by_fields(target: ObjectShape, line: TableLine, fit: Fit) -> tuple[Matching, Keys]:
    ways, makers = [], []
    for way in line.match_by:
        if way.field not in target.fields:
            fit.fault(f"{target.name}: the org has no field {way.field} to match by.", "match_by")
        # A lead that was converted stands for nothing any more, and cannot be changed.
        where = "IsConverted = false" if "IsConverted" in target.fields else ""
        ways.append(MatchWay(way.field, partial(field_key, way.field), where))
        makers.append((way.field, _values_of(way)))

    def keys(record: Record) -> str:
        return write_keys(
            [key for value in values(record) if (key := field_key(field, value))]
            for field, values in makers
        )

    return Matching(tuple(ways), shared=False), keys


def _values_of(way: MatchByLine) -> Callable[[Record], list[str]]:
    if way.source is None:
        return own_emails
    get = first_of(way.source)
    return lambda record: [clean(as_text(each)) for each in as_list(get(record))]
