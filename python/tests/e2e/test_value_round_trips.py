"""Generated values from Python through a bridge to a Go worker and back: by link, plain RPC and JSON."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from roundtrips import every_value

from grpc_tool_bridge import GRPCToolBridge, ToolExecutionError, Worker, tool
from grpc_tool_bridge.values import Opaque, from_json, to_json

TOOL, SESSION = "go_echo", "values"


@pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain rpc"])
def test_every_value_comes_back_from_go(house, use_link):
    loop = asyncio.new_event_loop()
    bridge = GRPCToolBridge(house.address, use_link=use_link)

    async def around(batch):
        return await asyncio.gather(*(bridge.execute_tool(TOOL, value) for value in batch))

    try:
        loop.run_until_complete(bridge.initialize(SESSION))
        every_value(lambda batch: loop.run_until_complete(around(batch)))
    finally:
        loop.run_until_complete(bridge.aclose())
        loop.close()


@tool
def nothing():
    return Opaque("", b"")


@tool
def is_nothing(value: int | None) -> bool:
    return value is None


@pytest.mark.parametrize("use_link", [True, False], ids=["link", "plain rpc"])
async def test_an_any_that_was_never_set_is_none_wherever_it_comes_from(house, use_link):
    unset, lying = Opaque("", b""), Opaque("", b"x")
    async with (
        Worker(house.address, tools=[nothing, is_nothing]),
        GRPCToolBridge(house.address, use_link=use_link) as bridge,
    ):
        await bridge.initialize(SESSION)

        assert await bridge.execute_tool(TOOL, unset) is None
        assert await bridge.execute_tool("is_nothing", unset) is True
        assert await bridge.execute_tool("nothing") is None
        for name in (TOOL, "is_nothing"):
            with pytest.raises(ToolExecutionError, match="got a value without a type URL"):
                await bridge.execute_tool(name, lying)


def test_every_value_comes_back_from_go_as_json_over_http(house):
    found = re.search(r"^http on (\S+)$", house.output, re.MULTILINE)
    assert found
    place = urlsplit(found[1]).netloc
    path = f"/api/sessions/{SESSION}/tools/{TOOL}/execute"
    lines = [http.client.HTTPConnection(place) for _ in range(5)]
    post(lines[0], "/api/sessions", json.dumps({"session_id": SESSION}))

    def send(line, value):
        return post(line, path, f'{{"args":[{to_json(value)}]}}')

    def around(batch):
        answers = threads.map(send, lines, batch)
        # json would read the ints and floats of the result as it likes: it is cut out of the text.
        return [from_json(result_of(answer)) for answer in answers]

    try:
        with ThreadPoolExecutor(len(lines)) as threads:
            every_value(around)
    finally:
        for line in lines:
            line.close()


def post(line, path, body):
    line.request("POST", path, body.encode(), {"Content-Type": "application/json"})
    response = line.getresponse()
    text = response.read().decode()
    assert response.status in (200, 201), text
    return text


def result_of(answer):
    """The JSON text of the result, as it stands in the answer."""
    begin = '{"success":true,"result":'
    assert answer.startswith(begin), answer[:200]
    _, end = json.JSONDecoder().raw_decode(answer, len(begin))
    return answer[len(begin) : end]
