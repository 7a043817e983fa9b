"""The best assignment as a whole: which attribute gets which field, none twice.

The Hungarian method with potentials, row by row, O(rows² × columns). A few hundred attributes and
fields take well under a second; a library for it (scipy) would be larger than all of Deskferry.
"""

from collections.abc import Sequence

_FAR = float("inf")


def best_assignment(gains: Sequence[Sequence[float | None]]) -> list[int | None]:
    """Return for each row its column, or None, so that the sum of the gains is the largest.

    A None in `gains` forbids the pair; a pair of negative gain is never made. All rows have the same
    number of columns. Of several best assignments the same one is returned every time.
    """
    if not gains:
        return []
    columns = len(gains[0])
    # A column of its own for each row: to stay without a pair costs nothing.
    costs = [
        [_FAR if gain is None else -gain for gain in row]
        + [0.0 if other == number else _FAR for other in range(len(gains))]
        for number, row in enumerate(gains)
    ]
    owner = _solve(costs)
    found: list[int | None] = [None] * len(gains)
    for column, row in enumerate(owner[:columns]):
        if row is not None:
            found[row] = column
    return found


def _solve(costs: list[list[float]]) -> list[int | None]:
    """For each column its row, at the least cost."""
    width = len(costs[0])
    owner: list[int | None] = [None] * width
    row_potential, column_potential = [0.0] * len(costs), [0.0] * width
    for start in range(len(costs)):
        _place(start, costs, owner, row_potential, column_potential)
    return owner


def _place(
    start: int,
    costs: list[list[float]],
    owner: list[int | None],
    row_potential: list[float],
    column_potential: list[float],
) -> None:
    """Give one more row a column along the shortest augmenting path."""
    width = len(owner)
    least = [_FAR] * width
    came_from: list[int | None] = [None] * width
    done = [False] * width
    row, last = start, None
    while True:
        for column in range(width):
            if done[column]:
                continue
            cost = costs[row][column] - row_potential[row] - column_potential[column]
            if cost < least[column]:
                least[column], came_from[column] = cost, last
        step, nearest = min((least[c], c) for c in range(width) if not done[c])
        row_potential[start] += step
        for column in range(width):
            if done[column]:
                taken_by = owner[column]
                assert taken_by is not None  # only taken columns are done
                row_potential[taken_by] += step
                column_potential[column] -= step
            else:
                least[column] -= step
        done[nearest], last = True, nearest
        held_by = owner[nearest]
        if held_by is None:
            break
        row = held_by
    while last is not None:
        before = came_from[last]
        owner[last] = start if before is None else owner[before]
        last = before
