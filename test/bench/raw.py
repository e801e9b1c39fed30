"""The raw peer in Python: a ``grpc.aio`` server that answers each text with the same text.

Prints where it listens and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue


async def echo(request: StringValue, _: Any) -> StringValue:
    """Answers with what came."""
    return request


async def serve() -> None:
    """Serves with the defaults of ``grpc.aio`` until standard input ends."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=StringValue.FromString,
        response_serializer=StringValue.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Echo", {"Unary": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(serve())
