from __future__ import annotations

import array
import asyncio
import collections
import collections.abc as abc
import dataclasses
import ipaddress
import os
import pathlib
import re
import types
import typing
import zoneinfo
from typing import Any, Literal, NamedTuple, TypedDict

import pyarrow as pa
import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError, ToolExecutionError
from grpc_tool_bridge.schema import json_schema, spec_from_function, type_name
from grpc_tool_bridge.schema.function import ToolFunction
from grpc_tool_bridge.values import Record, TimeNs, deserialize_value, serialize_value

PATH = pathlib.Path("a") / "b c.txt"


def arrive(value, hint=None):
    data = serialize_value(value, strict=True)
    return deserialize_value(data) if hint is None else deserialize_value(data, hint)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (range(0, 10, 2), range),
        (range(0), range),
        (range(7, 8), range),
        (range(5, -5, -3), range),
        (range(2**70, 2**70 + 3), range),
        (range(3), range | None),
        ([range(3), range(1, 9, 4)], list[range]),
        (array.array("q", [1, -(2**63)]), array.array),
        (array.array("Q", [1, 2**64 - 1]), array.array),
        (array.array("d", [1.5, -0.0]), array.array),
        (array.array("q"), array.array),
        (PATH, pathlib.Path),
        (PATH, type(PATH)),
        (PATH, os.PathLike),
        (PATH, os.PathLike[str]),
        ([PATH], list[pathlib.Path]),
        (pathlib.PurePosixPath("/a"), pathlib.PurePosixPath),
        (pathlib.PureWindowsPath("c:\\x"), pathlib.PureWindowsPath),
        (pathlib.PurePath("a"), pathlib.PurePath),
        (ipaddress.ip_address("1.2.3.4"), ipaddress.IPv4Address),
        (ipaddress.ip_address("fe80::1%eth0"), ipaddress.IPv6Address),
        (ipaddress.ip_network("10.0.0.0/8"), ipaddress.IPv4Network),
        (ipaddress.ip_network("fe80::/10"), ipaddress.IPv6Network),
        (ipaddress.ip_interface("10.0.0.1/8"), ipaddress.IPv4Interface),
        (ipaddress.ip_interface("fe80::1/64"), ipaddress.IPv6Interface),
        (zoneinfo.ZoneInfo("Europe/Rome"), zoneinfo.ZoneInfo),
        (collections.UserString("a"), collections.UserString),
        (collections.UserList([1, "a"]), collections.UserList),
        (collections.UserDict(b=1, a=2), collections.UserDict),
        (collections.ChainMap({"a": 1}), collections.ChainMap),
        (collections.OrderedDict(b=1, a=2), collections.OrderedDict),
        (collections.Counter("aab"), collections.Counter),
        (collections.deque([1, 2]), collections.deque),
        (types.MappingProxyType({"a": 1}), types.MappingProxyType),
        (types.MappingProxyType({"a": 1}), types.MappingProxyType[str, int]),
        ([1], typing.List),  # noqa: UP006 - the old spellings are hints too
        ({"a": 1}, typing.Dict),  # noqa: UP006
        ({1}, typing.Set),  # noqa: UP006
        ((1,), typing.Sequence),
        ([1], typing.Sequence[int]),
        ((1, 2), abc.Sequence[int]),
        ((1, 2), abc.Collection),
        ({1, 2}, abc.Collection[int]),
        (frozenset({1}), abc.Iterable[int]),
        ([1], abc.Container),
        ({"a": 1}, typing.Mapping),
        ({"a": 1}, typing.MutableMapping),
        ("x", tx.LiteralString),
        (None, Literal["a", None]),
    ],
    ids=repr,
)
def test_a_value_of_the_standard_library_comes_back_as_its_hint_asks(value, hint):
    made = arrive(value, hint)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("value", "untyped"),
    [
        (PATH, str(PATH)),
        (ipaddress.ip_address("1.2.3.4"), "1.2.3.4"),
        (zoneinfo.ZoneInfo("Europe/Rome"), "Europe/Rome"),
        (collections.UserString("a"), "a"),
        (collections.UserList([1]), [1]),
        (collections.ChainMap({"a": 1}), {"a": 1}),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 1, "a": 2}.values(), [1, 2]),
        ({"b": 1}.items(), [("b", 1)]),
        (range(2), [0, 1]),
    ],
    ids=repr,
)
def test_without_a_hint_it_is_what_every_language_has(value, untyped):
    made = arrive(value)
    assert made == untyped
    assert type(made) is type(untyped)


