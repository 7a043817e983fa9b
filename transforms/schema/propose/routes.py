"""The order of phases while references are added: which of them must be made in a second pass."""

from collections import defaultdict
from collections.abc import Iterable

from transforms.mapping import Mapping


class Routes:
    """Which phase waits for which. Phases that feed another one wait for it, too."""

    def __init__(self, mapping: Mapping) -> None:
        self._needs: dict[str, set[str]] = defaultdict(set)
        self._by_kind = {line.kind: name for name, line in mapping.phases.items()}
        for name, line in mapping.phases.items():
            for table in line.tables.values():
                for parent in table.parents.values():
                    self._add(name, (self._by_kind.get(kind) for kind in parent.kinds))

    def join(self, phase: str, kind: str) -> None:
        """Make a phase known by the kind of its records."""
        self._by_kind[kind] = phase

    def need(self, phase: str, kinds: Iterable[str]) -> bool:
        """Let a phase wait for those of `kinds`; False, and nothing changed, if that made a ring."""
        wanted = [self._by_kind[kind] for kind in kinds if kind in self._by_kind]
        if any(each == phase or phase in self._all_needs(each) for each in wanted):
            return False
        self._add(phase, wanted)
        return True

    def _add(self, phase: str, needs: Iterable[str | None]) -> None:
        self._needs[phase] |= {each for each in needs if each and each != phase}

    def _all_needs(self, phase: str) -> set[str]:
        found: set[str] = set()
        waiting = [phase]
        while waiting:
            for each in self._needs[waiting.pop()] - found:
                found.add(each)
                waiting.append(each)
        return found
