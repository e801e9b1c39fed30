"""Models of pydantic called with JSON alone: what pydantic makes of it, and nothing of it is lost."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, convert, deserialize_value, serialize_value

MOMENT = "2024-05-06T07:08:09"
ID = "a2345678-1234-5678-1234-567812345678"


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Event:
    when: dt.datetime


class Entry(tx.TypedDict):
    when: dt.datetime


class Point(NamedTuple):
    lat: float
    lon: float


class Item(pydantic.BaseModel):
    x: int
    y: str = "z"


class Spot(NamedTuple):
    at: int
    item: Item


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore")
    a: int


class Early(pydantic.BaseModel):
    a: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def same(cls, given: Any) -> Any:
        return given


class Full(pydantic.BaseModel):
    a: int
    b: int


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    name: str = ""


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = ""


def _kind_of(given: Any) -> str:
    return str(given["kind"])


Pet = Annotated[
    Annotated[Cat, pydantic.Tag("cat")] | Annotated[Dog, pydantic.Tag("dog")],
    pydantic.Discriminator(_kind_of),
]
Told = Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]
Tree = tx.TypeAliasType("Tree", "dict[str, Tree] | list[Tree] | str | int | float | bool | None")


class Frozen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    x: int


def holder(hint: Any, **config: Any) -> Any:
    return pydantic.create_model(
        "Holder", __config__=pydantic.ConfigDict(**config), field=(hint, ...)
    )


@pytest.mark.parametrize(
    ("hint", "given"),
    [
        (int, "1"),
        (int, 1.0),
        (int, True),
        (bool, "yes"),
        (float, "1.5"),
        (float, 2**53),
        (bytes, "a"),
        (decimal.Decimal, 1.1),
        (decimal.Decimal | None, 5),
        (decimal.Decimal | str, 5),
        (list[decimal.Decimal | None], [5, None, 0.1]),
        (dt.datetime, 1),
        (dt.datetime, "2024-05-06"),
        (dt.date, "2024-05-06T00:00:00"),
        (dt.timedelta, 1.5),
        (dt.time, "07:08"),
        (list[dt.datetime] | None, [MOMENT]),
        (list[uuid.UUID] | None, [ID]),
        (dict[str, decimal.Decimal] | None, {"a": "1.5"}),
        (str | list[uuid.UUID], [ID]),
        (uuid.UUID, "1" * 32),
        (uuid.UUID, ID.replace("-", "")),
        (dict[int, str], {"1": "a", "2": "b"}),
        (dict[Level, str], {"1": "a"}),
        (dict[Color, str], {"red": "a"}),
        (dict[float, int], {"1.5": 1}),
        (dict[bool, int], {"true": 1}),
        (dict[dt.date, int], {"2024-05-06": 1}),
        (list[Color] | list[str], ["red"]),
        (set[int], ["1", 2]),
        (collections.deque[int], ["1"]),
        (tuple[int, str], ["1", "a"]),
        (Event, {"when": MOMENT}),
        (Entry, {"when": MOMENT}),
        (list[Event], [{"when": MOMENT}]),
        (Point, [1.5, 2]),
        (Point, {"lat": 1.5, "lon": 2}),
        (Tree, {"a": [1, {"b": None}]}),
        (Pet, {"kind": "dog"}),
        (list[Pet], [{"kind": "dog"}, {"kind": "cat"}]),
        (Told, {"kind": "dog", "name": "Rex"}),
        (Loose | Full, {"a": 1, "b": 2}),
        (Early | Full, {"a": 1, "b": 2}),
        (list[Loose | Full], [{"a": 1, "b": 2}, {"a": 1}]),
        (dict[str, Item], {"a": {"x": "1"}}),
    ],
    ids=str,
)
def test_what_pydantic_makes_of_json_is_made(hint, given):
    model = holder(hint)

    got = deserialize_value(serialize_value({"field": given}), model)

    assert repr(got) == repr(model.model_validate({"field": given}))


@pytest.mark.parametrize("hint", [Loose | Full, Early | Full, list[Loose] | Full], ids=str)
def test_a_union_outside_of_a_model_takes_the_one_that_leaves_no_field_over(hint):
    assert convert({"a": 1, "b": 2}, hint) == Full(a=1, b=2)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (list[Color] | list[str], ["red"]),
        (dict[str, Color] | dict[str, str], {"a": "red"}),
        (dict[Color, str] | dict[str, str], {"red": "a"}),
        (list[bytearray] | list[bytes], [b"red"]),
    ],
    ids=str,
)
def test_a_union_outside_of_a_model_leaves_texts_what_they_are(hint, value):
    assert convert(value, hint) == value
    assert repr(convert(value, hint)) == repr(value)


def test_an_alias_that_names_itself_in_a_text_is_what_it_stands_for():
    model = holder(Tree)
    value = model(field={"a": [1, {"b": None}]})

    assert deserialize_value(serialize_value(value), model) == value
    assert convert(value.field, Tree) == value.field
    with pytest.raises(SerializationError):
        convert({"a": b"no"}, Tree)


def test_what_the_configuration_allows_is_allowed():
    assert convert({"field": 1}, holder(str, coerce_numbers_to_str=True)).field == "1"
    with pytest.raises(SerializationError, match="want str, got int"):
        convert({"field": 1}, holder(str))


class Validated(pydantic.BaseModel):
    when: dt.datetime = dt.datetime(1, 1, 1)  # noqa: DTZ001
    color: Color = Color.RED
    item: Item | None = None
    items: list[Item] = []

    @pydantic.field_validator("when", mode="before")
    @classmethod
    def of_text(cls, given: str) -> dt.datetime:
        return dt.datetime.fromisoformat(given.replace("Z", "+00:00"))

    @pydantic.field_validator("color", mode="before")
    @classmethod
    def lower(cls, given: str) -> str:
        return given.lower()

    @pydantic.field_validator("item", mode="before")
    @classmethod
    def more(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "y": "more"}

    @pydantic.field_validator("items", mode="wrap")
    @classmethod
    def some(cls, given: Any, handler: Any) -> Any:
        return handler([each for each in given if each.get("x")])


class Whole(pydantic.BaseModel):
    item: Item
    n: int = 0

    @pydantic.model_validator(mode="before")
    @classmethod
    def count(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "n": given["item"]["x"]}


class Pair(pydantic.BaseModel):
    x: int
    y: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def of_text(cls, given: Any) -> Any:
        return dict(zip("xy", given.split(","), strict=True)) if isinstance(given, str) else given


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Validated, {"when": MOMENT + "Z"}),
        (Validated, {"color": "red"}),
        (Validated, {"color": "RED"}),
        (Validated, {"item": {"x": 1}}),
        (Validated, {"items": [{"x": 1}, {"x": 0}]}),
        (Whole, {"item": {"x": 1}}),
        (Pair, "1,2"),
        (Pair, {"x": 1, "y": "2"}),
    ],
    ids=str,
)
def test_validators_before_pydantic_are_given_the_json_as_it_came(model, given):
    assert convert(given, model) == model.model_validate(given)
    assert convert({"field": given}, holder(model)).field == model.model_validate(given)
    if isinstance(given, dict):  # of a record too, where a field came without a type
        assert convert(Record(model.__name__, given), model) == model.model_validate(given)


@pytest.mark.parametrize(
    ("hint", "given", "path", "message"),
    [
        (set[int], [1, 1], "$.field[1]", "is there twice"),
        (set[int], [1, "1"], "$.field[1]", "is there twice"),
        (set[Frozen], [{"x": 1}, {"x": 1}], "$.field[1]", "is there twice"),
        (set[Frozen], [{"x": 1, "z": 2}], "$.field[0].z", "too many"),
        (list[set[int]], [[1], ["1", 1]], "$.field[1][1]", "is there twice"),
        (dict[int, str], {"1": "a", "01": "b"}, "$.field[key 1]", "the key 1 is there twice"),
        (float, 2**53 + 1, "$.field", "no float can hold exactly"),
        (float, 10**400, "$.field", "no float can hold exactly"),
        (list[float], [1, 2**53 + 1], "$.field[1]", "no float can hold exactly"),
        (dict[int, float], {"1": 2**53 + 1}, '$.field["1"]', "no float can hold exactly"),
        (set[float], [1, 2**53 + 1], "$.field[1]", "no float can hold exactly"),
        (Spot, {"at": 1, "item": {"x": 1, "z": 2}}, "$.field.item.z", "too many"),
        (Item, {"x": 1, "z": 2}, "$.field.z", "too many"),
        (list[Item], [{"x": 1}, {"x": 1, "z": 2}], "$.field[1].z", "too many"),
        (Event, {"when": MOMENT, "z": 2}, "$.field.z", "too many"),
        (Entry, {"when": MOMENT, "z": 2}, "$.field.z", "too many"),
        (Pet, {"kind": "dog", "z": 2}, "$.field.z", "too many"),
        (Told, {"name": "Rex"}, "$.field", "discriminator 'kind', want 'cat' or 'dog'"),
        (Told, {"kind": "cow"}, "$.field.kind", "want 'cat' or 'dog', got"),
        (int, "x", "$.field", "want int, got str"),
        (list[dt.datetime] | None, ["x"], "$.field[0]", "want datetime"),
    ],
    ids=str,
)
def test_what_would_be_lost_is_refused_with_its_path(hint, given, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        convert({"field": given}, holder(hint))

    assert caught.value.path == path


class Mixed(pydantic.BaseModel):
    at: dt.datetime
    n: int = 0
    names: dict[int, str] = {}


def test_what_would_be_lost_beside_a_typed_value_is_refused_too():
    at = dt.datetime(2024, 5, 6)  # noqa: DTZ001
    with pytest.raises(SerializationError, match="the key 1 is there twice") as caught:
        convert({"at": at, "names": {"1": "a", "01": "b"}}, Mixed)

    assert caught.value.path == "$.names[key 1]"


class Former(pydantic.BaseModel):
    a: int = 0

    @pydantic.model_validator(mode="before")
    @classmethod
    def renamed(cls, given: Any) -> Any:
        given["a"] = given.pop("old", 0)
        return given


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    former: Former
    at: dt.datetime


@pytest.mark.parametrize("at", [MOMENT, dt.datetime(2024, 5, 6, 7, 8, 9)])  # noqa: DTZ001
def test_a_validator_that_changes_what_it_is_given_sees_it_once(at):
    given = {"former": {"old": 5}, "at": at}
    assert convert(given, Strict).former == Former(old=5)
    assert given == {"former": {"old": 5}, "at": at}


class Rates(pydantic.RootModel[list[float]]):
    pass


def test_in_a_dict_with_one_typed_value_the_others_are_read_as_of_json():
    at = dt.datetime(2024, 5, 6)  # noqa: DTZ001
    given = {"at": at, "n": "1", "names": {"1": "a"}}

    assert convert(given, Mixed) == Mixed(at=at, n=1, names={1: "a"})
    for refused in (Record("Mixed", given), {**given, "at": at.date()}):
        with pytest.raises(SerializationError):
            convert(refused, Mixed)


def test_a_model_of_one_value_loses_nothing():
    assert convert(["1", 2], Rates) == Rates([1.0, 2.0])
    with pytest.raises(SerializationError, match="no float can hold"):
        convert([2**53 + 1], Rates)


class Tagged(pydantic.BaseModel):
    tags: set[str]
    rates: list[float] = []

    @pydantic.field_validator("tags")
    @classmethod
    def without_spaces(cls, tags: set[str]) -> set[str]:
        return {tag.strip() for tag in tags}


def test_what_a_validator_drops_itself_is_not_lost():
    assert convert({"tags": ["a", " a"]}, Tagged) == Tagged(tags={"a"})
    with pytest.raises(SerializationError, match="is there twice"):
        convert({"tags": ["a", "a"]}, Tagged)


class Leaf(pydantic.BaseModel):
    left: Leaf | Branch | None = None


class Branch(pydantic.BaseModel):
    left: Leaf | Branch | None = None
    size: int = 0


def _nested(end: dict[str, Any]) -> dict[str, Any]:
    for _ in range(60):
        end = {"left": end}
    return end


def test_a_deep_tree_of_models_that_nothing_tells_apart_is_read_in_time():
    assert convert(_nested({"size": 1}), Leaf).left is not None


@pytest.mark.parametrize("end", [{"size": "x"}, {"none": 1}], ids=str)
def test_a_deep_tree_of_models_that_nothing_tells_apart_is_refused_in_time(end):
    with pytest.raises(SerializationError):
        convert(_nested(end), Leaf)
