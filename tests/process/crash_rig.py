"""Both stand-ins on a thread of the test's process, and the real command as a child to be killed.

The source is made once and only read; each case gets a Salesforce org of its own behind the same
address. What the target holds in the end is compared whole with an uninterrupted run's.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import uvicorn

from service.crash_points import VARIABLE
from simulators.kustomer.app import create_app as kustomer_app
from simulators.salesforce.app import create_app as salesforce_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from tests.process.crash_org import SETTINGS, Source, put_moods
from tests.process.expected import check_everything, check_supplied
from tests.process.stand_ins import CONFIG, KEY, SECRET, confirm_in

NOW = 1_795_000_000.0  # both sides' stamps of their own are equal in every run
JOB_S = 0.02
CROWDED = {  # many seals, lanes with jobs of their own, results that are learned in parts
    "service.unsealed.FLUSH_ROWS": 25,
    "service.lanes.SERVER_BATCH_ROWS": 12,
    "service.lanes.JOB_ROWS": 30,
    "service.harvest.LEARN_ROWS": 5,
}
ENVIRONMENT = {
    "TEST_KUSTOMER_KEY": KEY,
    "TEST_CLIENT_ID": "deskferry-demo",
    "TEST_CLIENT_SECRET": SECRET,
}
# Nobody can have confirmed a map that is not there yet.
BEFORE_CONFIRMING = ("mapping-aside", "mapping-placed")


class Switchboard:
    """An app behind which another can be put."""

    def __init__(self) -> None:
        self.app: Any = None
        self.patch_s = 0.0
        self._told: list[asyncio.Queue[Any]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.patch_s and scope.get("method") == "PATCH":
            send = self._later(send)
        await self.app(scope, receive, send)

    def _later(self, send: Any) -> Any:
        """Hold a reply back: a small job is done when its close is answered, and need not be asked."""

        async def later(message: Any) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self.patch_s)
            await send(message)

        return later

    async def put(self, app: Any) -> None:
        """Begin the life of `app` and end its forerunner's."""
        await self.end()
        asked: asyncio.Queue[Any] = asyncio.Queue()
        began = asyncio.Event()

        async def answer(message: Any) -> None:
            assert message["type"] in ("lifespan.startup.complete", "lifespan.shutdown.complete")
            began.set()

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._tasks = [asyncio.get_running_loop().create_task(app(scope, asked.get, answer))]
        self._told = [asked]
        await asked.put({"type": "lifespan.startup"})
        await began.wait()
        self.app = app

    async def end(self) -> None:
        """End the life of the app that is there."""
        for asked, task in zip(self._told, self._tasks, strict=True):
            await asked.put({"type": "lifespan.shutdown"})
            await task
        self._told, self._tasks = [], []


class _Listener(uvicorn.Server):
    """A server that tells its port."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


class StandIns:
    """A thread that serves both boards on loopback."""

    def __init__(self) -> None:
        self.boards = (Switchboard(), Switchboard())
        self._listeners = [
            _Listener(
                uvicorn.Config(
                    board,
                    port=0,
                    log_level="critical",
                    access_log=False,
                    proxy_headers=False,
                    lifespan="off",
                    timeout_graceful_shutdown=1,
                )
            )
            for board in self.boards
        ]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        await asyncio.gather(*(each.serve() for each in self._listeners))
        for board in self.boards:
            await board.end()

    def start(self) -> list[str]:
        """Listen; returns both addresses."""
        self._thread.start()
        while not all(each.started for each in self._listeners):
            time.sleep(0.005)
        return [each.url for each in self._listeners]

    def do(self, work: Any) -> Any:
        """Run a coroutine on the servers' loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        for each in self._listeners:
            each.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()


