from __future__ import annotations

import asyncio
import copy
import json
import pickle
from pathlib import Path
from unittest.mock import MagicMock

import grpc
import pytest

import dspex_bridge_pb2 as pb
from grpc_tool_bridge import errors
from grpc_tool_bridge.errors import (
    ProtocolError,
    SerializationError,
    SessionError,
    ToolBridgeError,
    ToolCommunicationError,
    ToolExecutionError,
    ToolTimeoutError,
    error_from_info,
    error_from_rpc,
    info_from_exception,
    is_retryable,
)
from grpc_tool_bridge.testing import rpc_error
from grpc_tool_bridge.values import Record, deserialize_value, serialize_value

TABLE = json.loads(
    (Path(__file__).parents[3] / "proto" / "errors.json").read_text(encoding="utf-8")
)["errors"]

EXAMPLES = [
    ToolBridgeError("broken"),
    ToolExecutionError("add", "ValidationError", "want int", {"argument": "a"}, True, 1.5),
    ToolExecutionError("add", "ExecutionError", "no", class_name="ValueError", stack_trace="at x"),
    ToolTimeoutError("add", "DeadlineExceeded", "too late"),
    SessionError("SessionExpired", "gone"),
    ToolCommunicationError("add", grpc.StatusCode.UNAVAILABLE, "no route"),
    ProtocolError("no answer", {"got": "MagicMock"}),
    SerializationError("too deep", "$.a[1]"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["code"])
def test_every_code_of_the_table_becomes_its_class(row):
    error = error_from_info(pb.ErrorInfo(type=row["code"], message="m"), tool_name="t")

    assert type(error).__name__ == row["python"]
    assert error.error_type == row["code"]
    assert error.retryable is (row["retryable"] is True)
    assert is_retryable(row["code"]) is (row["retryable"] is True)
    assert is_retryable(row["code"], idempotent=True) is bool(row["retryable"])


def test_no_code_is_known_that_the_table_lacks():
    assert set(errors._CLASS_NAMES) == {row["code"] for row in TABLE}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_exceptions_survive_pickling_and_copying(error):
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)
        assert other.args == error.args


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_text_carries_type_and_message(error):
    assert isinstance(error, ToolBridgeError)
    assert error.error_type in str(error)
    assert error.message in str(error)


def test_a_timeout_is_every_kind_of_timeout():
    error = ToolTimeoutError("slow", "DeadlineExceeded", "took 30 s")

    assert isinstance(error, (ToolExecutionError, TimeoutError))
    with pytest.raises(asyncio.TimeoutError):
        raise error


def test_a_foreign_exceptions_class_stands_in_the_text():
    error = ToolExecutionError("t", "ExecutionError", "bad", class_name="ValueError")
    assert str(error) == "ExecutionError: ValueError: bad"


def test_a_serialization_error_names_its_path_once():
    assert str(SerializationError("$.a: too deep", "$.a")).count("$.a") == 1
    assert str(SerializationError("too deep", "$.a")).endswith("(at $.a)")
    assert SerializationError("x", "$.a").details == {"path": "$.a"}


def test_an_answer_may_be_a_mock():
    # Given a mock with only three fields, as tests make it
    info = MagicMock()
    info.type, info.message = "RateLimitExceeded", "slow down"
    info.details = {"retry_after": "10"}

    error = error_from_info(info, tool_name="search")

    assert isinstance(error, ToolExecutionError)
    assert (error.tool_name, error.retryable, error.retry_after) == ("search", True, 10.0)
    assert (error.class_name, error.stack_trace, error.exception) == ("", "", None)


def test_details_of_a_message_become_a_dict():
    error = error_from_info(
        pb.ErrorInfo(type="ValidationError", details={"argument": "a"}), tool_name="t"
    )
    assert error.details == {"argument": "a"}
    assert error.message == "no reason was given"


