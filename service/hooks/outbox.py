"""What one hook is still to be told: bounded, so that a slow hook costs neither memory nor time."""

from collections import Counter, deque

import anyio

from service.hooks.document import HookDocument

MOST = 50


class Outbox:
    """Documents in order, at most `most`. A full one lets the oldest of the same point go, else the
    oldest of all; the next document of that point says how many were lost (`merged`).
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._queue: deque[HookDocument] = deque()
        self._lost: Counter[str] = Counter()
        self._filled = anyio.Event()
        self._idle = anyio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, document: HookDocument) -> bool:
        """Take a document; False when an earlier one had to go for it."""
        room = len(self._queue) < self._most
        if not room:
            same = (each for each in self._queue if each.point == document.point)
            oldest = next(same, self._queue[0])
            self._queue.remove(oldest)
            self._lost[oldest.point] += 1
        self._queue.append(document)
        self._filled.set()
        if self._idle.is_set():
            self._idle = anyio.Event()
        return room

    async def take(self) -> HookDocument:
        """Wait for the next document. Who takes again has done with the one before."""
        while not self._queue:
            self._idle.set()
            self._filled = anyio.Event()
            await self._filled.wait()
        document = self._queue.popleft()
        lost = self._lost.pop(document.point, 0)
        return document.model_copy(update={"merged": lost}) if lost else document

    async def idle(self) -> None:
        """Wait until everything was taken and done with."""
        await self._idle.wait()
