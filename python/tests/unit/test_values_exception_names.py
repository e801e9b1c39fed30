"""Attributes of exceptions that came under names which Python itself looks for in its exceptions."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
import traceback
from typing import Any

import pytest

from grpc_tool_bridge.values import Record, deserialize_value, serialize_value

NAMES = [
    "__reduce_ex__",
    "__reduce__",
    "__class__",
    "__dict__",
    "__cause__",
    "__context__",
    "__traceback__",
    "__suppress_context__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__setstate__",
    "__str__",
    "__toolbridge__",
    "with_traceback",
]


def sent(name: str) -> Record:
    return Record("ValueError", {"message": "no", "code": 7, name: 1})


@pytest.mark.parametrize("hint", [ValueError, Exception])
@pytest.mark.parametrize("name", NAMES)
def test_such_an_attribute_does_no_harm_and_goes_back_as_it_came(name: str, hint: Any) -> None:
    error = deserialize_value(serialize_value(sent(name)), hint)

    copies = [copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))]
    for each in (error, *copies):
        assert (type(each), each.args, str(each), each.code) == (ValueError, ("no",), "no", 7)
        assert deserialize_value(serialize_value(each)) == sent(name)
        assert traceback.format_exception(each) == ["ValueError: no\n"]
        assert each.with_traceback(None) is each


def test_an_exception_with_such_an_attribute_ends_a_future() -> None:
    async def raised() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(deserialize_value(serialize_value(sent("with_traceback")), ValueError))
        await future

    with pytest.raises(ValueError, match="no"):
        asyncio.run(raised())


@pytest.mark.parametrize("name", ["mro", "_private", "__half", "__notes__", "name", "derive"])
def test_other_names_are_attributes(name: str) -> None:
    error = deserialize_value(serialize_value(sent(name)), ValueError)

    assert vars(error) == {"code": 7, name: 1}


@dataclasses.dataclass
class TimedError(Exception):
    """An exception whose field is called as a method of exceptions is."""

    with_traceback: Any = None


def test_a_field_of_a_dataclass_has_the_name_that_its_class_gives_it() -> None:
    error = TimedError(5)

    assert deserialize_value(serialize_value(error), TimedError).with_traceback == 5