def test_an_unknown_code_is_kept_and_treated_as_internal():
    error = error_from_info(pb.ErrorInfo(type="Novelty", message="m"), tool_name="t")
    assert type(error) is ToolExecutionError
    assert error.error_type == "Novelty"
    assert not error.retryable
    assert error_from_info(pb.ErrorInfo(), tool_name="t").error_type == "Internal"


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("ValidationError", SessionError),
        ("VariableNotFound", SessionError),
        ("MessageTooLarge", SessionError),
        ("ProtocolError", ProtocolError),
        ("SerializationError", SerializationError),
        ("DeadlineExceeded", ToolTimeoutError),
    ],
)
def test_verbs_without_a_tool_raise_session_errors(code, cls):
    error = error_from_info(pb.ErrorInfo(type=code, message="m", details={"path": "$.x"}))
    assert type(error) is cls
    assert error.error_type == code


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "0", "", "1" * 5000])
def test_a_useless_retry_after_is_no_advice(text):
    info = pb.ErrorInfo(type="Overloaded", details={"retry_after": text})
    assert error_from_info(info, tool_name="t").retry_after is None


def test_retry_after_of_the_field_goes_before_the_details():
    info = pb.ErrorInfo(type="Overloaded", retry_after=2.5, details={"retry_after": "9"})
    assert error_from_info(info, tool_name="t").retry_after == 2.5


def test_a_grpc_status_becomes_a_communication_error():
    rpc = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "refused"
    )

    error = error_from_rpc(rpc, tool_name="add", address="localhost:1")

    assert (error.tool_name, error.code) == ("add", grpc.StatusCode.UNAVAILABLE)
    assert error.retryable
    assert "localhost:1" in str(error)
    assert "refused" in str(error)
    assert "'add'" in str(error)


def test_a_grpc_error_without_a_status_is_unknown():
    error = error_from_rpc(grpc.RpcError())
    assert error.code is grpc.StatusCode.UNKNOWN
    assert not error.retryable
    assert "no reason" in str(error)


@pytest.mark.parametrize(
    "error",
    [error for error in EXAMPLES if not isinstance(error, ToolCommunicationError)],
    ids=lambda error: type(error).__name__,
)
def test_our_errors_keep_their_code_over_the_wire(error):
    again = error_from_info(info_from_exception(error), tool_name="add")

    assert again.error_type == error.error_type
    assert again.message == error.message
    assert error.details.items() <= again.details.items()
    assert (again.retryable, again.retry_after) == (error.retryable, error.retry_after)


def test_a_lost_transport_inside_of_a_tool_is_the_tools_failure():
    info = info_from_exception(ToolCommunicationError("x", grpc.StatusCode.UNAVAILABLE, "gone"))
    assert (info.type, info.class_name) == ("ExecutionError", "ToolCommunicationError")


def test_a_cancelled_tool_says_so():
    assert info_from_exception(asyncio.CancelledError()).type == "Cancelled"


class RefusedError(Exception):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
        self.details = {"code": code}
        self._secret = "s"


def test_a_foreign_exception_keeps_class_message_and_fields():
    info = info_from_exception(RefusedError("not today", 7))

    assert (info.type, info.message, info.class_name) == (
        "ExecutionError",
        "not today",
        "RefusedError",
    )
    assert dict(info.details) == {"code": "7"}
    assert deserialize_value(info.exception) == Record(
        "RefusedError", {"message": "not today", "code": 7, "details": {"code": 7}}
    )
    again = error_from_info(info, tool_name="t")
    assert isinstance(again, ToolExecutionError)
    assert again.exception["code"] == 7
    # and on over a second hop
    assert info_from_exception(again) == info


def test_fields_that_cannot_be_encoded_are_left_out():
    error = RefusedError("no", 1)
    error.lock = object()
    info = info_from_exception(error)
    assert deserialize_value(info.exception)["code"] == 1
    assert info.details["left_out"] == "lock"


def test_fields_of_names_that_cannot_be_encoded_are_left_out():
    error = RefusedError("no", 1)
    setattr(error, "\ud800", 1)
    info = info_from_exception(error)
    assert deserialize_value(info.exception)["code"] == 1
    assert info.details["left_out"] == "?"