@pytest.mark.parametrize(
    ("value", "hint", "path", "match"),
    [
        ([1, 2, 4], range, "$[2]", "want 3, got 4: .* equal steps, here of 1"),
        ([1, 1], range, "$[1]", "got 1 twice"),
        ([5, 5, 6], range, "$[1]", "got 5 twice"),
        ([1, 2.0], range, "$[1]", "want int, of a range, got float"),
        ([True, False], range, "$[0]", "got bool"),
        ((1, 2), range, "$", "want range: a list of ints in equal steps, got tuple"),
        ({"a": [[1, 3, 4]]}, dict[str, list[range]], "$.a[0][2]", "want 5, got 4"),
        ([1, 2.0], array.array, "$[1]", "want int or float, the same for all"),
        (["a"], array.array, "$[0]", "got str"),
        ([True], array.array, "$[0]", "got bool"),
        ([2**64], array.array, "$[0]", "fits 64 bits"),
        ([1, 2**63, -1], array.array, "$[2]", "fits 64 bits"),
        ((1,), array.array, "$", "want array: a list"),
        (b"a", pathlib.Path, "$", "want Path: a str, got bytes"),
        ([None], list[pathlib.Path], "$[0]", "want Path: a str, got None"),
        ("1.2.3", ipaddress.IPv4Address, "$", "want IPv4Address: .*1.2.3"),
        ("10.0.0.1/8", ipaddress.IPv4Network, "$", "host bits"),
        ("Nowhere/Else", zoneinfo.ZoneInfo, "$", "want ZoneInfo: "),
        ("../../etc/passwd", zoneinfo.ZoneInfo, "$", "want ZoneInfo: "),
        ("abc", abc.Sequence[str], "$", "want Sequence, got str"),
        ({"a": 1}, abc.Iterable[str], "$", "want Iterable, got dict"),
        ((1, "x"), abc.Sequence[int], "$[1]", "want int, got str"),
        ({1}, abc.Sequence, "$", "want Sequence, got set"),
        ("a", re.Pattern, "$", "want Pattern, got str"),
        ([1], abc.Generator[int, None, None], "$", "want Generator, got list"),
        ({"a": 1}, abc.KeysView, "$", "want KeysView, got dict"),
        (1, slice, "$", "want slice, got int"),
        (1, abc.Callable, "$", "want Callable, got int"),
        ([1], types.MappingProxyType, "$", "want mappingproxy, got list"),
    ],
    ids=repr,
)
def test_what_is_no_such_thing_is_named_with_its_path(value, hint, path, match):
    with pytest.raises(SerializationError, match=match) as caught:
        arrive(value, hint)
    assert caught.value.path == path


def test_an_iterator_is_made_of_the_items_that_were_checked():
    assert list(arrive([1, 2], abc.Iterator[int])) == [1, 2]
    with pytest.raises(SerializationError) as caught:
        arrive([1, "x"], abc.Iterator[int])
    assert caught.value.path == "$[1]"


def test_a_defaultdict_makes_what_its_hint_says():
    made = arrive({"a": [1]}, collections.defaultdict[str, list[int]])
    made["b"].append(2)
    assert made == {"a": [1], "b": [2]}
    assert arrive({}, collections.defaultdict[str, int])["x"] == 0
    assert arrive({}, collections.defaultdict).default_factory is None
    assert arrive({}, collections.defaultdict[str, pathlib.Path]).default_factory is None


@pytest.mark.parametrize(
    ("hint", "name", "schema"),
    [
        (range, "list", {"type": "array", "items": {"type": "integer"}}),
        (array.array, "list", {"type": "array", "items": {"type": "number"}}),
        (pathlib.Path, "str", {"type": "string"}),
        (os.PathLike[str], "str", {"type": "string"}),
        (ipaddress.IPv4Address, "str", {"type": "string"}),
        (tx.LiteralString, "str", {"type": "string"}),
        (types.MappingProxyType, "dict", {"type": "object"}),
        (tx.ReadOnly[int], "int", {"type": "integer"}),
    ],
    ids=str,
)
def test_a_tool_says_what_it_takes_for_such_a_hint(hint, name, schema):
    assert type_name(hint) == (name, False)
    assert json_schema(hint) == schema


def test_a_tool_gets_what_its_hints_ask_for_and_refuses_by_argument():
    def walk(steps: range, where: pathlib.Path = PATH, *more: pathlib.Path) -> str: ...

    bound = ToolFunction(walk)
    assert bound.bind([[1, 3, 5], "x", "y"], {}) == (
        [range(1, 7, 2), pathlib.Path("x"), pathlib.Path("y")],
        {},
    )
    with pytest.raises(ToolExecutionError, match=r'"steps" of tool "walk": at \$\[2\]: want 5'):
        bound.bind([[1, 3, 6]], {})
    (steps, where, _) = spec_from_function(walk).arguments
    assert (steps.python_type, where.python_type) == ("list", "str")
    assert deserialize_value(where.default_value) == str(PATH)


def test_two_keys_that_travel_alike_are_refused_where_they_arrive():
    with pytest.raises(SerializationError, match="there twice"):
        arrive({PATH: 1, str(PATH): 2})


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter([1]),
        lambda: (i for i in ()),
        lambda: zip([1], [2], strict=True),
        lambda: [map(str, [1])],
    ],
)
def test_what_can_be_read_once_only_is_refused_and_not_sent_as_its_text(make):
    with pytest.raises(SerializationError, match="its text would lose what it holds"):
        serialize_value(make())


async def test_what_was_not_awaited_is_refused():
    with pytest.raises(SerializationError, match="Future is awaited first") as caught:
        serialize_value({"a": asyncio.get_running_loop().create_future()})
    assert caught.value.path == "$.a"


