"""The adapter of the Python SDK: what a step asks for, done with the SDK's public face."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from lines import Failure, Lines, Request, error
from stage_tools import stage_tool

from dspex_bridge_pb2 import (
    RegisterToolsRequest,
    ToolSpec,
    ToolType,
    UnregisterToolsRequest,
)
from grpc_tool_bridge import (
    GRPCToolBridge,
    ToolBridgeError,
    ToolCommunicationError,
    ToolExecutionError,
    Worker,
)
from grpc_tool_bridge.callrequests import CallOptions
from grpc_tool_bridge.values import from_json, to_json

if TYPE_CHECKING:
    from grpc_tool_bridge import ToolBridgeClient

_ADDRESS = os.environ["CONFORMANCE_GRPC"]


class _Client:
    """One of a scenario's clients: an SDK object for each of its sessions, and its workers."""

    def __init__(self) -> None:
        self.sessions: dict[str, GRPCToolBridge] = {}
        self.workers: list[Worker] = []

    def bridge(self, session_id: str) -> GRPCToolBridge:
        """The bridge in which the session is chosen, without asking anybody."""
        if session_id not in self.sessions:
            self.sessions[session_id] = GRPCToolBridge(_ADDRESS)
            self.sessions[session_id].client.session_id = session_id
        return self.sessions[session_id]


_clients: dict[str, _Client] = {}


def _client(request: Request) -> _Client:
    return _clients.setdefault(request.client, _Client())


def _bridge(request: Request) -> GRPCToolBridge:
    return _client(request).bridge(request["session"])


def _sdk(request: Request) -> ToolBridgeClient:
    return _bridge(request).client


def value(tree: Any) -> Any:
    """What a JSON form stands for."""
    return from_json(json.dumps(tree, ensure_ascii=False))


def tree(of: Any) -> Any:
    """The JSON form of a value."""
    return json.loads(to_json(of))


def _values(request: Request) -> tuple[list[Any], dict[str, Any]]:
    args = [value(item) for item in request.get("args", [])]
    return args, {name: value(item) for name, item in request.get("kwargs", {}).items()}


def failure(raised: ToolBridgeError) -> dict[str, Any]:
    """An exception as scenarios see it."""
    if isinstance(raised, ToolCommunicationError):
        return {"broken": {"status": raised.code.name, "message": raised.message}}
    out: dict[str, Any] = {
        "code": raised.error_type,
        "message": raised.message,
        "retryable": raised.retryable,
        "details": raised.details,
        "status": type(raised).__name__,
    }
    if raised.retry_after:
        out["retry_after"] = raised.retry_after
    if isinstance(raised, ToolExecutionError) and raised.class_name:
        out["class_name"] = raised.class_name
        if raised.exception is not None:
            out["exception"] = tree(raised.exception)
    return {"error": out}


def _told(verb: Any) -> Any:
    """A verb whose exceptions of the SDK are outcomes."""

    async def run(request: Request) -> Any:
        try:
            return await verb(request)
        except ToolBridgeError as raised:
            raise Failure(failure(raised)) from raised

    return run


# Sessions


async def initialize(request: Request) -> dict[str, Any]:
    clients = _client(request)
    bridge = GRPCToolBridge(_ADDRESS)
    try:
        await bridge.client.initialize_session(
            request["session"] or None,
            metadata=request.get("metadata"),
            create_only=request.get("create_only", False),
            ttl=request.get("ttl"),
        )
        session = await bridge.client.get_session()
    except BaseException:
        await bridge.aclose()
        raise
    replaced = clients.sessions.get(session.session_id)
    clients.sessions[session.session_id] = bridge
    if replaced is not None:
        await replaced.aclose()
    return {"session": session.session_id, "epoch": session.epoch}


async def cleanup(request: Request) -> None:
    await _sdk(request).cleanup_session(force=request.get("force", False))


async def get_session(request: Request) -> dict[str, Any]:
    session = await _sdk(request).get_session()
    return {
        "session": session.session_id,
        "epoch": session.epoch,
        "metadata": dict(session.metadata),
        "ttl": session.ttl.ToNanoseconds() / 1e9,
        "tool_count": session.tool_count,
    }


async def sessions(request: Request) -> dict[str, Any]:
    found = await _sdk(request).list_sessions(request["prefix"])
    return {"sessions": [session.session_id for session in found]}


