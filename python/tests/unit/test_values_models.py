"""Models of pydantic get what was sent: neither another value, nor less of it."""

from __future__ import annotations

import collections
import dataclasses
import enum
import ipaddress
import pathlib
import typing
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pydantic
import pydantic.dataclasses
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    EnumValue,
    Record,
    classes,
    convert,
    deserialize_value,
    register,
    serialize_value,
)


class Color(enum.Enum):
    RED = 1
    GREEN = "g"


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


Hue = NewType("Hue", Color)
Tone = tx.TypeAliasType("Tone", Color)
X = typing.TypeVar("X")
Several = tx.TypeAliasType("Several", list[X], type_params=(X,))


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    color: Color = Color.RED


@dataclasses.dataclass(frozen=True)
class Spot:
    x: int
    color: Color = Color.RED


@pydantic.dataclasses.dataclass
class Checked:
    x: int


class Pair(NamedTuple):
    left: int
    color: Color = Color.RED


class Keys(tx.TypedDict):
    x: int
    color: tx.NotRequired[Color]


class Animal(pydantic.BaseModel):
    name: str


class Dog(Animal):
    tricks: int = 0


class Cat(Animal):
    tricks: int = 0


class Frozen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    x: int


class Numbers(pydantic.RootModel[dict[str, list[int]]]):
    pass


def loose(hint: Any, **config: Any) -> Any:
    return pydantic.create_model(
        "Holder",
        __config__=pydantic.ConfigDict(arbitrary_types_allowed=True, **config),
        field=(hint, ...),
    )


def strict(hint: Any) -> Any:
    return loose(hint, strict=True)


def strict_field(hint: Any) -> Any:
    return loose(Annotated[hint, pydantic.Field(strict=True)])


def takes_strictness(hint: Any) -> bool:
    try:
        return bool(strict_field(hint))
    except (TypeError, RuntimeError):  # pydantic has no way to make it so
        return False


def sent(value: Any) -> Any:
    return deserialize_value(serialize_value(value))


SAME = [
    (int | Color, Color.RED),
    (int | Color, 1),
    (Color | int, 1),
    (int | Color | None, Color.RED),
    (int | Color | None, None),
    (str | Color, Color.GREEN),
    (int | Literal[Color.RED], Color.RED),
    (Color | Shade, Shade.RED),
    (Shade | Color, Shade.RED),
    (list[int | Color], [1, Color.RED]),
    (dict[str, Color | int], {"a": Color.RED, "b": 1}),
    (Literal[Color.RED], Color.RED),
    (Literal[Color.RED, "x"], "x"),
    (dict[Color, int], {Color.RED: 1}),
    (dict[Point, Color], {Point(1): Color.RED}),
    (tuple[int, Color], (1, Color.RED)),
    (tuple[Color, ...], (Color.RED, Color.GREEN)),
    (list[Annotated[Color, "note"]], [Color.RED]),
    (Hue, Color.RED),
    (Tone, Color.RED),
    (Several[Color], [Color.RED]),
    (list[Hue | int], [Color.RED, 1]),
    (Level, Level.LOW),
    (set[Color], {Color.RED, Color.GREEN}),
    (frozenset[Point], frozenset({Point(1), Point(2)})),
    (set[Frozen], {Frozen(x=1), Frozen(x=2)}),
    (Point, Point(1, Color.GREEN)),
    (Point | Spot, Spot(1)),
    (list[Point | Spot], [Point(1), Spot(1)]),
    (Checked, Checked(1)),
    (Pair, Pair(1, Color.GREEN)),
    (Keys, {"x": 1, "color": Color.RED}),
    (pathlib.Path, pathlib.Path("a/b")),
    (pathlib.Path | int, pathlib.Path("a/b")),
    (pathlib.Path | None, None),
    (ipaddress.IPv4Address, ipaddress.IPv4Address("10.0.0.1")),
    (collections.deque[Color], collections.deque([Color.RED])),
    (collections.OrderedDict[str, int], collections.OrderedDict(b=1, a=2)),
    (collections.Counter[str], collections.Counter("aab")),
    (collections.defaultdict[str, list[int]], collections.defaultdict(list, {"a": [1]})),
    (range, range(0, 6, 2)),
    (bytearray, bytearray(b"x")),
    (Animal, Animal(name="a")),
    (Dog | Cat, Cat(name="a")),
    (list[Dog | Cat], [Cat(name="a"), Dog(name="b", tricks=1)]),
    (Numbers, Numbers({"a": [1]})),
    (Numbers | None, Numbers({"a": [1]})),
    (Annotated[Dog | Cat, pydantic.Field(union_mode="left_to_right")], Cat(name="a")),
]


