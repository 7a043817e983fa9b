"""The effect log: one JSON line for each call answered and each change made through the side-door."""

import queue
import threading
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """Appends to a file in a thread of its own, so that serving never waits for a disk.

    Lines are flushed as they come; a kill may lose the last few milliseconds. It holds no keys and
    no record's content. Without a path it does nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if path is not None:
            self._thread = threading.Thread(target=self._run, args=(path,), daemon=True)
            self._thread.start()

    def write(self, **entry: Any) -> None:
        """Note one effect."""
        if self._thread is not None:
            self._lines.put(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def line(self, line: bytes) -> None:
        """Note a line that is made already, with its end."""
        if self._thread is not None:
            self._lines.put(line)

    def close(self) -> None:
        """Write what is left and end. Blocks; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._lines.put(None)
            thread.join()

    def _run(self, path: Path) -> None:
        with path.open("ab") as file:
            while (line := self._lines.get()) is not None:
                file.write(line)
                if self._lines.empty():
                    file.flush()
