"""`python -m benchmarks.proposer`: accuracy and calibration on the labelled pairs.

`--fit` prints the weights that the pairs of the tuned groups alone come to; `--misses` names misses;
`--plain` leaves the table of words out, which its author wrote knowing the pairs.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.proposer.fit import fitted
from benchmarks.proposer.pairs import TUNED_ON, Group, read_groups
from transforms.schema.propose.homes import find_homes

_BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Answer:
    """One pair: the right field, the chosen one, and how sure the proposer was."""

    group: str
    attribute: str
    right: str | None
    chosen: str | None
    confidence: float

    @property
    def hit(self) -> bool:
        """Whether it is the field that a person would choose."""
        return self.right == self.chosen


def answers(groups: Sequence[Group], *, meant: bool = True) -> list[Answer]:
    """Ask the proposer for every group."""
    found = []
    for group in groups:
        homes = find_homes(group.attributes, group.fields, meant=meant)
        for name, right in group.labels.items():
            home = homes[name]
            chosen = home.field.name if home.field else None
            found.append(Answer(group.name, name, right, chosen, home.confidence))
    return found


def accuracy(asked: Sequence[Answer]) -> float:
    """The share of hits."""
    return sum(each.hit for each in asked) / len(asked)


def brier(asked: Sequence[Answer]) -> float:
    """The mean square of confidence against outcome: 0 is perfect, 0.25 is a coin's."""
    return sum((each.confidence - each.hit) ** 2 for each in asked) / len(asked)


def _line(name: str, asked: Sequence[Answer]) -> None:
    home = [each for each in asked if each.right]
    none = [each for each in asked if not each.right]
    print(
        f"{name:<28}{len(asked):>6}{accuracy(asked):>8.1%}{accuracy(home):>12.1%}"
        f"{accuracy(none):>10.1%}{brier(asked):>8.3f}"
    )


def _calibration(asked: Sequence[Answer]) -> None:
    print(f"\n{'confidence':<14}{'pairs':>6}{'said':>8}{'right':>8}")
    for low, high in pairwise(_BINS):
        inside = [
            each
            for each in asked
            if low <= each.confidence < high or (high == 1 and each.confidence == 1)
        ]
        if inside:
            said = sum(each.confidence for each in inside) / len(inside)
            print(f"{low:.2f} to {high:.2f}  {len(inside):>6}{said:>8.1%}{accuracy(inside):>8.1%}")


def main() -> None:
    """Print the measure."""
    groups = read_groups()
    tuned = [each for each in groups if each.name in TUNED_ON]
    if "--fit" in sys.argv:
        for name, weight in fitted(tuned).items():
            print(f'    "{name}": {weight:.2f},')
        return
    every = answers(groups, meant="--plain" not in sys.argv)
    kept_out = [each for each in every if each.group not in TUNED_ON]
    print(f"{'group':<28}{'pairs':>6}{'top-1':>8}{'with home':>12}{'without':>10}{'Brier':>8}")
    for group in groups:
        _line(group.name, [each for each in every if each.group == group.name])
    _line("tuned on", [each for each in every if each.group in TUNED_ON])
    _line("held out", kept_out)
    _line("all", every)
    for title, asked in (("All pairs", every), ("Held out", kept_out)):
        print(f"\n{title}:", end="")
        _calibration(asked)
    if "--misses" in sys.argv:
        for each in every:
            if not each.hit:
                print(f"{each.attribute}: {each.chosen} ({each.confidence:.2f}), not {each.right}")


if __name__ == "__main__":
    main()
