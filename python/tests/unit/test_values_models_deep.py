"""Models that are nested as deep as values may be, also as the first of their class."""

from __future__ import annotations

import threading
from typing import Any, Optional, Union

import pytest
from pydantic import BaseModel, create_model

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    MAX_DEPTH,
    convert,
    deserialize_value,
    from_json,
    serialize_value,
)

_STACK = 512 * 1024
"""Bytes of the smallest stack that threads are given here."""
_OUTER = 150
"""So many calls lead to a value, where a program has its own."""


class Leaf(BaseModel):
    """A model of another class."""

    n: int


_NAMES = {"Optional": Optional, "Union": Union, "Leaf": Leaf}


def _class(hint: Any) -> Any:
    """A class of which nothing is known yet, with objects of its own inside."""
    node = create_model("Node", n=(int, 0), next=(hint, None))
    node.model_rebuild(_types_namespace={**_NAMES, "Node": node})
    return node


_HINTS = {
    "optional": ("Optional[Node]", 1),
    "union": ("Union[Node, int, None]", 1),
    "list": ("Optional[list[Node]]", 2),
    "dict": ("Optional[dict[str, Node]]", 2),
}


def _nested(cls: Any, levels: int, way: str) -> Any:
    made: Any = cls()
    for number in range(levels - 1):
        made = cls(
            n=number, next=[made] if way == "list" else {"k": made} if way == "dict" else made
        )
    return made


def _after_calls(count: int, do: Any) -> Any:
    return do() if count == 0 else _after_calls(count - 1, do)


def _in_thread(do: Any) -> Any:
    made: list[Any] = []

    def run() -> None:
        try:
            made.append(_after_calls(_OUTER, do))
        except BaseException as error:  # noqa: BLE001 - is raised in the test
            made.append(error)

    before = threading.stack_size(_STACK)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if isinstance(made[0], BaseException):
        raise made[0]
    return made[0]


@pytest.mark.parametrize("way", _HINTS)
def test_the_first_value_of_a_class_may_have_all_levels(way: str) -> None:
    hint, step = _HINTS[way]
    cls = _class(hint)
    value = _nested(cls, MAX_DEPTH // step, way)
    encoded = serialize_value(value)

    assert _in_thread(lambda: deserialize_value(encoded, cls)) == value
    assert _in_thread(lambda: deserialize_value(encoded, cls)) == value


@pytest.mark.parametrize("way", _HINTS)
def test_the_first_value_of_a_class_may_have_all_levels_in_json(way: str) -> None:
    hint, step = _HINTS[way]
    cls = _class(hint)
    value = _nested(cls, MAX_DEPTH // step, way)
    text = value.model_dump_json()

    assert _in_thread(lambda: convert(from_json(text), cls)) == value


def test_a_model_that_is_nested_deeper_is_refused_with_the_limit() -> None:
    cls = _class(_HINTS["optional"][0])

    with pytest.raises(SerializationError, match=f"nested deeper than {MAX_DEPTH} levels"):
        _in_thread(lambda: serialize_value(_nested(cls, MAX_DEPTH + 1, "optional")))


def test_all_levels_pass_where_several_models_may_stand() -> None:
    cls = _class("Union[Node, Leaf, None]")
    value: Any = _nested(cls, MAX_DEPTH - 1, "union")
    innermost = value
    while innermost.next is not None:
        innermost = innermost.next
    innermost.next = Leaf(n=1)
    encoded = serialize_value(value)

    assert _in_thread(lambda: deserialize_value(encoded, cls)) == value
