"""Values that are easily changed without a word: each comes back as it was, or is refused with its path."""

from __future__ import annotations

import builtins
import dataclasses
import datetime as dt
import sys
from typing import Any, Generic, TypeVar, cast

import numpy as np
import pydantic
import pytest

from grpc_tool_bridge import SerializationError, deserialize_value, serialize_value
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import DateTimeNs, Record, TimeDeltaNs

T = TypeVar("T")
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001


def returned(value: object, hint: Any = None) -> Any:
    return deserialize_value(serialize_value(value), hint)


@dataclasses.dataclass
class Point:
    x: int


@dataclasses.dataclass
class Box(Generic[T]):
    first: T
    rest: list[T | None]


@dataclasses.dataclass
class Points(Box[Point]):
    name: str = ""


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Holder(pydantic.BaseModel):
    numbers: Numbers


class Account(pydantic.BaseModel):
    password: pydantic.SecretStr


class LostError(OSError):
    """Has a file, as every OSError may."""


class RefusedError(Exception):
    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("20000-01-01"),
        np.datetime64("-0005-01-01T00"),
        np.datetime64(1, "ps"),
        np.datetime64(1_001, "fs"),
        np.datetime64(1, "as"),
        np.timedelta64(1, "ps"),
        np.timedelta64(5, "M"),
        np.timedelta64(1, "Y"),
        np.timedelta64(5),
        np.timedelta64(10**12, "D"),
        np.timedelta64(10**18, "s"),
    ],
    ids=repr,
)
def test_a_moment_or_span_of_numpy_that_python_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(SerializationError) as refused:
        serialize_value({"rows": [value]})
    assert refused.value.path == "$.rows[0]"


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (np.datetime64(2_000, "ps"), DateTimeNs.of(EPOCH, 2)),
        (np.datetime64(10**15, "as"), EPOCH + dt.timedelta(milliseconds=1)),
        (np.datetime64(3, cast("Any", "25ns")), DateTimeNs.of(EPOCH, 75)),
        (np.timedelta64(-3, "W"), dt.timedelta(weeks=-3)),
        (np.timedelta64(7_000, "ps"), TimeDeltaNs(nanoseconds=7)),
        (np.timedelta64(-(2**62), "ns"), TimeDeltaNs(nanoseconds=-(2**62))),
    ],
    ids=repr,
)
def test_one_that_python_can_hold_comes_back_exactly(value: object, want: object) -> None:
    assert difference(want, returned(value)) == ""


def test_a_range_that_fits_no_message_is_refused_before_its_list_is_made() -> None:
    with pytest.raises(SerializationError, match="message too large") as refused:
        serialize_value({"rows": [range(10**30)]})
    assert refused.value.path == "$.rows[0]"


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "no", "a.txt"),
        OSError(18, "across", "a.txt", None, "b.txt"),
        LostError(5, "broken", "disk"),
        OSError("only a text"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        SyntaxError("invalid", ("f.py", 1, 3, "a b\n", 1, 4)),
        StopIteration(3),
        RefusedError(code=7),
    ],
    ids=repr,
)
def test_an_exception_keeps_what_python_keeps_beside_its_arguments(error: Exception) -> None:
    got = returned(error, type(error))
    assert type(got) is type(error)
    assert (str(got), got.args, vars(got)) == (str(error), error.args, vars(error))
    for name in ("filename", "filename2", "errno", "lineno", "text", "object", "reason", "value"):
        assert getattr(got, name, None) == getattr(error, name, None), name


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with 3.11")
def test_an_exception_that_cannot_be_made_is_refused_with_its_path() -> None:
    groups: Any = vars(builtins)["ExceptionGroup"]
    group = vars(builtins)["BaseExceptionGroup"]("both", [KeyboardInterrupt()])
    with pytest.raises(SerializationError, match="no ExceptionGroup can be made") as refused:
        returned({"why": group}, dict[str, groups])
    assert refused.value.path == "$.why"


def test_an_error_of_pydantic_is_refused_where_its_class_is_wanted() -> None:
    with pytest.raises(pydantic.ValidationError) as failed:
        Holder.model_validate({})
    with pytest.raises(SerializationError, match="no ValidationError can be made"):
        returned(failed.value, pydantic.ValidationError)


def test_a_root_model_comes_back_alone_and_inside_of_a_model() -> None:
    assert returned(Numbers([1, 2]), Numbers) == Numbers([1, 2])
    assert returned([1, 2], Numbers) == Numbers([1, 2])
    assert returned(Holder(numbers=Numbers([3])), Holder) == Holder(numbers=Numbers([3]))
    with pytest.raises(SerializationError) as refused:
        returned(Record("Numbers", {"root": [1, "x"]}), Numbers)
    assert refused.value.path == "$.root[1]"


def test_a_secret_is_never_sent_as_the_stars_that_it_shows() -> None:
    with pytest.raises(SerializationError, match="get_secret_value") as refused:
        serialize_value(Account(password=pydantic.SecretStr("x")))
    assert refused.value.path == "$.password"


def test_the_types_of_a_generic_class_hold_for_its_fields() -> None:
    assert returned(Box(Point(1), [Point(2), None]), Box[Point]) == Box(Point(1), [Point(2), None])
    with pytest.raises(SerializationError) as refused:
        returned(Box[Any](1, [2, "x"]), Box[int])
    assert refused.value.path == "$.rest[1]"


def test_those_that_a_class_gives_to_its_base_hold_too() -> None:
    value = Points(Point(1), [Point(2)], "two")
    assert returned(value, Points) == value
    with pytest.raises(SerializationError) as refused:
        returned(Record("Points", {"first": 1, "rest": []}), Points)
    assert refused.value.path == "$.first"
