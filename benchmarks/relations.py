"""`python -m benchmarks.relations`: what the pass of relations costs, as ratios of one run.

The same canned org is migrated without the pass (`move: false` in the map) and with it, in turns, so that
a busy machine slows both. Compare ratios, not figures. Environment: `BENCH_MESSAGES` (50000),
`BENCH_TURNS` (3).
"""

import os
from statistics import median

from benchmarks.__main__ import Run, migrate, show
from service.mapped import default_mapping
from service.relations_allowed import RELATIONS

_LINE = "    of: messages\n"


def main() -> None:
    """Print both, and the cost of the pass for a message and for a row of its own."""
    messages = int(os.environ.get("BENCH_MESSAGES", "50000"))
    turns = int(os.environ.get("BENCH_TURNS", "3"))
    without: list[Run] = []
    whole: list[Run] = []
    text = default_mapping()
    for _ in range(turns):
        without.append(migrate(messages, text=text.replace(_LINE, f"{_LINE}    move: false\n")))
        whole.append(migrate(messages, text=text))
    for name, runs in (("without the pass", without), ("with the pass", whole)):
        seconds = median(run.seconds for run in runs)
        cpu = median(run.measured["cpu_s"] for run in runs)
        show(
            f"{name}: records",
            f"{runs[0].rows:,}",
            f"{seconds:.1f} s by the clock, {cpu:.1f} CPU s",
        )
    added = sum(whole[0].stand_in["rows"][RELATIONS])  # books count a message once, not its rows
    clock = median(b.seconds / a.seconds for a, b in zip(without, whole, strict=True))
    cpu = median(
        b.measured["cpu_s"] / a.measured["cpu_s"] for a, b in zip(without, whole, strict=True)
    )
    show("rows of the pass for a message", f"{added / messages:.2f}")
    show("time with / without, by the clock", f"{clock:.2f}")
    show("time with / without, CPU", f"{cpu:.2f}")
    show("CPU for a row of the pass / any other", f"{(cpu - 1) * without[0].rows / added:.2f}")
    print()
    for name in whole[0].measured["stages"]:
        before = median(run.measured["stages"][name] for run in without)
        after = median(run.measured["stages"][name] for run in whole)
        show(name, f"{before:.2f} s", f"{after:.2f} s with the pass")


if __name__ == "__main__":
    main()
