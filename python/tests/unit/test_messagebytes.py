"""Messages have the same bytes in every SDK."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.values import serialize_value


def test_entries_of_maps_stand_in_ascending_order_of_their_keys():
    # given: keys of which some are the beginnings of others, which protobuf puts behind them
    names = ["ab", "", "b", "a", "abc"]
    message = pb.ErrorInfo(type="t", message="m", details=dict.fromkeys(names, "x"))

    data = serialize_value(message).value

    places = [
        data.index(pb.ErrorInfo(details={name: "x"}).SerializeToString()) for name in sorted(names)
    ]
    assert places == sorted(places)
    assert pb.ErrorInfo.FromString(data) == message


def test_so_do_those_of_maps_in_maps():
    inner, outer = Struct(), Struct()
    inner.update({"ab": 1, "a": 2})
    outer.update({"xy": inner, "x": inner})

    data = serialize_value([outer]).value

    assert data.index(b"\x01x\x12") < data.index(b"\x02xy\x12")
    assert data.index(b"\x01a\x12") < data.index(b"\x02ab\x12")