def test_fields_without_room_in_an_answer_are_left_out():
    error = RefusedError("no", 1)
    half = errors.MAX_EXCEPTION_BYTES // 2
    error.blob, error.attributes = b"x" * half, b"y" * half
    error.last = [True] * 100
    info = info_from_exception(error)
    exception = deserialize_value(info.exception)
    assert (exception["blob"], exception["last"]) == (error.blob, error.last)
    assert info.details["left_out"] == "attributes"


@pytest.mark.parametrize("count", [2, 7, 300])
def test_as_many_fields_travel_as_there_is_room_for(count):
    error = ValueError("no")
    blob = b"x" * (errors.MAX_EXCEPTION_BYTES // count)
    vars(error).update({f"f{i:03}": blob for i in range(count)})
    info = info_from_exception(error)
    left_out = info.details["left_out"].split(", ")
    kept = deserialize_value(info.exception).fields
    assert len(info.exception.value) <= errors.MAX_EXCEPTION_BYTES
    assert [*kept, *left_out] == ["message", *vars(error)]
    assert len(kept) > len(left_out)


def test_a_malformed_exception_of_the_other_side_is_ignored():
    info = pb.ErrorInfo(type="ExecutionError")
    info.exception.type_url = "type.googleapis.com/dspex.bridge.Value"
    info.exception.value = b"\xff"
    assert error_from_info(info, tool_name="t").exception is None


def test_the_stack_is_told_only_when_asked_for():
    with pytest.raises(ValueError, match="x") as caught:
        raise ValueError("x")

    assert info_from_exception(caught.value).stack_trace == ""
    assert "raise ValueError" in info_from_exception(caught.value, want_stack=True).stack_trace


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("No such file: '/home/me/secret/plan.txt'", "No such file: 'plan.txt'"),
        ("copy /srv/a/x to /srv/b/y failed", "copy x to y failed"),
        ("in '/home/J Doe/a b.txt'", "in 'a b.txt'"),
        (r"C:\Users\me\plan.txt is locked", "plan.txt is locked"),
        ("at /opt/app/main.py:3", "at main.py:3"),
        ("see http://example.org/a/b and/or 1/2/3", "see http://example.org/a/b and/or 1/2/3"),
        ("ratio a / b / c", "ratio a / b / c"),
    ],
)
def test_texts_lose_the_folders_of_paths(text, clean):
    assert info_from_exception(ValueError(text)).message == clean


def test_long_texts_are_cut():
    message = info_from_exception(ValueError("x" * 10_000)).message
    assert len(message) == errors.MAX_MESSAGE_CHARACTERS
    assert message.endswith("…")


def test_a_lone_surrogate_in_a_text_is_replaced():
    assert info_from_exception(ValueError("a\ud800")).message == "a?"


def test_an_exception_without_text_is_its_class():
    assert info_from_exception(ValueError()).message == "ValueError"
    assert info_from_exception(KeyError("a")).message == "key 'a' not found"


def test_an_exception_whose_text_fails_is_still_told():
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert info_from_exception(MuteError()).message == "MuteError"


def test_exceptions_of_the_wire_are_values():
    encoded = serialize_value(ValueError("no"))
    assert deserialize_value(encoded) == Record("ValueError", {"message": "no"})
    made = deserialize_value(encoded, ValueError)
    assert type(made) is ValueError
    assert str(made) == "no"


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: code.name)
def test_every_status_of_a_transport_has_a_name_of_the_table(code):
    assert ToolCommunicationError("add", code).error_type in {row["code"] for row in TABLE}


def test_a_request_that_was_not_sent_is_told_from_one_whose_outcome_is_not_known():
    unsent = "failed to connect to all addresses; last error: UNKNOWN: Connection refused"
    never = error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE, unsent), address="a:1")
    lost = error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE, "Socket closed"), address="a:1")

    assert (never.error_type, never.details) == ("WorkerUnavailable", {"started": "false"})
    assert (lost.error_type, lost.details) == ("WorkerLost", {})


def test_a_tool_whose_nested_call_lost_the_bridge_has_raised_an_error_of_its_own():
    nested = ToolCommunicationError("add", grpc.StatusCode.UNAVAILABLE, "gone")
    assert info_from_exception(nested).type == "ExecutionError"
