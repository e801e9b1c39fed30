"""The adapter of the HTTP face: the standard library's client and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from lines import Failure, Lines, Request, error

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = os.environ["CONFORMANCE_HTTP"].removeprefix("http://")
_PATIENCE = 60.0


class _Exchange:
    """One request and its answer on a connection of its own. Cancelling closes the connection."""

    def __init__(self, request: Request) -> None:
        self._connection = http.client.HTTPConnection(_ADDRESS, timeout=_PATIENCE)
        self._cancelled = threading.Event()
        request.on_cancel = self.cancel

    def cancel(self) -> None:
        self._cancelled.set()
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        try:
            self._connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            self._stopped()  # a refusal may come before the whole body is sent
        try:
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException) as broken:
            raise self._broken(broken) from broken

    def lines(self, response: http.client.HTTPResponse) -> Iterator[Any]:
        try:
            for line in response:
                document = json.loads(line)
                if "heartbeat" not in document:
                    yield document
        except (OSError, http.client.HTTPException, ValueError) as broken:
            raise self._broken(broken) from broken
        self._stopped()

    def read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as broken:
            raise self._broken(broken) from broken

    def close(self) -> None:
        self._connection.close()

    def _stopped(self) -> None:
        if self._cancelled.is_set():
            raise error("Cancelled", "the caller closed the connection", status=499)

    def _broken(self, why: Exception) -> Failure:
        with contextlib.suppress(Failure):
            self._stopped()
            return Failure({"broken": {"status": type(why).__name__, "message": str(why)}})
        return error("Cancelled", "the caller closed the connection", status=499)


def _failure(problem: dict[str, Any]) -> dict[str, Any]:
    out = {
        "code": problem["code"],
        "message": problem["detail"],
        "retryable": problem["retryable"],
        "details": problem.get("details", {}),
        "status": problem["status"],
    }
    for name in ("retry_after", "class_name", "exception"):
        if name in problem:
            out[name] = problem[name]
    return out


def _ask(
    request: Request,
    method: str,
    path: str,
    document: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """Sends a document and returns that of the answer, None where there is none."""
    exchange = _Exchange(request)
    try:
        response = exchange.send(method, path, _text(document), _headers(document, headers))
        body = exchange.read(response)
        return _accepted(response, body)
    finally:
        exchange.close()


def _accepted(response: http.client.HTTPResponse, body: bytes) -> Any:
    document = json.loads(body) if body else None
    if response.status >= 400:
        if response.headers["Content-Type"] != "application/problem+json":
            raise Failure({"broken": {"status": response.status, "message": body.decode()}})
        if document["status"] != response.status:
            raise Failure({"adapter": f"status {response.status} has {document}"})
        raise Failure({"error": _failure(document)})
    return document


def _text(document: Any) -> bytes | None:
    return None if document is None else json.dumps(document, ensure_ascii=False).encode()


def _headers(document: Any, headers: dict[str, str] | None) -> dict[str, str]:
    kind = {} if document is None else {"Content-Type": "application/json"}
    return {**kind, **(headers or {})}


def _session(request: Request) -> str:
    return "/api/sessions/" + _part(request["session"])


def _part(name: str) -> str:
    escaped = quote(name, safe="")
    return escaped.replace(".", "%2E") if set(name) == {"."} else escaped


def _tool(request: Request) -> str:
    return f"{_session(request)}/tools/{_part(request['tool'])}"


def _query(request: Request, **more: Any) -> str:
    parameters = {name: text for name, text in more.items() if text is not None}
    if request.get("timeout"):
        parameters["timeout"] = request["timeout"]
    return "?" + urlencode(parameters, doseq=True) if parameters else ""


def _key(request: Request, name: str = "request_id") -> dict[str, str]:
    key = request.get(name)
    return {"Idempotency-Key": key} if key else {}


def _call(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in ("args", "kwargs") if name in fields}


# Sessions


def initialize(request: Request) -> dict[str, Any]:
    document = {}
    for name, field in (
        ("session", "session_id"),
        ("ttl", "ttl_seconds"),
        ("metadata", "metadata"),
    ):
        if request.get(name) is not None:
            document[field] = request[name]
    if document.get("session_id") == "":
        del document["session_id"]
    only = {"If-None-Match": "*"} if request.get("create_only") else {}
    made = _ask(request, "POST", "/api/sessions", document, only)
    return {"session": made["session_id"], "epoch": made["epoch"], "created": made["created"]}


def cleanup(request: Request) -> dict[str, Any]:
    force = "true" if request.get("force") else None
    return _ask(request, "DELETE", _session(request) + _query(request, force=force))


def get_session(request: Request) -> dict[str, Any]:
    found = _ask(request, "GET", _session(request))
    names = ("epoch", "metadata", "tool_count")
    out = {name: found[name] for name in names}
    return {"session": found["session_id"], "ttl": found["ttl_seconds"], **out}


def tools(request: Request) -> dict[str, Any]:
    found = _ask(request, "GET", _session(request) + "/tools")["tools"]
    return {"tools": [{**tool, "own": tool["session_id"] != ""} for tool in found]}


# Calls


def call(request: Request) -> dict[str, Any]:
    stack = "true" if request.get("want_stack") else None
    path = f"{_tool(request)}/execute{_query(request, stack=stack)}"
    answer = _ask(request, "POST", path, _call(request.fields), _key(request))
    return {"value": answer["result"], "metrics": answer["metrics"]}


def stream(request: Request) -> dict[str, Any]:
    exchange = _Exchange(request)
    out: dict[str, Any] = {"values": []}
    document = _call(request.fields)
    headers = _headers(document, _key(request))
    try:
        path = f"{_tool(request)}/stream{_query(request)}"
        response = exchange.send("POST", path, _text(document), headers)
        if response.status >= 400:
            _accepted(response, exchange.read(response))
        for place, line in enumerate(exchange.lines(response)):
            if line["sequence"] != place:
                raise Failure({"adapter": f"sequence {line['sequence']} at place {place}"})
            if _ended(request, out, line):
                return out
        raise Failure({"broken": {"status": "cut off", "message": "no last line"}, **out})
    except Failure as failure:
        raise Failure({**out, **failure.outcome}) from failure
    finally:
        exchange.close()


def _ended(request: Request, out: dict[str, Any], line: Any) -> bool:
    if "complete" in line:
        out["total_chunks"] = line["complete"]["total_chunks"]
        return True
    if "error" in line:
        raise Failure({"error": _failure(line["error"])})
    out["values"].append(line["data"])
    request.event({"value": line["data"]})
    return len(out["values"]) == request.get("stop_after")


def _batch(request: Request) -> dict[str, Any]:
    items = [{"tool_id": item["tool"], **_call(item)} for item in request["items"]]
    document: dict[str, Any] = {"requests": items}
    for name in ("fail_fast", "max_concurrency"):
        if request.get(name):
            document[name] = request[name]
    return document


def _item(result: dict[str, Any]) -> dict[str, Any]:
    if result["success"]:
        return {"index": result["index"], "value": result["result"]}
    return {"index": result["index"], "error": _failure(result["error"])}


def batch(request: Request) -> dict[str, Any]:
    path = _session(request) + "/tools/batch" + _query(request)
    answer = _ask(request, "POST", path, _batch(request), _key(request, "batch_id"))
    return {"results": [_item(result) for result in answer["results"]]}


def batch_stream(request: Request) -> dict[str, Any]:
    exchange = _Exchange(request)
    document = _batch(request)
    headers = _headers(document, {"Accept": "application/x-ndjson", **_key(request, "batch_id")})
    out: dict[str, Any] = {"finished": []}
    try:
        path = _session(request) + "/tools/batch"
        response = exchange.send("POST", path, _text(document), headers)
        if response.status >= 400:
            _accepted(response, exchange.read(response))
        for line in exchange.lines(response):
            out["finished"].append(_item(line))
            request.event(out["finished"][-1])
        return out
    finally:
        exchange.close()


# Variables


def _variable(request: Request) -> str:
    return f"{_session(request)}/variables/{_part(request['name'])}"


def set_variable(request: Request) -> dict[str, Any]:
    headers = {"If-None-Match": "*"} if request.get("if_absent") else {}
    if request.get("if_revision"):
        headers["If-Match"] = f'"{request["if_revision"]}"'
    document = {name: request[name] for name in ("value", "metadata") if name in request.fields}
    return {"revision": _ask(request, "PUT", _variable(request), document, headers)["revision"]}


def get_variable(request: Request) -> dict[str, Any]:
    return _ask(request, "GET", _variable(request))


def delete_variable(request: Request) -> None:
    revision = request.get("if_revision")
    headers = {"If-Match": f'"{revision}"'} if revision else {}
    _ask(request, "DELETE", _variable(request), headers=headers)


def variables(request: Request) -> dict[str, Any]:
    found: list[Any] = []
    token = None
    while True:
        query = _query(request, prefix=request.get("prefix"), values="true", page_token=token)
        page = _ask(request, "GET", _session(request) + "/variables" + query)
        found += [{"name": v["name"], "value": v["value"]} for v in page["variables"]]
        token = page.get("next_page_token")
        if not token:
            return {"variables": found}


def watch(request: Request) -> dict[str, Any] | None:
    exchange = _Exchange(request)
    query = _query(request, name=request.get("names"))
    count = 0
    try:
        headers = {"Accept": "application/x-ndjson"}
        response = exchange.send("GET", _session(request) + "/watch" + query, None, headers)
        if response.status >= 400:
            _accepted(response, exchange.read(response))
        for line in exchange.lines(response):
            if line["event"] == "error":
                raise Failure({"error": _failure(line["error"])})
            request.event(_change(line))
            count += line["event"] != "current"
            if count == request.get("count"):
                break
        return None
    finally:
        exchange.close()


def _change(line: dict[str, Any]) -> dict[str, Any]:
    if line["event"] == "current":
        return {"current": True}
    if line["event"] == "deleted":
        return {"deleted": line["name"]}
    return {"set": line["name"], "value": line["value"]}


# Agents


def create_agent(request: Request) -> dict[str, Any]:
    names = ("agent_id", "signature", "tool_names", "max_iters", "instructions", "metadata")
    document = {name: request[name] for name in names if name in request.fields}
    made = _ask(request, "POST", _session(request) + "/agents", document)
    return {"agent_id": made["agent_id"]}


def agents(request: Request) -> dict[str, Any]:
    return _ask(request, "GET", _session(request) + "/agents")


def delete_agent(request: Request) -> None:
    _ask(request, "DELETE", f"{_session(request)}/agents/{_part(request['agent_id'])}")


def run_agent(request: Request) -> dict[str, Any]:
    exchange = _Exchange(request)
    document = {"input": request.get("input", {})}
    out: dict[str, Any] = {"events": []}
    try:
        path = f"{_session(request)}/agents/{_part(request['agent_id'])}/run"
        response = exchange.send("POST", path, _text(document), _headers(document, None))
        if response.status >= 400:
            _accepted(response, exchange.read(response))
        for line in exchange.lines(response):
            if line["type"] == "error":
                raise Failure({"error": _failure(line["error"]), **out})
            out["events"].append(line["type"])
            request.event({"type": line["type"], "tool": line.get("tool", "")})
            if line["type"] == "result":
                out["value"] = line["answer"]
        return out
    finally:
        exchange.close()


# What only HTTP has


def raw(request: Request) -> dict[str, Any]:
    """Any request, and its answer as it is."""
    exchange = _Exchange(request)
    body = request.get("body")
    if body is None and "json" in request.fields:
        body = json.dumps(request["json"])
    try:
        headers = request.get("headers", {})
        data = None if body is None else body.encode("utf-8", "surrogateescape")
        response = exchange.send(request["method"], request["path"], data, headers)
        text = exchange.read(response).decode("utf-8", "replace")
        headers = {name.lower(): content for name, content in response.getheaders()}
        out = {"status": response.status, "headers": headers, "body": text}
        with contextlib.suppress(ValueError):
            out["json"] = json.loads(text)
        return out
    finally:
        exchange.close()


_VERBS = {
    "initialize": initialize,
    "cleanup": cleanup,
    "get_session": get_session,
    "tools": tools,
    "call": call,
    "stream": stream,
    "batch": batch,
    "batch_stream": batch_stream,
    "set": set_variable,
    "get": get_variable,
    "delete": delete_variable,
    "variables": variables,
    "watch": watch,
    "create_agent": create_agent,
    "agents": agents,
    "delete_agent": delete_agent,
    "run_agent": run_agent,
    "http": raw,
}


def _threaded(verb: Any) -> Any:
    async def run(request: Request) -> Any:
        return await asyncio.to_thread(verb, request)

    return run


if __name__ == "__main__":
    table = {name: _threaded(verb) for name, verb in _VERBS.items()}
    asyncio.run(Lines(table, cancelled={"status": 499}).serve())
