"""What cannot be a bridge's address is refused where it is given, not after the connect timeout."""

from __future__ import annotations

import pytest

from grpc_tool_bridge import GRPCToolBridge, ToolBridgeClient, ToolCommunicationError, Worker, sync

WRONG = [
    ("", "it is empty"),
    ("nonsense:", "its port is ''"),
    ("host", "it has no port"),
    (":50051", "it has no host"),
    ("host:http", "its port is 'http'"),
    ("host:0", "its port is '0'"),
    ("host:65536", "its port is '65536'"),
    ("host:" + "9" * 5000, "not a number from 1 to 65535"),
    ("host:-1", "its port is '-1'"),
    ("::1:50051", "stands in brackets"),
    ("[::1]", "it has no port"),
    ("http://host:50051", "it is no host and port"),
    ("two words:50051", "it is no host and port"),
    ("unix:", "it names no socket"),
    ("unix:///", "it names no socket"),
    ("dns:///host", "it has no port"),
    ("ipv4:1.2.3.4:1,1.2.3.4", "it has no port"),
]
RIGHT = [
    "localhost:50051",
    "127.0.0.1:1",
    "[::1]:65535",
    "bridge.example:443",
    "dns:50051",
    "dns:host:1",
    "dns:///host:1",
    "dns://8.8.8.8/host:1",
    "ipv4:1.2.3.4:1,1.2.3.5:2",
    "ipv6:[::1]:1",
    "unix:/run/bridge.sock",
    "unix:///run/bridge.sock",
    "unix:bridge.sock",
    "unix-abstract:bridge",
]


@pytest.mark.parametrize("make", [GRPCToolBridge, ToolBridgeClient, Worker, sync.connect])
@pytest.mark.parametrize(("address", "why"), WRONG, ids=lambda text: text[:20])
def test_what_is_no_address_is_refused_by_name_at_once(make, address, why):
    with pytest.raises(ValueError, match='want "host:port"') as caught:
        make(address)
    assert repr(address) in str(caught.value)
    assert why in str(caught.value)


@pytest.mark.parametrize("make", [GRPCToolBridge, ToolBridgeClient, Worker])
@pytest.mark.parametrize("address", RIGHT)
def test_every_form_that_grpc_dials_is_taken(make, address):
    assert make(address) is not None


def test_an_address_where_nobody_listens_is_still_found_by_dialling():
    with pytest.raises(ToolCommunicationError, match=r"127\.0\.0\.1:1"):
        sync.connect("127.0.0.1:1", connect_timeout=0.2)
