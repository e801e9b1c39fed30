"""A value that holds itself is called a cycle, whatever its class."""

from __future__ import annotations

import collections
import dataclasses
import typing

import pytest

from grpc_tool_bridge import SerializationError, serialize_value
from grpc_tool_bridge.values import Record


@dataclasses.dataclass
class Node:
    name: str
    next: typing.Any = None


class Pair(typing.NamedTuple):
    left: typing.Any
    right: typing.Any


def refusal(value):
    with pytest.raises(SerializationError) as caught:
        serialize_value(value)
    return caught.value


def test_a_dataclass_that_holds_itself_is_a_cycle():
    node = Node("a")
    node.next = node
    error = refusal(node)
    assert "the value at $.next is the container at $ again: a cycle" in str(error)
    assert "levels" not in str(error)
    assert error.path == "$.next"


def test_two_dataclasses_that_hold_each_other_are_a_cycle():
    first = Node("a", Node("b"))
    first.next.next = first
    assert refusal({"first": first}).path == "$.first.next.next"


def test_a_cycle_through_a_list_of_dataclasses_is_found():
    node = Node("a")
    node.next = [Node("b"), node]
    assert refusal([node]).path == "$[0].next[1]"


def test_a_cycle_through_lists_and_dicts_is_found():
    rows = [1, {"next": []}]
    rows[1]["next"].append(rows)
    assert refusal({"rows": rows}).path == "$.rows[1].next[0]"


def test_a_cycle_through_a_dict_is_found():
    node = Node("a")
    node.next = {"back": node}
    assert refusal(node).path == "$.next.back"


def test_a_named_tuple_and_a_deque_in_a_cycle_are_found():
    queue = collections.deque()
    queue.append(queue)
    assert refusal(queue).path == "$[0]"
    queue = collections.deque()
    queue.append(Pair(1, queue))
    assert "cycle" in str(refusal(queue))


def test_a_record_and_an_exception_that_hold_themselves_are_cycles():
    record = Record("Node", {})
    record.fields["next"] = record
    assert refusal(record).path == "$.next"
    error = LookupError("no")
    error.cause = error
    assert refusal(error).path == "$.cause"


def test_a_model_that_holds_itself_is_a_cycle():
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Model", next=(typing.Any, None))()
    model.next = model
    assert refusal(model).path == "$.next"


def test_the_same_object_twice_side_by_side_is_no_cycle():
    leaf = Node("leaf")
    serialize_value([leaf, leaf, Node("a", leaf)])


def test_what_is_only_deep_is_called_deep():
    node = Node("leaf")
    for _ in range(100):
        node = Node("a", node)
    assert "nested deeper than 64 levels" in str(refusal(node))


def test_an_exception_whose_arguments_hold_it_is_a_cycle():
    error = ValueError()
    error.args = ("x", [error])

    assert refusal(error).path == "$.args[1][0]"

    error.args = (error,)
    assert "the value at $.args[0] is the container at $ again: a cycle" in str(refusal(error))
    assert refusal({"why": error}).path == "$.why.args[0]"


def test_exceptions_that_hold_each_other_are_a_cycle_wherever_one_looks_first():
    error, other = ValueError(), KeyError()
    error.args, other.args = (other,), (other,)

    assert refusal(error).path == "$.args[0].args[0]"


def test_exceptions_too_deep_in_each_other_are_refused_with_the_limit():
    error = ValueError("x")
    for _ in range(30_000):
        error = ValueError(error)

    assert "nested deeper than 64 levels" in str(refusal(error))


def test_an_exception_whose_text_has_no_end_is_refused():
    class EndlessError(ValueError):
        def __str__(self):
            return str(self)

    assert "text has no end" in str(refusal(EndlessError()))
