"""The caller in Python: ``caller.py NAME BRIDGE link|plain``.

Reads one question a line (a JSON object, see outcome_test.go) and asks all kinds of it at the same time. Each one's
outcome is a line of JSON, as soon as it is known. Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge import GRPCToolBridge, ToolBridgeClient, ToolBridgeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CHUNKS, PAUSE_MS, ITEMS, LARGE = 30, 40, 8, 200 * 1024
VERB_SECONDS = 30.0
"""What a verb on a session or a variable may take; nobody can choose it."""


class Asker:
    """Asks one question.

    Args:
        caller: The name of this caller.
        bridge: Where to ask.
        question: What to ask.
    """

    def __init__(self, caller: str, bridge: GRPCToolBridge, question: dict[str, Any]) -> None:
        self.caller, self.bridge = caller, bridge
        self.name, self.prefix = question["name"], question["prefix"]
        self.kinds, self.seconds = question["kinds"], question["seconds"]

    async def ask(self) -> None:
        """Asks every kind."""
        await asyncio.gather(*(self._one(kind) for kind in self.kinds))

    async def _one(self, kind: str) -> None:
        ways: dict[str, Callable[[], Awaitable[Any]]] = {
            "unary": lambda: self._call("echo", self.name),
            "large": self._large,
            "once": lambda: self._call("once", self.name),
            "batch": self._batch,
            "finished": self._finished,
            "variable": self._variable,
            "session": self._session,
        }
        began = time.monotonic()
        verbs = {"variable": 2, "session": 3}.get(kind, 0)
        line: dict[str, Any] = {"kind": kind, "limit": VERB_SECONDS * verbs or self.seconds}
        chunks: list[int] = []
        try:
            if kind == "stream":
                line["value"] = chunks
                await self._stream(chunks)
            else:
                line["value"] = await ways[kind]()
        except ToolBridgeError as error:
            line |= {"error": error.error_type, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - an error without a name is what is looked for
            line |= {"error": type(error).__name__, "message": repr(error)}
        line["seconds"] = time.monotonic() - began
        self._say(line)

    def _say(self, line: dict[str, Any]) -> None:
        print(json.dumps({"caller": self.caller, "name": self.name, **line}), flush=True)

    def _tool(self, name: str) -> Any:
        return self.bridge.tools[f"{self.prefix}_{name}"].with_options(timeout=self.seconds)

    async def _call(self, name: str, value: Any) -> Any:
        return await self._tool(name)(value)

    async def _large(self) -> int:
        return len(await self._call("echo", "x" * LARGE))

    async def _stream(self, chunks: list[int]) -> None:
        async for chunk in self._tool("count").stream(CHUNKS, PAUSE_MS):
            if not chunks:
                self._say({"kind": "stream", "began": True})
            chunks.append(chunk)

    def _items(self) -> list[dict[str, Any]]:
        return [{"tool_id": f"{self.prefix}_echo", "args": [i]} for i in range(ITEMS)]

    async def _batch(self) -> list[Any]:
        results = await self.bridge.execute_batch(
            self._items(), return_exceptions=True, timeout=self.seconds
        )
        return [_place(result) for result in results]

    async def _finished(self) -> list[Any]:
        results: list[Any] = [None] * ITEMS
        async for place, result in self.bridge.as_completed(self._items(), timeout=self.seconds):
            results[place] = _place(result)
        return results

    async def _variable(self) -> Any:
        context = self.bridge.client.session_context
        await context.set_variable(self.name, self.name)
        return await context.get_variable(self.name)

    async def _session(self) -> str:
        client = ToolBridgeClient(self.bridge.client.address, stub=self.bridge.client.stub)
        await client.initialize_session(self.name)
        found = await client.get_session()
        await client.cleanup_session()
        return found.session_id


def _place(result: Any) -> Any:
    """What came of an item: its place, or the name of its error."""
    return result.error_type if isinstance(result, ToolBridgeError) else result


async def main(name: str, address: str, way: str) -> None:
    """Asks questions until there are no more."""
    bridge = GRPCToolBridge(address, use_link=way == "link")
    asking: set[asyncio.Task[None]] = set()
    await bridge.initialize(name)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        task = asyncio.create_task(Asker(name, bridge, json.loads(line)).ask())
        asking.add(task)
        task.add_done_callback(asking.discard)
    for task in asking:
        task.cancel()
    await bridge.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