CASES = [
    *((loose, *case) for case in SAME),
    *((strict, *case) for case in SAME),
    *((strict_field, *case) for case in SAME if takes_strictness(case[0])),
]


@pytest.mark.parametrize(("model", "hint", "value"), CASES, ids=str)
def test_a_field_holds_what_was_sent(model, hint, value):
    # given
    cls = model(hint)
    # when
    back = convert(sent(cls(field=value)), cls)
    # then
    assert (type(back.field), back.field) == (type(value), value)
    if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        assert {type(item) for item in back.field} == {type(item) for item in value}


@pytest.mark.parametrize(
    ("hint", "given", "want"),
    [
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 2], {1, 2}),
        (Color, "g", Color.GREEN),
        (dict[Color, int], {"g": 1}, {Color.GREEN: 1}),
        (pathlib.Path, "a/b", pathlib.Path("a/b")),
        (Point, {"x": 1, "color": "g"}, Point(1, Color.GREEN)),
        (list[Point], [{"x": 1}], [Point(1)]),
        (Animal, {"name": "a"}, Animal(name="a")),
        (Dog | int, {"name": "a", "tricks": 2}, Dog(name="a", tricks=2)),
        (Pair, {"left": 1}, Pair(1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", [loose, strict], ids=lambda make: make.__name__)
def test_what_json_has_no_type_for_is_made_of_what_it_has(model, hint, given, want):
    back = convert({"field": given}, model(hint))
    assert (type(back.field), back.field) == (type(want), want)


@pytest.mark.parametrize("model", [loose, strict], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("hint", "given", "path", "message"),
    [
        (set[str], ["a", "b", "a"], "$.field[2]", "the item 'a' is there twice"),
        (frozenset[int], [1, 1], "$.field[1]", "the item 1 is there twice"),
        (set[Frozen], [{"x": 1}, {"x": 1}], "$.field[1]", "is there twice"),
        (Literal[Color.RED], EnumValue("Color", "RED", 2), "$.field", "want Color.RED of value 1"),
        (Literal[Color.RED], EnumValue("Color", "BLUE", 2), "$.field", "want <Color.RED: 1>"),
        (dict[Color, int], {EnumValue("Color", "BLUE", 2): 1}, "$.field[key 0]", "Color"),
        (dict[int, int], {1: 1, "a": 2}, "$.field[key 1]", "want int, got str"),
        (int | list[int], {"a": 1}, "$.field", "int or list"),
        (list[int | list[str]], [1, [b"\xff"]], "$.field[1][0]", "want str, got bytes"),
        (dict[str, list[int]], {"a b": [1, "x"]}, '$.field["a b"][1]', "want int, got str"),
        (Animal, {"name": "a", "age": 1}, "$.field.age", "has a field 'age' too many"),
        (Animal, Dog(name="a"), "$.field.tricks", "has a field 'tricks' too many"),
        (list[Animal], [{"name": "a", "age": 1}], "$.field[0].age", "has a field 'age' too many"),
        (Dog | Cat, {"name": "a", "age": 1}, "$.field.age", "has a field 'age' too many"),
        (
            Dog | Cat,
            Record("Bird", {"name": "a", "age": 1}),
            "$.field.age",
            "for Dog has a field 'age'",
        ),
        (Point, {"x": 1, "y": 1}, "$.field.y", "has a field 'y' too many"),
        (Point, Record("Far", {"x": 1, "y": 1}), "$.field.y", "has a field 'y' too many"),
        (Checked, {"x": 1, "y": 1}, "$.field.y", "has a field 'y' too many"),
        (Pair, {"left": 1, "y": 1}, "$.field.y", "has a field 'y' too many"),
        (Keys, {"x": 1, "y": 1}, "$.field.y", "has a field 'y' too many"),
        (Keys, {"x": "?"}, "$.field.x", "want int, got str"),
        (Animal, {}, "$.field.name", "has no field 'name'"),
        (tuple[int, Color], [1], "$.field", "want a tuple of 2 items, got 1"),
        (Numbers, {"a": [b"\xff"]}, "$.field.a[0]", "want int, got bytes"),
    ],
    ids=str,
)
def test_what_does_not_fit_a_field_is_refused_with_its_path(model, hint, given, path, message):
    with pytest.raises(SerializationError, match=message) as caught:
        convert({"field": sent(given)}, model(hint))
    assert caught.value.path == path


def test_a_class_may_say_itself_what_happens_to_fields_that_it_lacks():
    class Indifferent(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="ignore")
        name: str

    class Old(pydantic.BaseModel):
        name: str

        @pydantic.model_validator(mode="before")
        @classmethod
        def renamed(cls, given: Any) -> Any:
            return {"name": given.pop("label")} if "label" in given else given

    class Elsewhere(pydantic.BaseModel):
        name: str = pydantic.Field(validation_alias=pydantic.AliasChoices("name", "label"))

    for cls, fields in (
        (Indifferent, {"name": "a", "age": 1}),
        (Old, {"label": "a"}),
        (Elsewhere, {"label": "a"}),
    ):
        assert convert(dict(fields), cls).name == "a"
        assert convert({"field": [fields]}, loose(list[cls])).field[0].name == "a"


def test_the_path_of_a_field_is_the_name_that_was_sent():
    class Renamed(pydantic.BaseModel):
        inner: list[int] = pydantic.Field(alias="innerName")

    for name in ("inner", "innerName"):
        with pytest.raises(SerializationError) as caught:
            convert({"field": {name: [1, "x"]}}, loose(Renamed))
        assert caught.value.path == f"$.field.{name}[1]"


def test_whatever_a_validator_raises_is_said_with_the_value_that_it_is_about():
    class Touchy(pydantic.BaseModel):
        name: str

        @pydantic.field_validator("name")
        @classmethod
        def short(cls, name: str) -> str:
            return name[:1].nothing

    @dataclasses.dataclass
    class Sour:
        name: str

        def __post_init__(self) -> None:
            raise KeyError(self.name)

    with pytest.raises(SerializationError, match=r"no Touchy: .*nothing"):
        convert({"name": "a"}, Touchy)
    with pytest.raises(SerializationError, match="no Sour can be made of it: 'a'") as caught:
        convert([{"name": "a"}], list[Sour])
    assert caught.value.path == "$[0]"


def test_an_outer_validator_sees_a_dict_as_it_came():
    class Outer(pydantic.BaseModel):
        inner: Animal
        tags: tuple[str, ...]

        @pydantic.field_validator("inner", mode="before")
        @classmethod
        def named(cls, given: Any) -> Any:
            return {"name": given} if isinstance(given, str) else given

        @pydantic.field_validator("tags", mode="before")
        @classmethod
        def split(cls, given: Any) -> Any:
            return given.split(",") if isinstance(given, str) else given

    assert convert({"inner": "a", "tags": "x,y"}, Outer) == Outer(
        inner=Animal(name="a"), tags=("x", "y")
    )


def test_a_deep_tree_of_models_is_made_in_time():
    class Add(pydantic.BaseModel):
        left: Add | Mul | int
        op: Literal["add"]

    class Mul(pydantic.BaseModel):
        left: Add | Mul | int
        op: Literal["mul"]

    Add.model_rebuild(_types_namespace={"Add": Add, "Mul": Mul})
    Mul.model_rebuild(_types_namespace={"Add": Add, "Mul": Mul})
    tree: Any = 1
    for _ in range(40):
        tree = Mul(left=tree, op="mul")
    assert convert(sent(tree), Mul) == tree


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Point | Spot, Spot(1)),
        (Annotated[Point, 1] | Annotated[Spot, 2], Spot(1)),
        (Color | Shade, Shade.RED),
        (Dog | Cat, Cat(name="a")),
        (dict[str, Point | Spot], {"a": Spot(1), "b": Point(2)}),
        (int | Literal[Color.RED], Color.RED),
        (Several[Several[int]], [[1], [2]]),
        (Several[Point] | None, [Point(1)]),
    ],
    ids=str,
)
def test_a_union_makes_of_a_record_the_class_of_its_name(hint, value):
    back = convert(sent(value), hint)
    assert (type(back), back) == (type(value), value)
    if isinstance(value, dict):
        assert [type(item) for item in back.values()] == [type(item) for item in value.values()]


