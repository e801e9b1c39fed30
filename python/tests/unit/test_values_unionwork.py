"""Unions in unions inside of pydantic's models: what pydantic would try too often is refused, and no more than that."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, RootModel
from typing_extensions import TypedDict

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, convert, deserialize_value, serialize_value
from grpc_tool_bridge.values.unionwork import WORK

DEEP = 60
_calls = {"Left": 0}


def counting(given: int) -> int:
    _calls["Left"] += 1
    return given


class Left(TypedDict):
    x: Annotated[int, AfterValidator(counting)]
    next: Left | Right | None


class Right(TypedDict):
    x: int
    next: Left | Right | None


class Third(TypedDict):
    x: int
    next: Third | Fourth | Fifth | None


class Fourth(TypedDict):
    x: int
    next: Third | Fourth | Fifth | None


class Fifth(TypedDict):
    x: int
    next: Third | Fourth | Fifth | None


class Pair(NamedTuple):
    x: int
    next: Pair | Twin | None


class Twin(NamedTuple):
    x: int
    next: Pair | Twin | None


@dataclasses.dataclass
class Add:
    x: int
    next: Add | Mul | None


@dataclasses.dataclass
class Mul:
    x: int
    next: Add | Mul | None


class Cat(BaseModel):
    x: int
    next: Cat | Dog | None


class Dog(BaseModel):
    x: int
    next: Cat | Dog | None


class Root(RootModel[Left | Right]):
    pass


class OfTwo(BaseModel):
    v: Left | Right


class OfThree(BaseModel):
    v: Third | Fourth | Fifth


class OfPairs(BaseModel):
    v: Pair | Twin


class OfClasses(BaseModel):
    v: Add | Mul


class OfModels(BaseModel):
    v: Cat | Dog


class Wide(BaseModel):
    v: list[Left | Right]


class Seen(BaseModel):
    v: Annotated[Left | Right, BeforeValidator(lambda given: given)]


class Numbers(TypedDict):
    next: Numbers | Figures | list[int]


class Figures(TypedDict):
    next: Numbers | Figures | list[int]


class OfNumbers(BaseModel):
    v: Numbers | Figures


class Inner(TypedDict):
    next: Inner | Leaf


class Leaf(TypedDict):
    leaf: int


class Tree(BaseModel):
    v: Inner | Leaf


class One(TypedDict):
    kind: Literal["one"]
    next: Annotated[One | Two, Field(discriminator="kind")] | None


class Two(TypedDict):
    kind: Literal["two"]
    next: Annotated[One | Two, Field(discriminator="kind")] | None


class Tagged(BaseModel):
    v: Annotated[One | Two, Field(discriminator="kind")]


class Early(TypedDict):
    x: int
    next: Annotated[Early | Late | None, Field(union_mode="left_to_right")]


class Late(TypedDict):
    y: int
    next: Annotated[Early | Late | None, Field(union_mode="left_to_right")]


class InOrder(BaseModel):
    v: Annotated[Early | Late, Field(union_mode="left_to_right")]


def chain(depth: int, last: Any = None, **fields: Any) -> Any:
    for _ in range(depth):
        last = {**fields, "next": last}
    return last


def records(depth: int, name: str, last: Any = None) -> Any:
    for _ in range(depth):
        last = Record(name, {"x": 1, "next": last})
    return last


def depth_of(made: Any) -> int:
    depth = 0
    while made is not None:
        made, depth = made["next"] if isinstance(made, dict) else made.next, depth + 1
    return depth


@pytest.mark.parametrize("depth", [20, 40, DEEP])
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (lambda depth: {"v": chain(depth, x=1)}, OfTwo),
        (lambda depth: Record("OfTwo", {"v": records(depth, "Right")}), OfTwo),
        (lambda depth: {"v": chain(depth, x=1)}, OfThree),
        (lambda depth: Record("OfThree", {"v": records(depth, "Fifth")}), OfThree),
        (lambda depth: Record("OfPairs", {"v": records(depth, "Twin")}), OfPairs),
        (lambda depth: chain(depth, x=1), Root),
        (lambda depth: chain(depth, x=1), Annotated[Left | Right, BeforeValidator(lambda v: v)]),
        (lambda depth: Record("Seen", {"v": records(depth, "Right", "no")}), Seen),
    ],
)
def test_what_pydantic_would_try_too_often_is_refused(value: Any, hint: Any, depth: int) -> None:
    with pytest.raises(
        SerializationError, match=rf"more than {WORK} times.*discriminator"
    ) as caught:
        convert([value(depth)], list[hint])
    assert caught.value.path == "$[0]"


def test_it_is_refused_before_it_is_tried_too_often() -> None:
    _calls["Left"] = 0
    with pytest.raises(SerializationError, match="unions inside"):
        convert({"v": chain(DEEP, x=1)}, OfTwo)
    assert 0 < _calls["Left"] < WORK


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"v": chain(10, x=1)}, OfTwo),
        (Record("OfTwo", {"v": records(10, "Right")}), OfTwo),
        ({"v": chain(8, x=1)}, OfThree),
        (Record("OfPairs", {"v": records(10, "Twin")}), OfPairs),
        (Record("Seen", {"v": records(10, "Right")}), Seen),
    ],
    ids=["json", "records", "three", "tuples", "validators"],
)
def test_ordinary_depths_are_taken(value: Any, hint: Any) -> None:
    made = convert(value, hint)
    assert depth_of(made.v) == (8 if hint is OfThree else 10)


def test_many_values_may_be_tried_more_often_than_one() -> None:
    many = [chain(9, x=1) for _ in range(150)]
    assert len(convert({"v": many}, Wide).v) == 150


def test_a_large_part_may_be_tried_less_often_than_a_small_one() -> None:
    items = list(range(5000))
    assert convert({"v": chain(6, items)}, OfNumbers).v == chain(6, items)
    assert convert({"v": chain(10, [1])}, OfNumbers).v == chain(10, [1])
    with pytest.raises(SerializationError, match="unions inside"):
        convert({"v": chain(11, items)}, OfNumbers)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"v": chain(DEEP, None, kind="two")}, Tagged),
        ({"v": chain(DEEP, x=1)}, InOrder),
        ({"v": chain(DEEP, x=1)}, OfClasses),
        (Record("OfClasses", {"v": records(DEEP, "Mul")}), OfClasses),
        ({"v": chain(DEEP, x=1)}, OfModels),
        (Record("OfModels", {"v": records(DEEP, "Dog")}), OfModels),
        ({"v": chain(DEEP, x=1)}, OfPairs),
    ],
)
def test_what_pydantic_tries_once_is_taken_however_deep(value: Any, hint: Any) -> None:
    assert depth_of(convert(value, hint).v) == DEEP


def test_members_that_hold_no_union_cost_nothing() -> None:
    deep = chain(DEEP, {"leaf": 1})
    assert convert({"v": deep}, Tree).v == deep


@pytest.mark.parametrize("names", [(Left, Right), (Add, Mul), (Cat, Dog), (Pair, Twin)])
def test_outside_of_models_nothing_is_tried_twice(names: Any) -> None:
    first, second = names
    assert depth_of(convert(chain(DEEP, x=1), first | second)) == DEEP
    sent = deserialize_value(serialize_value(records(DEEP, second.__name__)))
    assert depth_of(convert(sent, first | second)) == DEEP
