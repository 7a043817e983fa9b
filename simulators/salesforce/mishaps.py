"""What befalls the results of a job though its rows went in (facts, 3.7 to 3.9)."""

from collections import Counter

from simulators.salesforce.results import Which

Row = list[str]
UNSURE = "UNKNOWN_EXCEPTION:An unexpected error occurred. ErrorId 1-2 (3):--"


class Mishaps:
    """Counts of rows still to be struck, by object."""

    def __init__(self) -> None:
        self.unsure: Counter[str] = Counter()
        self.lost: Counter[tuple[str, Which]] = Counter()

    def strike(self, name: str, good: list[Row], bad: list[Row]) -> None:
        """Tell of rows that were made as if that were unknown; let others go untold."""
        while good and self.unsure[name] > 0:
            self.unsure[name] -= 1
            _, _, *cells = good.pop()
            bad.append(["", UNSURE, *cells])
        self.lose(name, "successful", good)
        self.lose(name, "failed", bad)

    def lose(self, name: str, which: Which, rows: list[Row]) -> None:
        """Let rows go untold in one of the three lists."""
        while rows and self.lost[name, which] > 0:
            self.lost[name, which] -= 1
            rows.pop()
