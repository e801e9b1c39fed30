"""The Python client of the end-to-end tests: ``caller.py ADDRESS VERB ARGUMENT…`` prints what came of it as JSON."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage

from dspex_bridge_pb2 import ToolSpec
from grpc_tool_bridge import (
    GRPCToolBridge,
    ToolBridgeClient,
    ToolBridgeError,
    deserialize_value,
    serialize_value,
)

PATIENCE = 30
"""Seconds in which a bridge that is there answers, on a busy machine."""


async def call(address: str, session: str, name: str, *arguments: str) -> Any:
    """Call a tool; arguments are JSON."""
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize(session)
        return await bridge.execute_tool(name, *map(json.loads, arguments))


async def vectors(address: str, folder: str, tool: str) -> Any:
    """Send every vector to a tool that echoes and return the names of those that came back changed.

    Without those that are no tables inside, and those that are text once they were decoded.
    """
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize("vectors")
        changed: list[str] = []
        count = 0
        for file in sorted(Path(folder).glob("*.json")):
            for vector in json.loads(file.read_text()).get("vectors", ()):
                if vector["name"].startswith(("table", "python object")):
                    continue
                sent = AnyMessage.FromString(bytes.fromhex(vector["any"]))
                back = await bridge.execute_tool(tool, deserialize_value(sent))
                count += 1
                if serialize_value(back) != sent:
                    changed.append(vector["name"])
        return {"count": count, "changed": changed}


async def frame(address: str, tool: str) -> Any:
    """Send a table with an index, categories, times and nulls through a tool and compare types and values."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "name": ["a", "b", None],
            "count": pd.array([1, None, 3], dtype="Int64"),
            "share": [0.5, float("nan"), 1.0],
            "kind": pd.Categorical(["x", "y", "x"]),
            "at": pd.date_range("2024-01-01", periods=3, freq="D", tz="Europe/Berlin"),
        },
        index=pd.Index([10, 20, 30], name="key"),
    )
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize("frames")
        back = await bridge.execute_tool(tool, table)
    pd.testing.assert_frame_equal(table, back)
    return [str(dtype) for dtype in back.dtypes] + [type(back.index).__name__]


async def errors(address: str) -> Any:
    """Make every mistake and return what each was answered with."""
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize("python-errors")
        await bridge.client.initialize_session("python-ended")
        await bridge.client.cleanup_session("python-ended")
        await bridge.initialize("python-errors")
        circle: list[Any] = []
        circle.append(circle)
        deep: Any = 0
        for _ in range(70):
            deep = [deep]
        execute, client, add = bridge.execute_tool, bridge.client, "add_numbers"
        strict = bridge.tools["echo_tool"].with_options(strict=True)

        async def in_session(session: str) -> Any:
            async with ToolBridgeClient(
                address, session_id=session, connect_timeout=PATIENCE
            ) as other:
                return await other.execute_tool(add, 1, 2)

        async def stream(timeout: float) -> None:
            async for _ in bridge.tools["count_to_n"].with_options(timeout=timeout).stream(10**6):
                await asyncio.sleep(0)

        cases = {
            "unknown tool": execute("nothing"),
            "missing": execute(add, 1),
            "surplus": execute(add, 1, 2, 3),
            "misnamed": execute(add, 1, c=2),
            "mistyped": execute(add, 1, "x"),
            "unknown session": in_session("never"),
            "ended session": in_session("python-ended"),
            "duplicate session": client.initialize_session("python-errors", create_only=True),
            "session with a control character": client.initialize_session("a\nb"),
            "session with a long name": client.initialize_session("x" * 257),
            "variable without a name": client.session_context.set_variable("", 1),
            "no such variable": client.session_context.get_variable("nothing"),
            "too deep": execute("echo_tool", deep),
            "too large": execute("echo_tool", "x" * (11 << 20)),
            "cyclic": execute("echo_tool", circle),
            "unknown class, strictly": strict(object()),
            "deadline while running": bridge.tools["cpu_bound_tool"].with_options(timeout=0.005)(
                "x"
            ),
            "deadline while streaming": stream(0.3),
        }
        return {name: await outcome(case) for name, case in cases.items()}


