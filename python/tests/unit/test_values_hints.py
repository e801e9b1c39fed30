# ruff: noqa: DTZ001, UP007, UP045 - datetimes without a zone and both forms of unions are tested
from __future__ import annotations

import collections
import collections.abc as abc
import dataclasses
import datetime as dt
import enum
import typing
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import numpy as np
import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    EnumValue,
    Record,
    classes,
    convert,
    deserialize_value,
    from_json,
    register,
    serialize_value,
)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Line:
    points: list[Point]
    color: Color = Color.RED
    length: int = dataclasses.field(init=False, default=0)


class Pair(NamedTuple):
    left: int
    right: Optional[str] = None


class Options(TypedDict):
    name: str
    size: tx.NotRequired[int]


class Inner(pydantic.BaseModel):
    value: int


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    anything: Any = None
    several: list[Any] = []
    by_name: dict[str, Any | None] = {}
    maybe: Inner | None = None
    either: Inner | int = 0
    nested: list[Inner] = []
    other: int = pydantic.Field(0, alias="otherName")


class Model(pydantic.BaseModel):
    name: str
    inner: list[Inner] = []


class OddError(Exception):
    pass


Key = typing.NewType("Key", str)
T = typing.TypeVar("T", bound=int)
Node = tx.TypeAliasType("Node", list[int])


