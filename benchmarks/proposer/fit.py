"""Fits the proposer's weights: a choice among the fields and none, by gradient, in plain Python."""

from collections.abc import Sequence
from math import exp

from benchmarks.proposer.pairs import Group
from transforms.schema.propose.affinity import FEATURES, NONE, WEIGHTS, Fields

_STEPS = 3_000
_PACE = 0.5
_SHRINK = 0.002  # towards 0: few pairs must not make a weight extreme
Row = tuple[list[list[float]], int]


def fitted(groups: Sequence[Group]) -> dict[str, float]:
    """The weights under which the right choices are likeliest; the last is that of none.

    Each pair counts twice, with and without the table of words: on a real org the table helps less
    than on pairs that its author knew, and confidence must not believe otherwise.
    """
    rows = [row for group in groups for meant in (True, False) for row in _rows(group, meant=meant)]
    weights = [WEIGHTS[name] for name in FEATURES] + [NONE]
    for _ in range(_STEPS):
        slope = [-_SHRINK * weight for weight in weights]
        for options, right in rows:
            for number, pull in enumerate(_pull(options, right, weights)):
                slope[number] += pull / len(rows)
        weights = [w + _PACE * s for w, s in zip(weights, slope, strict=True)]
    return dict(zip((*FEATURES, "NONE"), weights, strict=True))


def _rows(group: Group, *, meant: bool) -> list[Row]:
    ready = Fields(group.fields, meant=meant)
    rows = []
    for attribute, profile in group.attributes:
        none = [0.0] * len(FEATURES) + [1.0]
        options, right = [none], 0
        for field, pair in zip(group.fields, ready.pairs(attribute, profile), strict=True):
            if pair is None:
                continue
            if field.name == group.labels[attribute.name]:
                right = len(options)
            options.append([pair.facts[name] for name in FEATURES] + [0.0])
        rows.append((options, right))
    return rows


def _pull(options: list[list[float]], right: int, weights: list[float]) -> list[float]:
    scores = [sum(w * x for w, x in zip(weights, each, strict=True)) for each in options]
    most = max(scores)
    odds = [exp(score - most) for score in scores]
    whole = sum(odds)
    return [
        options[right][number]
        - sum(odd / whole * each[number] for odd, each in zip(odds, options, strict=True))
        for number in range(len(weights))
    ]
