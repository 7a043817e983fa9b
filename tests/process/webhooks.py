"""A webhook on this machine, and commands that are hooks, for tests of the real process."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Receiver:
    """What came in. `status` and `pause_s` say how it answers; `location` makes it redirect."""

    url: str = ""
    status: int = 200
    pause_s: float = 0.0
    location: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def told(self, point: str) -> list[dict[str, Any]]:
        return [each for each in self.documents if each["point"] == point]

    def figures(self, point: str) -> list[dict[str, Any]]:
        return [each["figures"] for each in self.told(point)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.documents.append(json.loads(body))
            made.headers.append(dict(self.headers))
            time.sleep(made.pause_s)
            self.send_response(made.status)
            if made.location:
                self.send_header("Location", made.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hooks/canary-path"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def script(folder: Path, name: str, body: str) -> list[str]:
    """A Python program as a hook's command; `document` is what it was told, `out` a folder for it."""
    path = folder / f"{name}.py"
    head = f"import json, os, pathlib, sys, time\nout = pathlib.Path({str(folder)!r})\n"
    path.write_text(f"{head}document = json.load(sys.stdin)\n{body}\n", encoding="utf-8")
    return [sys.executable, str(path)]


KEEP = """\
with (out / "told.jsonl").open("a") as kept:
    kept.write(json.dumps([document, dict(os.environ)]) + "\\n")
"""


def kept(folder: Path) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """What `KEEP` has written."""
    path = folder / "told.jsonl"
    if not path.exists():
        return []
    return [tuple(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits for its parent's look does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