def decode(value, hint):
    return deserialize_value(serialize_value(value), hint)


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, Any, 1),
        (1, int, 1),
        (1, float, 1.0),
        (1, complex, 1 + 0j),
        (1.5, complex, 1.5 + 0j),
        (1.5, object, 1.5),
        (None, None, None),
        (None, Optional[int], None),
        (3, Optional[float], 3.0),
        (3, int | str, 3),
        ("a", Union[int, str], "a"),
        (1, Union[float, str], 1.0),
        (b"x", bytearray, bytearray(b"x")),
        ([1, 2], list[float], [1.0, 2.0]),
        ([1], list, [1]),
        ([1, 2], tuple[int, float], (1, 2.0)),
        ((1, 2), tuple[float, ...], (1.0, 2.0)),
        ([1], tuple, (1,)),
        ([], tuple[()], ()),
        ([1, 2], set[int], {1, 2}),
        ({1}, frozenset[int], frozenset({1})),
        ([1], abc.Set[int], frozenset({1})),
        ([1], collections.deque[int], collections.deque([1])),
        ((1,), abc.Sequence[int], (1,)),
        ({1}, abc.Iterable[int], {1}),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"a": 1}, abc.Mapping[str, int], {"a": 1}),
        ({"a": 1}, collections.OrderedDict[str, int], collections.OrderedDict(a=1)),
        ({"a": 1}, collections.Counter[str], collections.Counter("a")),
        ({"a": 1}, dict, {"a": 1}),
        ({"name": "n"}, Options, {"name": "n"}),
        ("red", Literal["red", 1], "red"),
        (Color.RED, Literal[Color.RED], Color.RED),
        (Color.RED, Color, Color.RED),
        ("blue", Color, Color.BLUE),
        (Access.READ | Access.WRITE, Access, Access.READ | Access.WRITE),
        (5, Annotated[int, "count"], 5),
        ("k", Key, "k"),
        (5, T, 5),
        ([5], Node, [5]),
        (Point(1.0), Point, Point(1.0)),
        ({"x": 1}, Point, Point(1.0)),
        (Line([Point(1.0)]), Line, Line([Point(1.0)])),
        ([Point(1.0)], list[Point], [Point(1.0)]),
        ({"a": Point(2.0)}, dict[str, Point], {"a": Point(2.0)}),
        (Pair(1), Pair, Pair(1)),
        ({"left": 1, "right": "r"}, Pair, Pair(1, "r")),
        (Model(name="n", inner=[Inner(value=1)]), Model, Model(name="n", inner=[Inner(value=1)])),
        ({"name": "n"}, Model, Model(name="n")),
        (Point(1.0), Record, Record("Point", {"x": 1.0, "y": 0.0})),
        (Color.RED, EnumValue, EnumValue("Color", "RED", "red")),
        (dt.date(2024, 1, 1), dt.date, dt.date(2024, 1, 1)),
        (dt.datetime(2024, 1, 1), dt.datetime, dt.datetime(2024, 1, 1)),
        (Decimal(1), Decimal, Decimal(1)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_becomes_what_the_hint_asks_for(value, hint, expected):
    made = decode(value, hint)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "path", "match"),
    [
        (1.0, int, "$", "want int, got float"),
        (True, int, "$", "want int, got bool"),
        (True, float, "$", "want float, got bool"),
        (1, bool, "$", "want bool, got int"),
        (1, str, "$", "want str, got int"),
        (None, int, "$", "want int, got None"),
        (10**400, float, "$", "no float can hold exactly"),
        ("x", int | float, "$", "want int or float, got str"),
        ([1, "x"], list[int], "$[1]", "want int, got str"),
        ({"rows": [{"x": "a"}]}, dict[str, list[Point]], "$.rows[0].x", "want float, got str"),
        ([[1], None], Optional[list[list[int]]], "$[1]", "want list, got None"),
        ((1, 2), tuple[int], "$", "1 items, got 2"),
        ((1, "x"), tuple[int, int], "$[1]", "want int"),
        ({"a"}, set[int], "$[0]", "want int, got str"),
        ((1,), list[int], "$", "want list, got tuple"),
        (1, tuple, "$", "want tuple, got int"),
        ([[1]], set[list[int]], "$", "can be made"),
        ([1], dict[str, int], "$", "want dict, got list"),
        ({"a": 1}, dict[int, int], "$[key 0]", "want int, got str"),
        ({1: "x", 2: 3}, dict[int, str], "$[2]", "want str, got int"),
        ({1: 0, "red": 1, Record("C", {}): 2}, dict[Any, str], "$[1]", "want str, got int"),
        (
            {"red": 0, EnumValue("C", "RED", "red"): 1},
            dict[Color, int],
            "$[key 1]",
            "is there twice",
        ),
        ({(1, "a"): 2}, dict[Any, str], '$[{"$tuple":[1,"a"]}]', "want str, got int"),
        ({"x" * 50: 2}, dict[str, str], '$["' + "x" * 48 + '"…]', "want str, got int"),
        ({"a": 1}, list, "$", "want list, got dict"),
        ("green", Color, "$", "want a member of Color"),
        ("green", Literal["red", "blue"], "$", "want 'red' or 'blue'"),
        ({"z": 1}, Point, "$.x", "no field 'x'"),
        ({"x": 1, "z": 1}, Point, "$.z", "field 'z' too many"),
        (1, Point, "$", "want Point, got int"),
        ({"size": 1}, Options, "$.name", "no field 'name'"),
        ({"left": "a"}, Pair, "$.left", "want int"),
        ({"name": "n", "inner": [{"value": "x"}]}, Model, "$.inner[0].value", "want int, got str"),
        (dt.datetime(2024, 1, 1), dt.date, "$", "want date, got datetime"),
        (Point(1.0), int, "$", "want int, got Record Point"),
        (1, abc.Callable[[int], int], "$", "want Callable"),
        (1, type[int], "$", "use Any"),
        (1, typing.ForwardRef("Nowhere"), "$", "give the class itself"),
        (1, np.ndarray, "$", "want numpy.ndarray, got int"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_named_with_its_path(value, hint, path, match):
    with pytest.raises(SerializationError, match=match) as caught:
        decode(value, hint)
    assert caught.value.path == path


def test_convert_works_on_values_that_were_decoded_already():
    assert convert([1], list[float]) == [1.0]
    with pytest.raises(SerializationError, match="want int"):
        convert("a", int)


def test_a_hint_that_cannot_be_read_is_said():
    @dataclasses.dataclass
    class Broken:
        x: Nowhere  # noqa: F821

    with pytest.raises(SerializationError, match="hints of Broken"):
        convert({"x": 1}, Broken)


def test_exceptions_are_made_without_running_their_constructors():
    error = OddError("no")
    error.code = 7
    made = decode(error, OddError)
    assert type(made) is OddError
    assert (str(made), made.code) == ("no", 7)


class CodedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@pytest.mark.parametrize(
    "error",
    [
        KeyError("k"),
        KeyError("k", 3),
        ValueError(),
        ValueError(5),
        ValueError("no", {"a": (1,)}),
        CodedError(7, "no"),
        OddError("no"),
    ],
    ids=repr,
)
def test_exceptions_come_back_with_the_arguments_that_they_were_made_of(error):
    made = decode(error, type(error))
    assert (type(made), made.args, vars(made)) == (type(error), error.args, vars(error))
    assert str(made) == str(error)


def test_an_exception_whose_text_needs_its_constructor_comes_back_all_the_same():
    class FussyError(Exception):
        def __init__(self, secret: str) -> None:
            self._secret = secret

        def __str__(self) -> str:
            return self._secret

    assert type(decode(FussyError("s"), FussyError)) is FussyError


class TestRegister:
    @pytest.fixture(autouse=True)
    def registry(self, monkeypatch):
        monkeypatch.setattr(classes, "_registered", {})

    def test_registered_classes_come_back_without_a_hint(self):
        register(Point)
        register(Color)
        value = {"p": Point(1.5), "c": [Color.BLUE], "o": Pair(1)}
        assert deserialize_value(serialize_value(value)) == {
            "p": Point(1.5),
            "c": [Color.BLUE],
            "o": Record("Pair", {"left": 1, "right": None}),
        }
        assert deserialize_value(serialize_value(value["p"]), Point) == Point(1.5)
        assert from_json('{"$record":{"class_name":"Point","fields":{"x":1}}}') == Point(1.0)

    def test_it_is_a_decorator_and_takes_another_name(self):
        @register(name="acme.Spot")
        @dataclasses.dataclass
        class Spot:
            x: int

        record = Record("acme.Spot", {"x": 1})
        assert deserialize_value(serialize_value(record)) == Spot(1)

    def test_nothing_else_may_be_registered(self):
        with pytest.raises(TypeError, match="int is no dataclass"):
            register(int)

    def test_two_classes_cannot_share_a_name(self):
        register(Point)
        register(Point)
        with pytest.raises(ValueError, match="'Point' is registered"):
            register(name="Point")(Pair)

    def test_a_record_that_does_not_fit_its_class_is_an_error(self):
        register(Point)
        with pytest.raises(SerializationError, match="no field 'x'") as caught:
            deserialize_value(serialize_value([Record("Point", {})]))
        assert caught.value.path == "$[0].x"


def test_a_model_leaves_records_where_anything_may_stand():
    record = Record("Stranger", {"x": EnumValue("Color", "RED", 1)})
    model = Loose(
        anything=record,
        several=[record, (record,)],
        by_name={"a": record},
        maybe=Inner(value=1),
        either=Inner(value=2),
        nested=[Inner(value=3)],
        otherName=4,
        surplus=record,
    )
    assert convert(deserialize_value(serialize_value(model)), Loose) == model
    assert convert({"otherName": 4}, Loose).other == 4


@pytest.mark.parametrize("hint", ["Point", list["Point"], dict[str, "Point"], Optional["Point"]])
def test_a_hint_that_is_a_text_says_what_to_give(hint):
    value = (
        1 if hint in ("Point", Optional["Point"]) else [1] if hint == list["Point"] else {"a": 1}
    )

    with pytest.raises(SerializationError, match=r"'Point' is a text, .* give the class itself"):
        convert(value, hint)
