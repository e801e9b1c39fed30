"""The testing strategy's load test: users of the HTTP gateway who call, stream and batch the demo tools.

`make load` runs it against a bridge of its own. What differs from the strategy has a comment.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from locust import between, task
from locust.contrib.fasthttp import FastHttpUser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from locust.contrib.fasthttp import FastResponse

# Requests are counted under these names; else each session and tool would have a line of its own in the report.
SESSIONS = "/api/sessions"
EXECUTE = "/api/sessions/{session_id}/tools/{tool_id}/execute"
STREAM = "/api/sessions/{session_id}/tools/stream_data/stream"
BATCH = "/api/sessions/{session_id}/tools/batch"


def iter_lines(response: FastResponse) -> Iterator[bytes]:
    """The lines of an answer as they come: a fast response has no `iter_lines`."""
    rest = b""
    for piece in response.iter_content(decode_content=False):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest


class ToolBridgeLoadTest(FastHttpUser):
    """Load test for tool bridge."""

    wait_time = between(0.1, 0.5)

    def on_start(self) -> None:
        """Initialize session for user."""
        self.session_id = f"load_test_{random.randint(1000, 9999)}"
        self.tool_ids = ["search", "calculate", "process"]

        # Initialize session over the HTTP gateway
        response = self.client.post(
            "/api/sessions", name=SESSIONS, json={"session_id": self.session_id}
        )
        response.raise_for_status()

    @task(weight=70)
    def execute_tool(self) -> None:
        """Execute a random tool."""
        tool_id = random.choice(self.tool_ids)

        with self.client.post(
            f"/api/sessions/{self.session_id}/tools/{tool_id}/execute",
            name=EXECUTE,
            json={
                "args": [random.randint(1, 100)],
                "kwargs": {"option": random.choice(["A", "B", "C"])},
            },
            catch_response=True,
        ) as response:
            if response.status_code == 200:
                response.success()
            else:
                response.failure(f"Got status {response.status_code}")

    @task(weight=20)
    def stream_tool(self) -> None:
        """Execute streaming tool."""
        with self.client.get(
            f"/api/sessions/{self.session_id}/tools/stream_data/stream",
            name=STREAM,
            stream=True,
            catch_response=True,
        ) as response:
            if response.status_code != 200:  # else the text of an error would count as a chunk
                response.failure(f"Got status {response.status_code}")
                return
            chunks = 0
            for _ in iter_lines(response):
                chunks += 1
                if chunks > 100:  # Limit chunks in test
                    break

            if chunks > 0:
                response.success()
            else:
                response.failure("No chunks received")

    @task(weight=10)
    def batch_execute(self) -> None:
        """Execute batch of tools."""
        batch = [
            {"tool_id": random.choice(self.tool_ids), "args": [i], "kwargs": {}}
            for i in range(random.randint(5, 15))
        ]

        with self.client.post(
            f"/api/sessions/{self.session_id}/tools/batch",
            name=BATCH,
            json={"requests": batch},
            catch_response=True,
        ) as response:
            if response.status_code == 200:
                results = response.json()["results"]
                if len(results) == len(batch):
                    response.success()
                else:
                    response.failure("Incomplete batch results")
            else:
                response.failure(f"Got status {response.status_code}")
