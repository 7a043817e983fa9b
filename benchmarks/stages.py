"""Runs the real command and tells on which stage its CPU seconds went.

    python -m benchmarks.stages OUT.json [arguments of deskferry]

A timer of CPU time interrupts the main thread every few milliseconds. Each thread's own CPU clock
is then read, and what it spent since the last look goes to the stage that its stack is in: the
innermost frame of a file that `STAGES` names. What a thread did and had ended by then counts as rest.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from service import confirm
from service.cli.main import run

EVERY_S = 0.004
STAGES = {
    "service/extract.py": "read + parse",
    "service/schedule.py": "read + parse",
    "service/pages.py": "read + parse",
    "connectors/kustomer/client.py": "read + parse",
    "service/planner.py": "read + parse",
    "service/seal.py": "seal",
    "service/unsealed.py": "seal",
    "service/assemble.py": "assemble + upload",
    "service/job.py": "assemble + upload",
    "service/lanes.py": "assemble + upload",
    "service/load.py": "assemble + upload",
    "service/harvest.py": "harvest",
    "aiosqlite/core.py": "SQLite",
    "importlib._bootstrap": "start",
}
OTHER = "event loop, rest"
ORDER = (
    "read + parse",
    "transform",
    "seal",
    "assemble + upload",
    "harvest",
    "SQLite",
    "start",
    OTHER,
)


class Sampler:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._seen: dict[int, float] = {}
        self._stage_of_file: dict[str, str | None] = {}

    def start(self) -> None:
        """Look every `EVERY_S` of CPU time from now on; what was spent before is the start."""
        self._look(None, start=True)
        signal.signal(signal.SIGPROF, lambda _, frame: self._look(frame))
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._look(None)

    def _look(self, main_frame: FrameType | None, *, start: bool = False) -> None:
        frames = sys._current_frames()
        main = threading.main_thread().ident
        for thread in threading.enumerate():
            if thread.ident is None:
                continue
            try:
                clock = time.pthread_getcpuclockid(thread.ident)
                now = time.clock_gettime(clock)
            except OSError:  # the thread has just ended
                continue
            spent = now - self._seen.get(thread.ident, 0.0)
            frame = main_frame if thread.ident == main else frames.get(thread.ident)
            self.spent["start" if start else self._stage(frame)] += max(0.0, spent)
            self._seen[thread.ident] = now
        frames.clear()  # our own frame is in it: a ring that would keep every page alive

    def _stage(self, frame: FrameType | None) -> str:
        while frame is not None:
            name = frame.f_code.co_filename
            if name not in self._stage_of_file:
                self._stage_of_file[name] = _stage_of(name)
            stage = self._stage_of_file[name]
            if stage:
                return stage
            frame = frame.f_back
        return OTHER


def _stage_of(name: str) -> str | None:
    if "/transforms/" in name or name == "<row of a table>":
        return "transform"
    return next((stage for end, stage in STAGES.items() if end in name), None)


def peak_bytes() -> int:
    """The most memory this process ever held; unlike `ru_maxrss` it owes nothing to a parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Run the command, then write what was measured."""
    out = Path(sys.argv.pop(1))
    if "BENCH_MAP" in os.environ:  # a map to measure, as if it were the one that is shipped
        text = Path(os.environ["BENCH_MAP"]).read_text(encoding="utf-8")
        confirm.default_mapping = lambda: text  # type: ignore[attr-defined]
    sampler = Sampler()
    sampler.start()
    try:
        run()
    finally:
        sampler.stop()
        told = {
            "stages": {name: sampler.spent[name] for name in ORDER},
            "cpu_s": time.process_time(),
            "peak_bytes": peak_bytes(),
        }
        out.write_text(json.dumps(told), encoding="ascii")


if __name__ == "__main__":
    main()