async def outcome(work: Any) -> Any:
    """Return the class, the code and the message of what was raised."""
    try:
        await work
    except ToolBridgeError as error:
        return [type(error).__name__, getattr(error, "error_type", ""), str(error)]
    return ["", "", "nothing was raised"]


async def absent(address: str) -> Any:
    """Talk to a bridge that is not there."""
    began = time.monotonic()
    async with GRPCToolBridge(address) as bridge:
        answer = await outcome(bridge.initialize("nobody"))
    return {"answer": answer, "seconds": time.monotonic() - began}


async def agent(address: str, question: str, *tools: str) -> Any:
    """Create an agent and run it; a run that fails ends with its error's code."""
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize("python-agent")
        agent_id = await bridge.create_react_agent(
            "Question -> Answer", tool_names=tools, max_iters=4
        )
        request = {"agent_id": agent_id, "input": {"question": question}, "stream": True}
        events: list[Any] = []
        failure = ""
        try:
            async for event in bridge.execute_agent_streaming(request):
                events.append(
                    {
                        "type": event["type"],
                        "tool": event.get("tool_name", ""),
                        "answer": str(event.get("final_answer", "")),
                    }
                )
        except ToolBridgeError as error:
            failure = getattr(error, "error_type", type(error).__name__)
        return {"events": events, "failure": failure}


async def write(address: str, session: str) -> Any:
    """Write variables as fast as it can and print the name of each that was acknowledged, until it is killed."""
    written = 0
    while True:
        try:
            async with GRPCToolBridge(address, connect_timeout=1) as bridge:
                await bridge.initialize(session)
                while True:
                    await bridge.client.session_context.set_variable(f"python-{written}", written)
                    sys.stdout.write(f"acknowledged {written}\n")
                    sys.stdout.flush()
                    written += 1
        except ToolBridgeError:
            await asyncio.sleep(0.02)


async def hold(address: str, session: str, name: str, path: str) -> Any:
    """Call a tool that waits for a file."""
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize(session)
        try:
            return {"Value": await bridge.execute_tool(name, path), "Failure": ""}
        except ToolBridgeError as error:
            return {"Value": "", "Failure": f"{type(error).__name__} {error.error_type}"}


async def leave(address: str, path: str) -> Any:
    """Take some chunks of a stream and leave the loop."""
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        tools = await bridge.initialize("leaving")
        seen = 0
        async for _ in tools["py_flood"].stream(path, 10_000):
            seen += 1
            if seen == 3:
                break
        return seen


def numbers(size: int) -> Any:
    """Make a table of about so many bytes."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(1)
    return pd.DataFrame({f"c{place}": random.random(size // 80) for place in range(10)})


async def large(address: str, name: str, size: str, together: str) -> Any:
    """Send a large table through a tool, several times at once, and say whether it came back unchanged."""
    sent = numbers(int(size))
    async with GRPCToolBridge(address, connect_timeout=PATIENCE) as bridge:
        await bridge.initialize("large")
        same = bridge.client.proxy(ToolSpec(name=name)).with_options(timeout=120)
        calls = (same(sent) for _ in range(int(together)))
        return all(back.equals(sent) for back in await asyncio.gather(*calls))


async def plain(address: str, name: str, size: str) -> Any:
    """Send a large table over plain RPCs."""
    client = ToolBridgeClient(address, use_link=False, connect_timeout=PATIENCE)
    async with client:
        await client.initialize_session("plain")
        return await outcome(client.execute_tool(name, numbers(int(size))))


VERBS = {
    f.__name__: f
    for f in (call, vectors, frame, errors, absent, agent, write, hold, leave, large, plain)
}

if __name__ == "__main__":
    result = asyncio.run(VERBS[sys.argv[2]](sys.argv[1], *sys.argv[3:]))
    print(json.dumps(result, default=str))