class Forge:
    """The program of `forge.py`, spoken to."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forge.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._alive: set[int] = set()

    def start(self, **asked: Any) -> int:
        pid = int(self._ask({"do": "start", **asked}))
        self._alive.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        code = int(self._ask({"do": "wait", "pid": pid}))
        self._alive.discard(pid)
        return code

    def _ask(self, asked: dict[str, Any]) -> Any:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(asked) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def stop(self) -> None:
        self._child.kill()
        for pid in self._alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait()


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended; a negative code is the signal that killed it."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Whole:
    """All that a migration leaves behind, without ids that the target made up."""

    dump: dict[str, Counter[Any]]
    effects: Counter[Any]
    books: dict[str, Any]


class Case:
    """One workspace and one target org."""

    def __init__(self, rig: "Rig", folder: Path, org: Org, sizes: Mapping[str, int]) -> None:
        self.rig = rig
        self.sizes = dict(sizes)
        self.folder = folder
        self.org = org
        self.confirmed = False
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def confirm(self) -> None:
        """Confirm the map, once; `start` does, but it asks the orgs: before faults, do it first."""
        if not self.confirmed:
            self.confirmed = True
            confirm_in(self.folder, ENVIRONMENT)

    def start(self, armed: str = "", *, forged: bool = True) -> int:
        """Start the command; returns its pid. `forged`: without waiting for its imports."""
        environment = {**ENVIRONMENT, VARIABLE: armed}
        if armed not in BEFORE_CONFIRMING:
            self.confirm()
        if forged:
            return self.rig.forge.start(
                folder=str(self.folder),
                arguments=["migrate", "--json"],
                environment=environment,
                sizes=self.sizes,
                out=str(self.folder / "out"),
                err=str(self.folder / "err"),
            )
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            child = subprocess.Popen(
                [sys.executable, "-m", "service", "migrate", "--json"],
                cwd=self.folder,
                env={**os.environ, **environment},
                stdout=out,
                stderr=err,
            )
        self._children[child.pid] = child
        return child.pid

    def wait(self, pid: int) -> Ended:
        child = self._children.pop(pid, None)
        code = self.rig.forge.wait(pid) if child is None else child.wait(120)
        texts = [(self.folder / name).read_text(errors="replace") for name in ("out", "err")]
        return Ended(code, *texts)

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def lives(self, pid: int) -> bool:
        """Tell whether a process that was not waited for yet still works."""
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state not in ("Z", "X")

    def run(self, armed: str = "", *, forged: bool = True) -> Ended:
        return self.wait(self.start(armed, forged=forged))

    def dies_at(self, armed: str) -> None:
        """Run until the point is reached; the process must die there and then."""
        ended = self.run(armed)
        assert ended.code == -signal.SIGKILL, f"{armed} was not reached:\n{ended.err[-2000:]}"
        assert f"crash point {armed.partition(':')[0]}\n" in ended.err

    def fault(self, **fault: Any) -> None:
        httpx.post(f"{self.rig.target}/__admin/faults", json=fault).raise_for_status()

    def clear_faults(self) -> None:
        httpx.delete(f"{self.rig.target}/__admin/faults").raise_for_status()

    def source_records(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.rig.source.records(kind)

    def target_records(self, name: str) -> list[dict[str, Any]]:
        return list(self.org.store.dump(name))

    def stats(self) -> Any:
        return httpx.get(f"{self.rig.target}/__admin/stats").json()

    def faults_struck(self) -> int:
        return int(self.stats()["faults"])

    def effects(self) -> int:
        """How many records were made so far."""
        return len(self.org.effects.entries)

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait for the real process's progress."""
        end = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < end, "the migration makes no progress"
            time.sleep(0.003)

    def finish(self, *, forged: bool = True) -> Whole:
        """Run to the end, and return all that is there."""
        ended = self.run(forged=forged)
        assert ended.code == 5, ended.err[-3000:]
        return self.whole(json.loads(ended.out))

    def whole(self, told: dict[str, Any]) -> Whole:
        effects = Counter(
            (each.op, each.object, each.external_id or "") for each in self.org.effects.entries
        )
        return Whole(_dump(self.org), effects, told["phases"])

    def assert_whole(self, whole: Whole, wanted: Whole, *, orphans: bool = False) -> None:
        """Nothing lost, nothing twice, nothing left lying about.

        With `orphans`, empty open jobs may be left: of several that died before their id was noted
        nobody can tell whose they are, so none is aborted; each expires in a day (docs/fine-print.md).
        """
        twice = [
            key
            for key, count in whole.effects.items()
            if key[2] and count > 1 and key[0] != "update"
        ]
        assert not twice
        for name, records in wanted.dump.items():
            assert whole.dump[name] == records, name
        # A change that is made twice is made once; whether it was needed the dump tells.
        assert +_made(whole.effects) == +_made(wanted.effects)
        assert set(whole.effects) == set(wanted.effects)
        assert whole.books == wanted.books
        check_everything(self)  # type: ignore[arg-type]
        assert check_supplied(self) > 0  # type: ignore[arg-type]
        left = self.stats()["jobs_by_state"].get("Open", 0)
        assert orphans or not left, "a job of ours was left open"
        spool = list((self.folder / "ferry" / "spool").iterdir())
        assert spool
        assert [each.name for each in spool if each.read_bytes()[:4] != b"DFX1"] == []


class Rig:
    """Stand-ins, forge and the result of an uninterrupted run, shared by all cases of a worker."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.stand_ins = StandIns()
        self.forge = Forge()
        self.source_url, self.target = self.stand_ins.start()
        app = kustomer_app(source.org, SETTINGS)
        self.stand_ins.do(self.stand_ins.boards[0].put(app))

    def case(
        self,
        folder: Path,
        *,
        locks: int = 1,
        sizes: Mapping[str, int] = MappingProxyType({}),
        **settings: Any,
    ) -> Case:
        """A new workspace and a new org; the earlier case is over.

        `locks`: how often a row that is locked at first is refused. `sizes`: see `forge.py`.
        """
        org = Org(SalesforceSettings(now=NOW, **settings), clock=lambda: NOW)
        put_moods(org, self.source, times=locks)
        board = self.stand_ins.boards[1]
        board.patch_s = 0.0 if org.settings.job_delay_s else JOB_S
        self.stand_ins.do(board.put(salesforce_app(org)))
        text = CONFIG.format(
            source=self.source_url, target=self.target, org_id=org.settings.org_id, share=1.0
        )
        (folder / "deskferry.yaml").write_text(text, encoding="utf-8")
        return Case(self, folder, org, sizes)

    def stop(self) -> None:
        self.forge.stop()
        self.stand_ins.stop()


@contextmanager
def rig_for(source: Source) -> Iterator[Rig]:
    made = Rig(source)
    try:
        yield made
    finally:
        made.stop()


def _made(effects: Counter[Any]) -> Counter[Any]:
    return Counter({key: count for key, count in effects.items() if key[0] != "update"})


def _dump(org: Org) -> dict[str, Counter[Any]]:
    """Every record of every object; ids are told as what they stand for."""
    store = org.store
    names = {
        record["Id"]: f"{name}:{_name_of(record)}"
        for name in store.schema.objects
        for record in store.dump(name)
    }
    return {
        name: Counter(_plain(record, names) for record in store.dump(name))
        for name in store.schema.objects
    }


def _name_of(record: dict[str, Any]) -> str:
    for column in ("Kustomer_Id__c", "Email", "DeveloperName", "Name"):
        if record.get(column):
            return str(record[column])
    return ""


def _plain(record: dict[str, Any], names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (column, names.get(value, str(value)) if isinstance(value, str) else str(value))
        for column, value in sorted(record.items())
        if column not in ("Id", "CaseNumber")
    )