# Tools


def _spec(spec: ToolSpec) -> dict[str, Any]:
    arguments = [
        {"name": a.name, "type": a.python_type, "required": a.required, "nullable": a.nullable}
        for a in spec.arguments
    ]
    return {
        "tool_id": spec.tool_id,
        "name": spec.name,
        "description": spec.description,
        "type": ToolType.Name(spec.type).lower(),
        "arguments": arguments,
        "return_type": spec.return_type,
        "idempotent": spec.idempotent,
        "available": spec.available,
        "own": spec.session_id != "",
        "metadata": dict(spec.metadata),
    }


async def tools(request: Request) -> dict[str, Any]:
    return {"tools": [_spec(spec) for spec in await _sdk(request).list_tools()]}


async def register_tools(request: Request) -> dict[str, Any]:
    sdk = _sdk(request)
    names = ("tool_id", "name", "description", "return_type", "idempotent", "metadata")
    specs = []
    for written in request["specs"]:
        spec = ToolSpec(**{name: written[name] for name in names if name in written})
        for a in written.get("arguments", []):
            spec.arguments.add(
                name=a["name"],
                python_type=a.get("type", ""),
                required=a.get("required", False),
                nullable=a.get("nullable", False),
            )
        specs.append(spec)
    message = RegisterToolsRequest(
        session_id=request["session"], tools=specs, epoch=sdk.limit.epoch
    )
    answer = await sdk.verb("RegisterTools", message)
    return {"tool_ids": list(answer.tool_ids)}


async def unregister_tools(request: Request) -> None:
    sdk = _sdk(request)
    message = UnregisterToolsRequest(
        session_id=request["session"], tool_ids=request["ids"], epoch=sdk.limit.epoch
    )
    await sdk.verb("UnregisterTools", message)


async def offer(request: Request) -> None:
    wanted = [stage_tool(written) for written in request["tools"]]
    worker = Worker(_ADDRESS, wanted, request["session"] or None, drain_timeout=1.0)
    await worker.start()
    _client(request).workers.append(worker)


async def withdraw(request: Request) -> None:
    workers = _client(request).workers
    while workers:
        await workers.pop().aclose()


# Calls


def _options(request: Request) -> CallOptions:
    return CallOptions(
        timeout=request.get("timeout"),
        request_id=request.get("request_id", ""),
        want_stack=request.get("want_stack", False),
    )


async def call(request: Request) -> dict[str, Any]:
    args, kwargs = _values(request)
    result = await _sdk(request).call(request["tool"], args, kwargs, _options(request))
    return {"value": tree(result)}


async def stream(request: Request) -> dict[str, Any]:
    args, kwargs = _values(request)
    found: list[Any] = []
    try:
        async with _bridge(request).stream(request["tool"], *args, **kwargs) as chunks:
            async for chunk in chunks:
                found.append(tree(chunk))
                request.event({"value": found[-1]})
                if len(found) == request.get("stop_after"):
                    break
    except ToolBridgeError as raised:
        raise Failure({"values": found, **failure(raised)}) from raised
    except asyncio.CancelledError as cancelled:
        told = error("Cancelled", "the caller cancelled", status="ToolExecutionError").outcome
        raise Failure({"values": found, **told}) from cancelled
    return {"values": found}


def _items(request: Request) -> list[dict[str, Any]]:
    return [
        {
            "tool_id": item["tool"],
            "args": [value(of) for of in item.get("args", [])],
            "kwargs": {name: value(of) for name, of in item.get("kwargs", {}).items()},
        }
        for item in request["items"]
    ]


def _batch_options(request: Request) -> dict[str, Any]:
    names = ("fail_fast", "max_concurrency")
    return {name: request[name] for name in names if name in request.fields}


def _item(index: int, result: Any) -> dict[str, Any]:
    if isinstance(result, ToolBridgeError):
        return {"index": index, **failure(result)}
    return {"index": index, "value": tree(result)}


async def batch(request: Request) -> dict[str, Any]:
    results = await _bridge(request).execute_batch(
        _items(request), return_exceptions=True, **_batch_options(request)
    )
    return {"results": [_item(i, result) for i, result in enumerate(results)]}


