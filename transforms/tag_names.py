"""Names of tags as a multi-select picklist can hold them."""

from collections.abc import Iterable, Mapping


def spelled(names: Iterable[str]) -> Mapping[str, str]:
    """Return, for every name, how it is written: of those that differ in letter case alone, one way.

    A picklist does not tell them apart. Outer blanks go; the choice depends on the names alone, not on
    their order.
    """
    known: dict[str, str] = {}
    plain = {name: name.strip() for name in names}
    for name in sorted(plain.values()):
        known.setdefault(name.lower(), name)
    return {name: known[stripped.lower()] for name, stripped in plain.items()}
