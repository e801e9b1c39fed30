"""Fields of pydantic's models are what was sent, of the type that they declare: pydantic has nothing to coerce.

What JSON alone writes says nothing of types: test_values_models_json.py has that.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import typing
import uuid
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional

import pydantic
import pydantic.alias_generators
import pydantic.dataclasses
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import EnumValue, Record, convert, deserialize_value, serialize_value

T = typing.TypeVar("T")
DAY = dt.datetime(2024, 5, 6)  # noqa: DTZ001 - as it is written in texts
ONE = uuid.UUID(int=1)


class Color(enum.Enum):
    RED = 1


class Wing(enum.Flag):
    LEFT = 1
    RIGHT = 2


def holder(hint: Any, **config: Any) -> Any:
    return pydantic.create_model(
        "Holder", __config__=pydantic.ConfigDict(**config), field=(hint, ...)
    )


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("hint", "given", "path"),
    [
        (set[int], ["1", 1], "$.field[0]"),
        (dict[int, str], {1: "a", "1": "b"}, "$.field[key 1]"),
        (int, "1", "$.field"),
        (int, 1.0, "$.field"),
        (int, True, "$.field"),
        (bool, 1, "$.field"),
        (str, b"a", "$.field"),
        (bytes, "a", "$.field"),
        (float, 2**53 + 1, "$.field"),
        (float, "1.5", "$.field"),
        (float, decimal.Decimal("1.10"), "$.field"),
        (decimal.Decimal, 1.1, "$.field"),
        (dt.datetime, 1, "$.field"),
        (dt.datetime, "1", "$.field"),
        (dt.datetime, "2024-05-06", "$.field"),
        (dt.datetime, dt.date(2024, 5, 6), "$.field"),
        (dt.date, DAY, "$.field"),
        (dt.date, "2024-05-06T00:00:00", "$.field"),
        (dt.timedelta, 1.5, "$.field"),
        (uuid.UUID, "1", "$.field"),
        (Literal[1], True, "$.field"),
        (Color, True, "$.field"),
        (Wing, -1, "$.field"),
        (list[int], (1,), "$.field"),
        (list[set[int]], [[1], ["1", 1]], "$.field[1][0]"),
        (int | None, "1", "$.field"),
        (int | float, "1", "$.field"),
        (Annotated[int, pydantic.Field(gt=0)], "1", "$.field"),
        (Annotated[int, pydantic.AfterValidator(abs)], "1", "$.field"),
    ],
    ids=str,
)
def test_another_value_is_refused_with_its_path(hint, given, path, strict):
    with pytest.raises(SerializationError) as caught:
        convert(Record("Holder", {"field": given}), holder(hint, strict=strict))

    assert caught.value.path == path


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("hint", "text", "want"),
    [
        (dt.datetime, "2024-05-06T00:00:00", DAY),
        (dt.datetime | None, "2024-05-06T00:00:00", DAY),
        (list[dt.date], ["2024-05-06"], [DAY.date()]),
        (dict[str, dt.timedelta], {"a": "PT1S"}, {"a": dt.timedelta(seconds=1)}),
        (tuple[dt.time, ...], ["01:02:03"], (dt.time(1, 2, 3),)),
        (uuid.UUID, str(ONE), ONE),
        (set[uuid.UUID], [str(ONE)], {ONE}),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
        (decimal.Decimal, 7, decimal.Decimal(7)),
        (list[dt.datetime] | None, ["2024-05-06T00:00:00"], [DAY]),
        (list[uuid.UUID] | None, [str(ONE)], [ONE]),
        (str | list[uuid.UUID], [str(ONE)], [ONE]),
        (dict[str, decimal.Decimal] | None, {"a": "1.5"}, {"a": decimal.Decimal("1.5")}),
        (decimal.Decimal | None, 5, decimal.Decimal(5)),
        (list[decimal.Decimal | None], [5, None], [decimal.Decimal(5), None]),
        (uuid.UUID, "1" * 32, uuid.UUID("1" * 32)),
        (str | dt.datetime, "2024-05-06T00:00:00", "2024-05-06T00:00:00"),
        (list[dt.date] | list[str], ["2024-05-06"], ["2024-05-06"]),
    ],
    ids=str,
)
def test_texts_are_read_where_nothing_else_is_asked_for(hint, text, want, strict):
    for given in ({"field": text}, Record("Holder", {"field": text})):
        got = convert(given, holder(hint, strict=strict)).field

        assert (type(got), repr(got)) == (type(want), repr(want))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (set[int] | list[int], [1]),
        (list[int] | set[int], {1}),
        (tuple[int, ...] | list[int], [1]),
        (list[set[int]] | list[list[int]], [[1]]),
        (list[float] | list[int], [1]),
        (dict[str, float] | dict[str, int], {"a": 1}),
        (frozenset[int] | typing.Sequence[int], [1]),
        (tuple[set[int], int] | tuple[list[int], int] | None, ([1], 2)),
    ],
    ids=str,
)
def test_of_a_union_the_member_is_taken_that_leaves_each_part_what_it_is(hint, value):
    for got in (convert(value, hint), convert({"field": value}, holder(hint)).field):
        assert repr(got) == repr(value)


def test_a_member_of_an_enumeration_is_made_its_own_value_and_not_one_that_equals_it():
    assert repr(convert(EnumValue("Far", "ONE", 1), float | int)) == "1"
    for equal in (decimal.Decimal(1), 1 + 0j, True, 1.0):
        with pytest.raises(SerializationError, match="want a member of Color"):
            convert(equal, Color)


def test_a_list_is_made_a_set_where_no_member_of_a_union_is_a_list():
    assert convert([1], set[int] | dict[str, int]) == {1}


class Row(pydantic.BaseModel):
    price: float
    note: str = ""


class Camel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(alias_generator=pydantic.alias_generators.to_camel)
    unit_price: float


class Several(pydantic.BaseModel):
    field: int = pydantic.Field(
        validation_alias=pydantic.AliasChoices("one", "two", pydantic.AliasPath("many", 0))
    )


class Deep(pydantic.BaseModel):
    a: int = pydantic.Field(validation_alias=pydantic.AliasPath("x", "a"))
    b: int = pydantic.Field(0, validation_alias=pydantic.AliasPath("x", "b"))


class Renamed(pydantic.BaseModel):
    field: int = pydantic.Field(alias="written", validation_alias="read")


class Swapped(pydantic.BaseModel):
    a: int = pydantic.Field(alias="b")
    b: int = pydantic.Field(alias="a")


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    a: int


class Closed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    a: int


class Left(pydantic.BaseModel):
    kind: Literal["left"] = "left"
    size: int


class Right(pydantic.BaseModel):
    kind: Literal["right"] = "right"
    size: int


class Sides(pydantic.BaseModel):
    side: Left | Right = pydantic.Field(discriminator="kind")
    sides: list[Annotated[Left | Right, pydantic.Field(discriminator="kind")]] = []


class Box(pydantic.BaseModel, Generic[T]):
    held: T
    more: list[T] = []
    next: Optional[Box[T]] = None  # noqa: UP045 - as the class is not there yet


class Table(pydantic.RootModel[dict[int, list[Row]]]):
    pass


class Counted(pydantic.BaseModel):
    a: int

    @pydantic.computed_field
    @property
    def twice(self) -> int:
        return self.a * 2


class Tree(pydantic.BaseModel):
    value: int
    parts: list[Tree] = []
    named: dict[str, Tree] = {}


@pydantic.dataclasses.dataclass
class Checked:
    a: int = pydantic.Field(alias="A")
    rows: list[Row] = dataclasses.field(default_factory=list)
    late: int = pydantic.Field(default=1, init=False)


@pydantic.dataclasses.dataclass(config=pydantic.ConfigDict(strict=True), frozen=True, slots=True)
class Frozen:
    a: int
    items: tuple[int, ...] = ()


@dataclasses.dataclass
class Noted:
    a: Annotated[int, pydantic.Field(gt=0)]


class Pair(NamedTuple):
    a: Annotated[int, pydantic.Field(gt=0)] = 1


class Keys(tx.TypedDict):
    a: Annotated[int, pydantic.Field(gt=0)]
    row: tx.NotRequired[Row]


class Kept(tx.TypedDict):
    __pydantic_config__ = pydantic.ConfigDict(extra="allow")  # type: ignore[misc]
    a: int


class All(pydantic.BaseModel):
    noted: Noted = Noted(1)
    pair: Pair = Pair(2)
    keys: Keys = {"a": 3, "row": Row(price=1.5)}
    checked: list[Checked] = [Checked(A=1)]
    color: Color = Color.RED
    secret: str = "x"


class Named(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(use_enum_values=True)
    color: Color


class Own(pydantic.BaseModel):
    tags: list[str] = []
    size: Annotated[int, pydantic.BeforeValidator(int)] = 0
    sizes: list[Annotated[int, pydantic.BeforeValidator(int)]] = []
    url: pydantic.AnyUrl = pydantic.AnyUrl("http://a/")
    secret: pydantic.SecretStr = pydantic.SecretStr("")
    parsed: pydantic.Json[list[int]] = [1]
    other: int = 0

    @pydantic.field_validator("tags", mode="before")
    @classmethod
    def split(cls, given: Any) -> Any:
        return given.split(",") if isinstance(given, str) else given


class After(pydantic.BaseModel):
    a: int
    items: list[int] = []

    @pydantic.model_validator(mode="after")
    def small(self) -> After:
        if self.a > 5:
            raise ValueError("too large")
        return self

    @pydantic.field_validator("items")
    @classmethod
    def without_nine(cls, items: list[int]) -> list[int]:
        if 9 in items:
            raise ValueError("a nine")
        return items


Box.model_rebuild()
Tree.model_rebuild()


@pytest.mark.parametrize(
    "value",
    [
        Camel(unitPrice=1.5),
        Several(one=1),
        Deep.model_construct(a=1, b=2),
        Renamed(read=1),
        Swapped(a=1, b=2),
        Open(a=1, z=2),
        Closed(a=1),
        Sides(side=Right(size=1), sides=[Left(size=2)]),
        Box[int](held=1, more=[2], next=Box[int](held=3)),
        Box[Row](held=Row(price=1.5)),
        Table({1: [Row(price=1.5)]}),
        Counted(a=1),
        Tree(value=1, parts=[Tree(value=2, named={"a": Tree(value=3)})]),
        Checked(A=1, rows=[Row(price=1.5)]),
        Frozen(a=1, items=(2,)),
        Noted(1),
        All(),
        Named(color=Color.RED),
        After(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_comes_back_whole(value):
    got = deserialize_value(serialize_value(value), type(value))

    assert type(got) is type(value)
    assert repr(got) == repr(value)


@pytest.mark.parametrize(
    ("given", "hint", "want"),
    [
        ({"unitPrice": 1.5}, Camel, Camel(unitPrice=1.5)),
        ({"unit_price": 1.5}, Camel, Camel(unitPrice=1.5)),
        ({"two": 2}, Several, Several(two=2)),
        ({"many": [3]}, Several, Several(many=[3])),
        ({"x": {"a": 1, "b": 2}}, Deep, Deep.model_construct(a=1, b=2)),
        ({"a": 1, "b": 2}, Swapped, Swapped(a=1, b=2)),
        ({"side": {"kind": "right", "size": 1}}, Sides, Sides(side=Right(size=1))),
        ({"a": 1, "twice": 2}, Counted, Counted(a=1)),
        ({1: [{"price": 1}]}, Table, Table({1: [Row(price=1.0)]})),
        ({"A": 1, "late": 5}, Checked, None),
        ({"a": 1, "b": (2,)}, Kept, {"a": 1, "b": (2,)}),
        (
            {"tags": "x,y", "size": "5", "sizes": ["1", 2], "url": "http://b/", "secret": "s"},
            Own,
            Own(tags=["x", "y"], size=5, sizes=[1, 2], url="http://b/", secret="s"),  # type: ignore[arg-type]
        ),
    ],
    ids=str,
)
def test_what_has_no_class_is_made_a_model(given, hint, want):
    got = convert(given, hint)

    if want is None:
        assert got.late == 5
    else:
        assert repr(got) == repr(want)


@pytest.mark.parametrize(
    ("given", "hint", "path", "message"),
    [
        ({"rows": [{"price": 1.5}, {}]}, dict[str, list[Row]], "$.rows[1].price", "no field 'price'"),
        ({"rows": [{"price": "x"}]}, dict[str, list[Row]], "$.rows[0].price", "want float, got str"),
        ({"unitPrice": "x"}, Camel, "$.unitPrice", "want float, got str"),
        ({}, Camel, "$.unitPrice", "no field 'unitPrice'"),
        (Record("Camel", {}), Camel, "$.unit_price", "no field 'unit_price'"),
        ({"one": 1, "two": 2}, Several, "$.two", "too many"),
        ({"x": {"a": "z"}}, Deep, "$.x.a", "want int, got str"),
        ({"written": 1}, Renamed, "$.written", "too many"),
        ({"read": 1, "field": 2}, Renamed, "$.field", "too many"),
        ({"a": 1, "z": "x"}, Open, "$.z", "want int, got str"),
        ({"a": 1, "z": 2}, Closed, "$.z", "too many"),
        ({"side": {"kind": "right", "size": "x"}}, Sides, "$.side.size", "want int, got str"),
        ({"side": {"kind": "right"}}, Sides, "$.side.size", "the value has no field 'size'"),
        ({"side": {"kind": "up", "size": 1}}, Sides, "$.side.kind", "want 'left' or 'right', got"),
        ({"held": "x"}, Box[int], "$.held", "want int, got str"),
        ({"a": 1, "twice": 7}, Counted, "$.twice", "want 2 as it is computed, got 7"),
        ({1: [{"price": "x"}]}, Table, "$[1][0].price", "want float, got str"),
        ({"value": 1, "parts": [{"value": 2, "named": {"a": {}}}]}, Tree, "$.parts[0].named.a.value", "no field"),
        ({"A": "x"}, Checked, "$.A", "want int, got str"),
        ({"a": 0}, Noted, "$.a", "greater than 0"),
        ({"noted": {"a": 0}}, All, "$.noted.a", "greater than 0"),
        ({"pair": {"a": 0}}, All, "$.pair.a", "greater than 0"),
        ({"keys": {"a": 0}}, All, "$.keys.a", "greater than 0"),
        ({"tags": [1]}, Own, "$.tags[0]", "want str, got int"),
        ({"sizes": [1, "x"]}, Own, "$.sizes[1]", "invalid literal"),
        ({"url": "zz"}, Own, "$.url", "valid URL"),
        ({"other": "x"}, Own, "$.other", "want int, got str"),
        ([{"a": 1}, {"a": 9}], list[After], "$[1]", "too large"),
        ([{"a": 1, "items": [9]}], list[After], "$[0].items", "a nine"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_a_model_is_named_as_it_was_sent(given, hint, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        convert(given, hint)

    assert caught.value.path == path