async def batch_stream(request: Request) -> dict[str, Any]:
    finished = []
    answers = _bridge(request).as_completed(_items(request), **_batch_options(request))
    async for index, result in answers:
        finished.append(_item(index, result))
        request.event(finished[-1])
    return {"finished": finished}


# Variables


async def set_variable(request: Request) -> dict[str, Any]:
    revision = await _sdk(request).session_context.set_variable(
        request["name"],
        value(request["value"]),
        request.get("metadata"),
        if_revision=request.get("if_revision", ""),
        if_absent=request.get("if_absent", False),
    )
    return {"revision": revision}


async def get_variable(request: Request) -> dict[str, Any]:
    variable = await _sdk(request).session_context.read_variable(request["name"])
    return {
        "name": variable.name,
        "value": tree(variable.value),
        "metadata": dict(variable.metadata),
        "revision": variable.revision,
    }


async def delete_variable(request: Request) -> None:
    context = _sdk(request).session_context
    await context.delete_variable(request["name"], if_revision=request.get("if_revision", ""))


async def variables(request: Request) -> dict[str, Any]:
    found = await _sdk(request).session_context.get_variables(request.get("prefix", ""))
    return {"variables": [{"name": name, "value": tree(of)} for name, of in found.items()]}


async def update(request: Request) -> None:
    values = {name: value(of) for name, of in request["values"].items()}
    await _sdk(request).session_context.update_variables(values)


async def watch(request: Request) -> None:
    changes: Any = _sdk(request).session_context.watch_variables(request.get("names") or ())
    count = 0
    async with contextlib.aclosing(changes):
        async for change in changes:
            if change.deleted:
                request.event({"deleted": change.name})
            else:
                request.event({"set": change.name, "value": tree(change.value)})
            count += 1
            if count == request.get("count"):
                return


# Agents


async def create_agent(request: Request) -> dict[str, Any]:
    names = ("agent_id", "tool_names", "max_iters", "instructions", "metadata")
    given = {name: request[name] for name in names if name in request.fields}
    return {"agent_id": await _bridge(request).create_react_agent(request["signature"], **given)}


async def agents(request: Request) -> dict[str, Any]:
    found = await _bridge(request).list_agents()
    return {
        "agents": [
            {
                "agent_id": agent.agent_id,
                "signature": agent.signature,
                "tool_names": list(agent.tool_names),
                "max_iters": agent.max_iters,
                "instructions": agent.instructions,
                "metadata": dict(agent.metadata),
            }
            for agent in found
        ]
    }


async def delete_agent(request: Request) -> None:
    await _bridge(request).delete_agent(request["agent_id"])


async def run_agent(request: Request) -> dict[str, Any]:
    inputs = {name: value(of) for name, of in request.get("input", {}).items()}
    run = {"agent_id": request["agent_id"], "input": inputs, "stream": True}
    kinds: list[str] = []
    out: dict[str, Any] = {"events": kinds}
    try:
        async for event in _bridge(request).execute_agent_streaming(run):
            if event["type"] == "error":
                continue
            kinds.append(event["type"])
            request.event({"type": event["type"], "tool": event.get("tool_name", "")})
            if event["type"] == "result":
                out["value"] = tree(event["final_answer"])
    except ToolBridgeError as raised:
        raise Failure({**out, **failure(raised)}) from raised
    return out


_VERBS = {
    "initialize": initialize,
    "cleanup": cleanup,
    "get_session": get_session,
    "sessions": sessions,
    "tools": tools,
    "register_tools": register_tools,
    "unregister_tools": unregister_tools,
    "offer": offer,
    "withdraw": withdraw,
    "call": call,
    "stream": stream,
    "batch": batch,
    "batch_stream": batch_stream,
    "set": set_variable,
    "get": get_variable,
    "delete": delete_variable,
    "variables": variables,
    "update": update,
    "watch": watch,
    "create_agent": create_agent,
    "agents": agents,
    "delete_agent": delete_agent,
    "run_agent": run_agent,
}


async def _main() -> None:
    table = {name: _told(verb) for name, verb in _VERBS.items()}
    await Lines(table, cancelled={"status": "ToolExecutionError"}).serve()
    for client in _clients.values():
        for worker in client.workers:
            await worker.aclose()
        for bridge in client.sessions.values():
            await bridge.aclose()


if __name__ == "__main__":
    asyncio.run(_main())
