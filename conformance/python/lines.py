"""The adapter's end of the conversation with the runner: a request a line in, answers out, each a line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Verb = Callable[["Request"], Awaitable["dict[str, Any] | None"]]


class Failure(Exception):  # noqa: N818 -- it is an answer, and no fault of this program
    """A step that failed as the protocol says: its outcome has these members.

    Attributes:
        outcome: "error" for an error of the table, "broken" for a transport that gave none.
    """

    def __init__(self, outcome: Mapping[str, Any]) -> None:
        super().__init__(str(outcome))
        self.outcome = dict(outcome)


class Request:
    """One request under way.

    Attributes:
        fields: What it says.
        on_cancel: Called when the request is cancelled, for verbs that wait in a thread.
    """

    def __init__(self, fields: dict[str, Any], write: Callable[[Any], None]) -> None:
        self.fields = fields
        self.on_cancel: Callable[[], None] | None = None
        self._write = write

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or what is to be taken where it is not given."""
        return self.fields.get(name, default)

    @property
    def client(self) -> str:
        """Which of the scenario's clients it is for."""
        return self.fields.get("client", "")

    def event(self, event: Any) -> None:
        """Tells of something that came before the outcome."""
        self._write({"id": self["id"], "event": event})


def error(code: str, message: str, **more: Any) -> Failure:
    """A failure of a code that is not retryable and has no details."""
    return Failure(
        {"error": {"code": code, "message": message, "retryable": False, "details": {}, **more}}
    )


class Lines:
    """Answers the requests of standard input until it ends, each in a task of its own."""

    def __init__(self, verbs: Mapping[str, Verb], *, cancelled: Mapping[str, Any]) -> None:
        self._verbs = dict(verbs)
        self._verbs["cancel"] = self._cancel
        self._cancelled = dict(cancelled)
        self._running: dict[int, tuple[asyncio.Task[None], Request]] = {}
        self._writing = threading.Lock()

    async def serve(self) -> None:
        """Reads and answers."""
        self._write({"verbs": sorted(self._verbs)})
        lines: asyncio.Queue[bytes] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        reader = threading.Thread(target=_read, args=(loop, lines), daemon=True)
        reader.start()
        while line := await lines.get():
            request = Request(json.loads(line), self._write)
            task = asyncio.create_task(self._answer(request))
            self._running[request["id"]] = task, request
        for task, _ in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*(t for t, _ in self._running.values()), return_exceptions=True)

    async def _answer(self, request: Request) -> None:
        outcome: dict[str, Any] | None
        try:
            outcome = await self._verbs[request["do"]](request)
        except Failure as failure:
            outcome = failure.outcome
        except asyncio.CancelledError:
            outcome = error("Cancelled", "the caller cancelled", **self._cancelled).outcome
        except Exception as unforeseen:  # noqa: BLE001 -- the scenario fails by it, not the run
            outcome = {"adapter": f"{type(unforeseen).__name__}: {unforeseen}"}
        self._write({"id": request["id"], "outcome": outcome or {}})
        self._running.pop(request["id"], None)

    async def _cancel(self, request: Request) -> None:
        task, running = self._running.get(request["of"], (None, None))
        if running is not None and running.on_cancel is not None:
            running.on_cancel()
        elif task is not None:
            task.cancel()

    def _write(self, line: Any) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        with self._writing:
            sys.stdout.buffer.write(text.encode() + b"\n")
            sys.stdout.buffer.flush()


def _read(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    loop.call_soon_threadsafe(lines.put_nowait, b"")