def test_a_record_in_a_set_of_anything_stays_one():
    held = Record("Far", {"x": 1})
    assert convert({"field": {held}}, loose(set[Any])).field == {held}
    with pytest.raises(SerializationError) as caught:
        convert({"field": {held}}, loose(set[int]))
    assert caught.value.path == "$.field[0]"


def test_a_registered_subclass_stays_one_where_its_base_is_the_hint(monkeypatch):
    monkeypatch.setattr(classes, "_registered", {})

    @dataclasses.dataclass
    class Ship:
        name: str

    @dataclasses.dataclass
    class Ferry(Ship):
        cars: int = 0

    class Fish(pydantic.BaseModel):
        name: str

    class Shark(Fish):
        teeth: int = 0

    for cls in (Ferry, Shark):
        register(cls)
    assert convert(sent([Ferry("a", 2)]), list[Ship]) == [Ferry("a", 2)]
    assert convert({"field": sent(Shark(name="a"))}, loose(Fish)).field == Shark(name="a")
    assert type(convert(sent(Shark(name="a")), Fish)) is Shark


class Ahead(pydantic.BaseModel):
    """A model that names classes which come later: pydantic leaves it unfinished until it is first used."""

    model_config = pydantic.ConfigDict(strict=True)
    color: LateColor
    next: Ahead | LateLeaf | None = None