@dataclasses.dataclass
class Loose:
    count: int = None  # type: ignore[assignment]
    names: list[str] = None  # type: ignore[assignment]
    size: int = 3


class LoosePair(NamedTuple):
    left: int
    right: int = None  # type: ignore[assignment]


class LooseModel(pydantic.BaseModel):
    count: int = None  # type: ignore[assignment]
    maybe: int | None = None
    one: Literal["a", None] = None
    inner: list[LooseModel] = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "value",
    [
        Loose(),
        Loose(2, ["a"]),
        LoosePair(1),
        LoosePair(1, 2),
        LooseModel(),
        LooseModel(count=1, maybe=2, one="a", inner=[LooseModel(maybe=3)]),
    ],
    ids=repr,
)
def test_none_that_is_a_fields_own_default_comes_back(value):
    assert arrive(value, type(value)) == value
    assert arrive([value], list[type(value)]) == [value]


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        ({"size": None}, Loose, "$.size"),
        ({"left": None}, LoosePair, "$.left"),
        ({"count": "x"}, LooseModel, "$.count"),
    ],
)
def test_none_is_refused_where_it_is_no_default(value, hint, path):
    with pytest.raises(SerializationError) as caught:
        arrive(value, hint)
    assert caught.value.path == path


def test_a_null_that_was_given_stays_given_where_the_type_has_it():
    assert arrive({"maybe": None}, LooseModel).model_fields_set == {"maybe"}


class Priced(pydantic.BaseModel):
    cents: int

    @pydantic.field_validator("cents", mode="before")
    @classmethod
    def of_euros(cls, value: Any) -> Any:
        return value * 100

    @pydantic.model_validator(mode="after")
    def sane(self) -> Priced:
        if self.cents < 0:
            raise ValueError("a price below zero")
        return self


@dataclasses.dataclass
class Tagged:
    tag: str

    def __post_init__(self) -> None:
        self.tag += "!"


class TestWhatIsCheckedAgainOnArrival:
    def test_the_validators_of_a_model_run_on_what_arrives(self):
        """What comes is no validated model yet: whoever sends it may not be the program that validated it."""
        assert arrive(Priced(cents=1), Priced) == Priced.model_construct(cents=10_000)
        with pytest.raises(SerializationError, match="a price below zero"):
            arrive(Record("Priced", {"cents": -1}), Priced)

    def test_so_a_model_that_was_never_valid_is_refused(self):
        class Whole(pydantic.BaseModel):
            count: int

        with pytest.raises(SerializationError, match="want int, got str") as caught:
            arrive(Whole.model_construct(count="many"), Whole)
        assert caught.value.path == "$.count"

    def test_a_dataclass_is_made_by_its_constructor(self):
        assert arrive(Tagged("a"), Tagged).tag == "a!!"

    def test_without_a_hint_nothing_runs(self):
        assert arrive(Priced(cents=1)) == Record("Priced", {"cents": 100})


class Options(TypedDict, total=False):
    name: tx.Required[str]
    size: tx.ReadOnly[int]


def test_a_typed_dict_asks_for_what_is_required():
    assert arrive({"name": "n", "size": 1}, Options) == {"name": "n", "size": 1}
    with pytest.raises(SerializationError, match="no field 'name'"):
        arrive({"size": 1}, Options)
    with pytest.raises(SerializationError, match="want int, got str") as caught:
        arrive({"name": "n", "size": "x"}, Options)
    assert caught.value.path == "$.size"


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (pa.scalar(2**63, pa.uint64()), 2**63),
        (pa.scalar(1.5), 1.5),
        (pa.scalar(None), None),
        (pa.scalar(None, pa.int64()), None),
        (pa.scalar("a"), "a"),
        (pa.scalar("a").cast(pa.dictionary(pa.int8(), pa.string())), "a"),
        (pa.scalar(b"a", pa.binary_view()), b"a"),
        (pa.scalar(5, pa.time64("ns")), TimeNs(0, nanosecond=5)),
        (pa.scalar([1, None]), [1, None]),
        (pa.scalar([5], pa.list_(pa.time64("ns"))), [TimeNs(0, nanosecond=5)]),
        (pa.scalar({"a": [1.0]}), {"a": [1.0]}),
        (pa.scalar([("a", 1), ("a", 2)], pa.map_(pa.string(), pa.int8())), [("a", 1), ("a", 2)]),
        (pa.py_buffer(b"ab"), b"ab"),
    ],
    ids=str,
)
def test_a_scalar_of_pyarrow_is_the_value_that_it_holds(scalar, expected):
    made = arrive([scalar])
    assert made == [expected]
    assert type(made[0]) is type(expected)


def test_a_scalar_of_pyarrow_beyond_pythons_range_is_refused():
    with pytest.raises(
        SerializationError, match="TimestampScalar of pyarrow has no value"
    ) as caught:
        serialize_value([pa.scalar(2**62, pa.timestamp("s"))])
    assert caught.value.path == "$[0]"
