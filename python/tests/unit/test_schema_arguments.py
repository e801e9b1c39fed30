from __future__ import annotations

import datetime as dt
import re
import typing
from decimal import Decimal
from typing import Annotated, Any

import annotated_types
import pytest
from hintsamples import Color, Deep, Model, Point, Positive, Root, Sized, Wrapped, sample

from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import (
    ToolFunction,
    ToolSpec,
    bind_arguments,
    check_arguments,
    spec_from_function,
)


def add(a: int, b: float = 1.0) -> float:
    return a + b


def only(a: int, /, b: int, *, c: int) -> int:
    return a + b + c


@pytest.mark.parametrize("as_spec", [True, False], ids=["spec", "function"])
@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "argument", "match"),
    [
        (add, (), {}, "a", "missing, want int"),
        (add, (1, 2, 3), {}, "3", "surplus int, the tool takes at most 2"),
        (add, (1,), {"bb": 2}, "bb", 'none of this name: did you mean "b"'),
        (add, (1,), {"zzz": 2}, "zzz", "it takes a, b"),
        (add, (1,), {"a": 2}, "a", "given twice"),
        (add, ("1",), {}, "a", "want int, got str"),
        (add, (1.0,), {}, "a", "want int, got float"),
        (add, (True,), {}, "a", "want int, got bool"),
        (add, (None,), {}, "a", "want int.*, got None"),
        (add, (1,), {"b": "x"}, "b", "want float, got str"),
        (only, (1, 2), {}, "c", "missing"),
        (only, (), {"a": 1, "b": 2, "c": 3}, "a", "by position only"),
        (only, (1, 2, 3), {}, "3", "surplus"),
    ],
)
def test_a_bad_call_names_the_argument(fn, args, kwargs, argument, match, as_spec):
    target = spec_from_function(fn) if as_spec else fn
    with pytest.raises(ToolExecutionError, match=match) as caught:
        bind_arguments(target, args, kwargs)
    error = caught.value
    assert (error.error_type, error.tool_name) == ("ValidationError", fn.__name__)
    assert error.details["argument"] == argument
    assert f'argument "{argument}" of tool "{fn.__name__}"' in str(error)


def test_arguments_become_what_the_hints_ask_for():
    function = ToolFunction(sample)
    args, kwargs = function.bind([1, 2, "x", "y"], {"where": [{"x": 1}], "extra": b"z", "limit": 5})
    assert args == [1, 2.0, "x", "y"]
    assert type(args[1]) is float
    assert kwargs == {"where": [Point(1.0)], "extra": b"z", "limit": 5}
    assert bind_arguments(function, [1], {"where": None}) == ([1], {"where": None})


@pytest.mark.parametrize(
    ("kwargs", "argument", "path", "match"),
    [
        ({"where": [{"x": 1}, {"x": "a"}]}, "where", "$[1].x", "want float, got str"),
        ({"limit": 0}, "limit", "$", "greater than or equal to 1"),
        ({"rest": 1}, None, None, None),
    ],
)
def test_parts_of_arguments_are_named(kwargs, argument, path, match):
    if argument is None:
        assert ToolFunction(sample).bind([1], kwargs) == ([1], kwargs)
        return
    with pytest.raises(ToolExecutionError, match=match) as caught:
        ToolFunction(sample).bind([1], kwargs)
    assert caught.value.details == {"argument": argument, "path": path}


def test_constraints_inside_of_containers_are_checked():
    def f(items: list[Annotated[int, annotated_types.Ge(0)]]) -> int:
        return 0

    f.__annotations__["items"] = list[Annotated[int, annotated_types.Ge(0)]]
    function = ToolFunction(f)
    assert function.bind([[1, 2]], {}) == ([[1, 2]], {})
    with pytest.raises(ToolExecutionError, match="greater than or equal to 0") as caught:
        function.bind([[1, -2]], {})
    assert caught.value.details["path"] == "$[1]"


@pytest.mark.parametrize("hint", [Positive, typing.NewType("Key", Positive), list[Positive], Deep])
def test_constraints_behind_an_alias_are_checked(hint: Any):
    def f(v: Any) -> Any:
        return v

    f.__annotations__["v"] = hint
    given: Any = -1 if hint is not list[Positive] else [-1]
    with pytest.raises(ToolExecutionError, match='argument "v"'):
        ToolFunction(f).bind([given], {})


def test_constraints_around_a_model_leave_what_is_inside_of_it_to_the_model():
    def f(items: list) -> int:
        return 0

    f.__annotations__["items"] = Annotated[
        list[Model | Sized | Root | Wrapped], annotated_types.MaxLen(4)
    ]
    function = ToolFunction(f)

    given: list[Any] = [{"name": "a", "size": "2"}, Decimal("1.10"), [1], 3]
    made = [Model(name="a", size=2), Sized.NONE, Root([1]), Wrapped(a=3)]
    assert function.bind([given], {}) == ([made], {})
    with pytest.raises(ToolExecutionError, match="at most 4 items"):
        function.bind([given * 2], {})


@pytest.mark.parametrize("hint", [Root, Wrapped, int | str, Model, Color])
def test_an_argument_takes_the_none_that_is_its_default(hint: Any):
    def f(v: Any = None) -> Any:
        return v

    f.__annotations__["v"] = hint
    function = ToolFunction(f)

    assert function.spec.arguments[0].nullable
    check_arguments(function.spec, [None], {})
    assert function.bind([None], {}) == ([None], {})


def test_a_plain_text_for_a_value_with_a_form_of_its_own_in_json_is_refused_with_the_form():
    def f(at: dt.datetime, ids: dict[int, str], days: list[dt.date]) -> None: ...

    f.__annotations__ = {"at": dt.datetime, "ids": dict[int, str], "days": list[dt.date]}
    function = ToolFunction(f)
    form = re.escape('want datetime, got str; in JSON that is {"$datetime":"2024')

    with pytest.raises(ToolExecutionError, match=form):
        check_arguments(function.spec, ["2024-05-06", {}, []], {})
    with pytest.raises(ToolExecutionError, match=form):
        function.bind(["2024-05-06", {}, []], {})
    moment = dt.datetime(2024, 5, 6)  # noqa: DTZ001
    with pytest.raises(ToolExecutionError, match=re.escape('no texts is {"$map"')) as caught:
        function.bind([moment, {"1": "a"}, []], {})
    assert caught.value.details["path"] == "$[key 0]"
    with pytest.raises(ToolExecutionError, match=re.escape('is {"$date":"2024-05-06"}')) as caught:
        function.bind([moment, {1: "a"}, ["2024-05-06"]], {})
    assert caught.value.details["path"] == "$[0]"


def test_a_spec_that_declares_nothing_is_not_checked():
    check_arguments(ToolSpec(name="x"), (1, 2), {"a": 3})

    with pytest.raises(ToolExecutionError, match="surplus"):
        check_arguments(spec_from_function(lambda: None, name="x"), (1,), {})