class LateLeaf(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    leaf: int


class LateColor(enum.Enum):
    BLUE = "b"


def test_a_model_whose_hints_name_later_classes_is_met_the_first_time():
    sent: dict[str, Any] = {"color": LateColor.BLUE, "next": {"leaf": 1}}
    for _ in range(30):
        sent = {"color": LateColor.BLUE, "next": sent}

    got = convert(sent, Ahead)

    for _ in range(30):
        assert got.color is LateColor.BLUE
        got = got.next
    assert got.next == LateLeaf(leaf=1)


class Shift(pydantic.BaseModel):
    a: int = pydantic.Field(alias="b")
    b: int = pydantic.Field(0, alias="c")


class Kind(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    kind: str = pydantic.Field(validation_alias="type")
    type: str = pydantic.Field("t", validation_alias="type_")


class Swapped(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(validate_by_name=True, validate_by_alias=False)
    a: int = pydantic.Field(alias="b")
    b: int = pydantic.Field(alias="a")


class Legacy(pydantic.BaseModel):
    id: str = pydantic.Field(alias="uuid")
    uuid: str = pydantic.Field("", alias="legacy_uuid")


class Around(pydantic.BaseModel):
    legacy: list[Legacy]


class Taken(pydantic.BaseModel):
    x: int
    y: int = pydantic.Field(alias="x")


@pytest.mark.parametrize(
    "model",
    [
        Shift(b=1, c=2),
        Kind(type="K", type_="T"),
        Swapped(a=1, b=2),
        Legacy(uuid="new", legacy_uuid="old"),
        Around(legacy=[Legacy(uuid="new", legacy_uuid="old")]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_field_whose_alias_is_the_name_of_another_field_keeps_its_value(model):
    assert deserialize_value(serialize_value(model), type(model)) == model


def test_a_field_keeps_its_value_where_its_name_is_the_alias_of_another_too():
    taken = Taken.model_construct(x=1, y=2)

    assert deserialize_value(serialize_value(taken), Taken) == taken


def test_fields_that_validators_cannot_tell_apart_are_refused():
    class Read(Taken):
        @pydantic.field_validator("x", mode="before")
        @classmethod
        def read(cls, given: Any) -> Any:
            return given

    class Seen(Taken):
        @pydantic.model_validator(mode="before")
        @classmethod
        def seen(cls, given: Any) -> Any:
            return given

    for cls in (Read, Seen):
        with pytest.raises(
            SerializationError, match=f"fields of {cls.__name__} cannot be told apart"
        ):
            deserialize_value(serialize_value(cls.model_construct(x=1, y=2)), cls)


def test_what_a_model_with_such_aliases_refuses_is_told_under_the_names_that_were_sent():
    broken = Around(legacy=[Legacy.model_construct(uuid="new", legacy_uuid=7)])

    with pytest.raises(SerializationError) as caught:
        deserialize_value(serialize_value(broken), Around)

    assert caught.value.path == "$.legacy[0].uuid"


def test_aliases_of_a_dict_that_came_are_what_they_are_for_pydantic():
    assert convert({"b": 1, "c": 2}, Shift) == Shift(b=1, c=2)


class Horse(pydantic.BaseModel):
    name: str


class Mule(pydantic.BaseModel):
    name: str


class Pack(pydantic.BaseModel):
    members: list[Horse] | list[Mule]


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        ([Mule(name="x")], list[Horse] | list[Mule]),
        ([Spot(1)], list[Point] | list[Spot]),
        ({"k": Spot(1)}, dict[str, Point] | dict[str, Spot]),
        ((Spot(1), 2), tuple[Point, int] | tuple[Spot, int]),
        ({Spot(1)}, set[Point] | set[Spot]),
        ([[Mule(name="x")]], list[list[Horse]] | list[list[Mule]] | None),
        ([Horse(name="x"), Mule(name="x")], list[Mule] | list[Horse | Mule]),
        (Pack(members=[Mule(name="x")]), Pack),
        ([Pack(members=[Mule(name="x")])], list[Pack]),
    ],
    ids=repr,
)
def test_of_a_union_of_containers_the_member_with_the_classes_that_were_sent_is_taken(sent, hint):
    got = deserialize_value(serialize_value(sent), hint)

    assert got == sent
    assert repr(got) == repr(sent)
