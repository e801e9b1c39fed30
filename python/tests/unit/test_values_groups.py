"""Groups of exceptions come back with the exceptions in them."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value

ExceptionGroup: Any = getattr(builtins, "ExceptionGroup", None)
BaseExceptionGroup: Any = getattr(builtins, "BaseExceptionGroup", None)
if ExceptionGroup is None:
    pytest.skip("there are no groups of exceptions", allow_module_level=True)


class OwnError(Exception):
    pass


def through(value, hint):
    return deserialize_value(serialize_value(value), hint)


def content(error):
    if isinstance(error, BaseExceptionGroup):
        return type(error), error.message, [content(each) for each in error.exceptions]
    return type(error), error.args


@pytest.mark.parametrize(
    ("group", "hint"),
    [
        (ExceptionGroup("g", [ValueError("a"), KeyError("b")]), ExceptionGroup),
        (ExceptionGroup("g", [ValueError("a")]), ExceptionGroup[ValueError]),
        (ExceptionGroup("g", [OwnError(1), KeyError(2)]), ExceptionGroup[OwnError | KeyError]),
        (ExceptionGroup("g", [ExceptionGroup("h", [OSError(2, "x", "f")])]), ExceptionGroup),
        (BaseExceptionGroup("g", [KeyboardInterrupt(), ValueError("a")]), BaseExceptionGroup),
    ],
    ids=repr,
)
def test_a_group_comes_back_with_its_exceptions(group, hint):
    assert content(through(group, hint)) == content(group)


def test_an_exception_of_another_class_has_to_be_named():
    group = [ExceptionGroup("g", [ValueError("a"), OwnError("b")])]
    with pytest.raises(
        SerializationError, match="got Record OwnError: register its class"
    ) as caught:
        through(group, list[ExceptionGroup])
    assert caught.value.path == "$[0].args[1][1]"


def test_what_no_group_may_hold_is_refused():
    group = BaseExceptionGroup("g", [KeyboardInterrupt()])
    with pytest.raises(SerializationError, match="no ExceptionGroup can be made of it"):
        through(group, ExceptionGroup)
