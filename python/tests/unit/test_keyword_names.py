"""A keyword of a tool that takes any is named as it was given, not as the parameter that collects it."""

from __future__ import annotations

from typing import Annotated

import annotated_types
import pytest

from grpc_tool_bridge import ToolExecutionError
from grpc_tool_bridge.schema.arguments import check_arguments
from grpc_tool_bridge.schema.function import ToolFunction


def plain(a: int, *rest: int, **kw: str) -> None: ...


def bounded(**kw: Annotated[int, annotated_types.Ge(1)]) -> None: ...


def refused(call, *args):
    with pytest.raises(ToolExecutionError) as caught:
        call(*args)
    assert caught.value.error_type == "ValidationError"
    return caught.value


@pytest.mark.parametrize("args", [[1], [1, 2, 3]])
def test_the_caller_is_told_which_keyword_does_not_fit(args):
    error = refused(check_arguments, ToolFunction(plain).spec, args, {"yy": "fits", "zz": 3})
    assert error.details["argument"] == "zz"
    assert 'argument "zz" of tool "plain": want str, got int' in error.message


def test_the_host_is_told_which_keyword_does_not_fit():
    error = refused(ToolFunction(plain).bind, [1, 2], {"yy": "fits", "zz": 3})
    assert error.details["argument"] == "zz"
    assert 'argument "zz" of tool "plain": want str, got int' in error.message


def test_a_constraint_that_a_keyword_breaks_names_the_keyword():
    error = refused(ToolFunction(bounded).bind, [], {"yy": 1, "zz": 0})
    assert error.details["argument"] == "zz"


def test_keywords_that_fit_arrive_under_their_names():
    assert ToolFunction(plain).bind([1, 2], {"zz": "3"}) == ([1, 2], {"zz": "3"})


def test_a_declared_argument_keeps_its_name():
    error = refused(check_arguments, ToolFunction(plain).spec, ["1"], {})
    assert error.details["argument"] == "a"
    error = refused(check_arguments, ToolFunction(plain).spec, [1, "2"], {})
    assert error.details["argument"] == "rest"
