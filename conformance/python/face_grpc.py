"""The adapter of bare gRPC: the generated stubs and nothing else, also for frames of the link."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import grpc
from google.protobuf import json_format
from lines import Failure, Lines, Request
from wire_values import from_any, to_any

import dspex_bridge_pb2 as pb
from dspex_bridge_pb2_grpc import SnakepitBridgeStub

_MAX_MESSAGE = 16 * 1024 * 1024
_ACK_AFTER = 2
_WINDOW = 4
_PATIENCE = 10.0


class _Client:
    """One of a scenario's clients: a channel, and the epochs that it was told."""

    def __init__(self) -> None:
        options = [
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self.channel = grpc.aio.insecure_channel(os.environ["CONFORMANCE_GRPC"], options=options)
        self.stub: Any = SnakepitBridgeStub(self.channel)
        self.epochs: dict[str, int] = {}

    def place(self, request: Request) -> dict[str, Any]:
        """The session and its epoch, as fields of a message."""
        return {"session_id": request["session"], "epoch": self.epochs.get(request["session"], 0)}


_clients: dict[str, _Client] = {}


def _client(request: Request) -> _Client:
    if request.client not in _clients:
        _clients[request.client] = _Client()
    return _clients[request.client]


def failure(info: pb.ErrorInfo) -> dict[str, Any]:
    """An error as scenarios see it."""
    out: dict[str, Any] = {
        "code": info.type,
        "message": info.message,
        "retryable": info.retryable,
        "details": dict(info.details),
    }
    if info.retry_after:
        out["retry_after"] = info.retry_after
    if info.class_name:
        out["class_name"] = info.class_name
    if info.HasField("exception"):
        out["exception"] = from_any(info.exception)
    return out


def _broken(error: grpc.RpcError) -> dict[str, Any]:
    return {"broken": {"status": error.code().name, "message": error.details()}}  # type: ignore[attr-defined]


async def _ask(method: Any, message: Any) -> Any:
    try:
        answer = await method(message)
    except grpc.aio.AioRpcError as error:
        raise Failure(_broken(error)) from error
    if not answer.success:
        raise Failure({"error": failure(answer.error)})
    return answer


async def _stream(method: Any, message: Any) -> Any:
    answers = method(message)
    try:
        async for answer in answers:
            yield answer
    except grpc.aio.AioRpcError as error:
        raise Failure(_broken(error)) from error
    finally:
        answers.cancel()


# Sessions


async def initialize(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.InitializeSessionRequest(
        session_id=request["session"],
        metadata=request.get("metadata"),
        create_only=request.get("create_only", False),
    )
    if request.get("ttl"):
        message.ttl.FromNanoseconds(int(request["ttl"] * 1e9))
    answer = await _ask(client.stub.InitializeSession, message)
    session = answer.session
    client.epochs[session.session_id] = session.epoch
    return {
        "session": session.session_id,
        "epoch": session.epoch,
        "created": answer.created,
        "capabilities": list(answer.capabilities),
        "limits": json_format.MessageToDict(answer.limits, preserving_proto_field_name=True),
    }


async def cleanup(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.CleanupSessionRequest(**client.place(request), force=request.get("force", False))
    answer = await _ask(client.stub.CleanupSession, message)
    return {
        "tools_removed": answer.tools_removed,
        "variables_removed": answer.variables_removed,
        "agents_removed": answer.agents_removed,
    }


async def get_session(request: Request) -> dict[str, Any]:
    client = _client(request)
    session = (
        await _ask(client.stub.GetSession, pb.GetSessionRequest(**client.place(request)))
    ).session
    return {
        "session": session.session_id,
        "epoch": session.epoch,
        "metadata": dict(session.metadata),
        "ttl": session.ttl.ToNanoseconds() / 1e9,
        "tool_count": session.tool_count,
    }


async def sessions(request: Request) -> dict[str, Any]:
    message = pb.ListSessionsRequest(prefix=request["prefix"])
    answer = await _ask(_client(request).stub.ListSessions, message)
    return {"sessions": [session.session_id for session in answer.sessions]}


# Tools


def _spec(spec: pb.ToolSpec) -> dict[str, Any]:
    return {
        "tool_id": spec.tool_id,
        "name": spec.name,
        "description": spec.description,
        "type": pb.ToolType.Name(spec.type).lower(),
        "arguments": [
            {
                "name": a.name,
                "type": a.python_type,
                "required": a.required,
                "nullable": a.nullable,
            }
            for a in spec.arguments
        ],
        "return_type": spec.return_type,
        "idempotent": spec.idempotent,
        "available": spec.available,
        "own": spec.session_id != "",
        "metadata": dict(spec.metadata),
    }


def to_spec(tree: dict[str, Any]) -> pb.ToolSpec:
    """A tool as the scenario wrote it."""
    names = ("tool_id", "name", "description", "return_type", "idempotent", "metadata")
    arguments = [
        pb.ArgumentSpec(
            name=a["name"],
            python_type=a.get("type", ""),
            required=a.get("required", False),
            nullable=a.get("nullable", False),
        )
        for a in tree.get("arguments", [])
    ]
    return pb.ToolSpec(arguments=arguments, **{name: tree[name] for name in names if name in tree})


async def tools(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.GetSessionToolsRequest(**client.place(request))
    answer = await _ask(client.stub.GetSessionTools, message)
    return {"tools": [_spec(spec) for spec in answer.tools]}


async def register_tools(request: Request) -> dict[str, Any]:
    client = _client(request)
    specs = [to_spec(tree) for tree in request["specs"]]
    message = pb.RegisterToolsRequest(**client.place(request), tools=specs)
    answer = await _ask(client.stub.RegisterTools, message)
    return {"tool_ids": list(answer.tool_ids)}


async def unregister_tools(request: Request) -> None:
    client = _client(request)
    message = pb.UnregisterToolsRequest(**client.place(request), tool_ids=request["ids"])
    await _ask(client.stub.UnregisterTools, message)


# Calls


def _call(client: _Client, request: Request, kind: Any = pb.ToolCallRequest) -> Any:
    named = {name: request[name] for name in ("request_id", "call_depth") if name in request.fields}
    return kind(
        **client.place(request),
        tool_id=request["tool"],
        args=[to_any(tree) for tree in request.get("args", [])],
        kwargs={name: to_any(tree) for name, tree in request.get("kwargs", {}).items()},
        timeout_us=int(request.get("timeout", 0) * 1e6),
        plain_values=request.get("plain_values", False),
        want_stack=request.get("want_stack", False),
        **named,
    )


async def call(request: Request) -> dict[str, Any]:
    client = _client(request)
    answer = await _ask(client.stub.ExecuteTool, _call(client, request))
    return {
        "value": from_any(answer.result),
        "type_url": answer.result.type_url,
        "request_id": answer.request_id,
        "metrics": {"duration_ms": answer.metrics.duration_ms, "worker": answer.metrics.worker},
    }


async def stream(request: Request) -> dict[str, Any]:
    client = _client(request)
    out: dict[str, Any] = {"values": []}
    message = _call(client, request, pb.ToolStreamRequest)
    message.stream_id = request.get("stream_id", "")
    chunks = _stream(client.stub.StreamTool, message)
    try:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                if chunk.sequence != len(out["values"]):
                    raise Failure({"adapter": f"sequence {chunk.sequence} after {out}"})
                out["stream_id"] = chunk.stream_id
                if _ended(request, out, chunk.content):
                    return out
    except Failure as failed:
        raise Failure({**out, **failed.outcome}) from failed
    raise Failure({"broken": {"status": "OK", "message": "no last chunk"}, **out})


def _ended(request: Request, out: dict[str, Any], content: pb.ToolStreamContent) -> bool:
    kind = content.WhichOneof("kind")
    if kind == "complete":
        out["total_chunks"] = content.complete.total_chunks
        return True
    if kind == "error":
        raise Failure({"error": failure(content.error)})
    value = from_any(content.data)
    out["values"].append(value)
    request.event({"value": value})
    return len(out["values"]) == request.get("stop_after")


def _batch(client: _Client, request: Request) -> pb.BatchExecuteToolsRequest:
    items = [
        pb.ToolCallRequest(
            session_id=item.get("session", ""),
            tool_id=item["tool"],
            request_id=item.get("request_id", ""),
            args=[to_any(tree) for tree in item.get("args", [])],
            kwargs={name: to_any(tree) for name, tree in item.get("kwargs", {}).items()},
            epoch=client.epochs.get(request["session"], 0),
        )
        for item in request["items"]
    ]
    return pb.BatchExecuteToolsRequest(
        session_id=request["session"],
        requests=items,
        fail_fast=request.get("fail_fast", False),
        max_concurrency=request.get("max_concurrency", 0),
        batch_id=request.get("batch_id", ""),
    )


def _item(index: int, answer: pb.ToolCallResponse) -> dict[str, Any]:
    if answer.success:
        value = from_any(answer.result)
        return {"index": index, "value": value, "request_id": answer.request_id}
    return {"index": index, "error": failure(answer.error)}


async def batch(request: Request) -> dict[str, Any]:
    client = _client(request)
    answer = await _ask(client.stub.BatchExecuteTools, _batch(client, request))
    return {"results": [_item(i, response) for i, response in enumerate(answer.responses)]}


async def batch_stream(request: Request) -> dict[str, Any]:
    client = _client(request)
    out: dict[str, Any] = {"finished": []}
    async for answer in _stream(client.stub.StreamBatchExecuteTools, _batch(client, request)):
        if answer.HasField("refused"):
            raise Failure({"error": failure(answer.refused)})
        out["finished"].append(_item(answer.index, answer.response))
        request.event(out["finished"][-1])
    return out


# Variables


async def set_variable(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.SetVariableRequest(
        **client.place(request),
        name=request["name"],
        value=to_any(request["value"]),
        metadata=request.get("metadata"),
        if_revision=request.get("if_revision", ""),
        if_absent=request.get("if_absent", False),
        request_id=request.get("request_id", ""),
    )
    return {"revision": (await _ask(client.stub.SetVariable, message)).revision}


async def get_variable(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.GetVariableRequest(**client.place(request), name=request["name"])
    v = (await _ask(client.stub.GetVariable, message)).variable
    return {
        "name": v.name,
        "value": from_any(v.value),
        "metadata": dict(v.metadata),
        "revision": v.revision,
    }


async def delete_variable(request: Request) -> None:
    client = _client(request)
    message = pb.DeleteVariableRequest(
        **client.place(request), name=request["name"], if_revision=request.get("if_revision", "")
    )
    await _ask(client.stub.DeleteVariable, message)


async def variables(request: Request) -> dict[str, Any]:
    client = _client(request)
    found: list[Any] = []
    token = ""
    while True:
        message = pb.ListVariablesRequest(
            **client.place(request),
            prefix=request.get("prefix", ""),
            with_values=True,
            page_size=request.get("page_size", 0),
            page_token=token,
        )
        page = await _ask(client.stub.ListVariables, message)
        found += [{"name": v.name, "value": from_any(v.value)} for v in page.variables]
        token = page.next_page_token
        if not token:
            return {"variables": found}


async def update(request: Request) -> dict[str, Any]:
    client = _client(request)
    written = [
        pb.Variable(name=name, value=to_any(tree)) for name, tree in request["values"].items()
    ]
    for variable in written:
        variable.revision = request.get("if_revisions", {}).get(variable.name, "")
    message = pb.UpdateVariablesRequest(**client.place(request), variables=written)
    return {"revisions": list((await _ask(client.stub.UpdateVariables, message)).revisions)}


async def watch(request: Request) -> None:
    client = _client(request)
    message = pb.WatchVariablesRequest(**client.place(request), names=request.get("names"))
    events = _stream(client.stub.WatchVariables, message)
    count = 0
    async with contextlib.aclosing(events):
        async for event in events:
            if event.HasField("error"):
                raise Failure({"error": failure(event.error)})
            request.event(_change(event))
            count += event.type != pb.VARIABLE_CURRENT
            if count == request.get("count"):
                return


def _change(event: pb.VariableEvent) -> dict[str, Any]:
    if event.type == pb.VARIABLE_CURRENT:
        return {"current": True}
    if event.type == pb.VARIABLE_DELETED:
        return {"deleted": event.variable.name}
    return {"set": event.variable.name, "value": from_any(event.variable.value)}


# Agents


async def create_agent(request: Request) -> dict[str, Any]:
    client = _client(request)
    names = ("agent_id", "signature", "tool_names", "max_iters", "instructions", "metadata")
    agent = pb.Agent(**{name: request[name] for name in names if name in request.fields})
    message = pb.CreateReActAgentRequest(**client.place(request), agent=agent)
    return {"agent_id": (await _ask(client.stub.CreateReActAgent, message)).agent_id}


async def agents(request: Request) -> dict[str, Any]:
    client = _client(request)
    answer = await _ask(client.stub.ListAgents, pb.ListAgentsRequest(**client.place(request)))
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
            for agent in answer.agents
        ]
    }


async def delete_agent(request: Request) -> None:
    client = _client(request)
    message = pb.DeleteAgentRequest(**client.place(request), agent_id=request["agent_id"])
    await _ask(client.stub.DeleteAgent, message)


async def run_agent(request: Request) -> dict[str, Any]:
    client = _client(request)
    message = pb.ExecuteAgentRequest(
        **client.place(request),
        agent_id=request["agent_id"],
        input={name: to_any(tree) for name, tree in request.get("input", {}).items()},
        stream=True,
    )
    out: dict[str, Any] = {"events": []}
    async for event in _stream(client.stub.ExecuteAgent, message):
        if event.type == "error":
            raise Failure({"error": failure(event.error), **out})
        out["events"].append(event.type)
        request.event({"type": event.type, "tool": event.tool_name})
        if event.type == "result":
            out["value"] = from_any(event.final_answer)
    return out


# What only bare gRPC has: any RPC, and links frame by frame


async def rpc(request: Request) -> dict[str, Any]:
    """Any unary RPC: its request as protobuf's JSON or as bytes, and its response as protobuf's JSON."""
    service = request.get("service", "dspex.bridge.SnakepitBridge")
    descriptor = pb.DESCRIPTOR.services_by_name[service.rpartition(".")[2]]
    method = descriptor.methods_by_name.get(request["method"])
    channel = _client(request).channel
    reply = getattr(pb, method.output_type.name) if method is not None else pb.ErrorInfo
    if "hex" in request.fields:
        data = bytes.fromhex(request["hex"])
    else:
        message = getattr(pb, method.input_type.name)() if method is not None else pb.ErrorInfo()
        data = json_format.ParseDict(request.get("request", {}), message).SerializeToString()
    invoke = channel.unary_unary(f"/{service}/{request['method']}")
    try:
        answer = reply.FromString(await invoke(data))
    except grpc.aio.AioRpcError as error:
        raise Failure(_broken(error)) from error
    return {"response": _tree(answer)}


def _tree(message: Any) -> Any:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


class _Link:
    """A link that a scenario plays frame by frame. Messages are acknowledged unless it says otherwise."""

    def __init__(self, stream: Any, *, acknowledges: bool, received: int = 0) -> None:
        self.stream = stream
        self._acknowledges = acknowledges
        self._read = received
        self._acknowledged = received
        self._ack = 0
        self._sent = 0
        self._heard = asyncio.Event()
        self._over = False

    @property
    def read_so_far(self) -> int:
        """How many counted messages were read."""
        return self._read

    async def room(self) -> bool:
        """Counts a message to be sent, and waits while four are not acknowledged. False: the link is over."""
        while self._sent - self._ack >= _WINDOW and not self._over:
            self._heard.clear()
            await asyncio.wait_for(self._heard.wait(), _PATIENCE)
        self._sent += 1
        return not self._over

    def end(self) -> None:
        """Lets whoever waits for room know that there is no link any more."""
        self._over = True
        self._heard.set()

    async def send(self, frames: list[Any], ack: int | None = None) -> None:
        self._acknowledged = self._read
        number = ack if ack is not None else self._read if self._acknowledges else 0
        message = pb.LinkMessage(ack=number)
        self._sent += bool(frames) and not any("hello" in frame for frame in frames)
        for frame in frames:
            if "hex" in frame:
                message.frames.add().MergeFromString(bytes.fromhex(frame["hex"]))
            else:
                json_format.ParseDict(frame, message.frames.add())
        await self.stream.write(message)

    async def read(self) -> Any:
        """The frames of the next message; None at the end."""
        message = await self.stream.read()
        if message is grpc.aio.EOF:
            return None
        self._ack = max(self._ack, message.ack)
        self._heard.set()
        opening = any(f.WhichOneof("body") in ("welcome", "protocol_error") for f in message.frames)
        self._read += bool(message.frames) and not opening
        if self._acknowledges and self._read - self._acknowledged >= _ACK_AFTER:
            await self.send([])
        return [{"ack": message.ack, **_tree(frame)} for frame in message.frames]


_links: dict[int, _Link] = {}


async def link(request: Request) -> dict[str, Any]:
    """Opens a link: each frame that comes is an event; the outcome says how the bridge ended it."""
    stream = _client(request).stub.Link()
    opened = _Link(
        stream,
        acknowledges=request.get("acknowledges", True),
        received=request.get("received", 0),
    )
    _links[request["id"]] = opened
    try:
        await opened.send(request.get("open", [{"hello": request.get("hello", {})}]))
        while (frames := await opened.read()) is not None:
            for frame in frames:
                request.event(frame)
        return {"ended": (await stream.code()).name}
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        code = await stream.code()
        return {"ended": code.name, "message": await stream.details()}
    finally:
        stream.cancel()
        opened.end()
        del _links[request["id"]]


async def frames(request: Request) -> None:
    """Sends frames over a link, in one message."""
    opened = _links.get(request["of"])
    if opened is None:
        raise Failure({"adapter": "the link has ended"})
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await opened.send(request["frames"], request.get("ack"))


async def flood(request: Request) -> None:
    """Sends chunks of a call over a link, one a message, without regard to what was granted."""
    opened = _links[request["of"]]
    text = to_any("x" * request["bytes"])
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for sequence in range(request["times"]):
            chunk = pb.Frame(call_id=int(request["call_id"]))
            chunk.chunk.sequence = sequence
            chunk.chunk.content.data.CopyFrom(text)
            if not await opened.room():
                return
            await opened.stream.write(pb.LinkMessage(ack=opened.read_so_far, frames=[chunk]))


async def half_close(request: Request) -> None:
    """Says goodbye: nothing more will be sent over a link."""
    await _links[request["of"]].stream.done_writing()


_VERBS: dict[str, Any] = {
    "initialize": initialize,
    "cleanup": cleanup,
    "get_session": get_session,
    "sessions": sessions,
    "tools": tools,
    "register_tools": register_tools,
    "unregister_tools": unregister_tools,
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
    "rpc": rpc,
    "link": link,
    "frames": frames,
    "flood": flood,
    "half_close": half_close,
}


async def _main() -> None:
    await Lines(_VERBS, cancelled={"status": "CANCELLED"}).serve()
    for client in _clients.values():
        await client.channel.close()


if __name__ == "__main__":
    asyncio.run(_main())
