# ruff: noqa: UP007, UP045 - hints are made at run time
from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import annotated_types
import jsonschema
import pydantic
import pydantic.alias_generators
import pydantic.dataclasses
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.schema import ToolFunction, json_schema, spec_from_function
from grpc_tool_bridge.values import any_from_json, deserialize_value, to_json


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Spot(NamedTuple):
    x: int
    y: int = 0


@dataclasses.dataclass
class Side:
    """A side.

    Attributes:
        length: In metres.
    """

    length: float
    note: str = dataclasses.field(default="", metadata={"description": "What to know."})
    marks: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Measured(Side):
    area: float = dataclasses.field(init=False, default=0.0)


class Extent(tx.TypedDict):
    """How large."""

    width: Annotated[int, "From left to right."]
    depth: tx.NotRequired[Annotated[int, tx.Doc("From front to back.")]]


class Tree(pydantic.BaseModel):
    value: int
    children: list[Tree] = []


class Address(pydantic.BaseModel):
    """Where someone lives."""

    model_config = pydantic.ConfigDict(title="Address", json_schema_extra={"examples": [{"a": 1}]})

    street: str = pydantic.Field(description="Its name.", title="Street", examples=["Main St"])
    number: int = pydantic.Field(3, ge=1, deprecated=True)
    kind: Literal["home", "work"] = "home"
    color: Color = Color.BLUE
    since: dt.date = pydantic.Field(dt.date(2020, 1, 2), gt=dt.date(2000, 1, 1))
    fee: Decimal = pydantic.Field(Decimal("1.5"), ge=Decimal("0.5"))
    entered: dt.datetime = pydantic.Field(alias="enteredAt")
    floor: Annotated[int, "Above ground."] = None  # type: ignore[assignment]

    @pydantic.computed_field(description="All of it.")
    @property
    def line(self) -> str:
        return f"{self.street} {self.number}"


def schema_of(hint: Any) -> dict[str, Any]:
    made = json_schema(hint)
    jsonschema.Draft202012Validator.check_schema(made)
    json.dumps(made, allow_nan=False)
    return made


def is_valid(value: Any, hint: Any) -> bool:
    return jsonschema.Draft202012Validator(schema_of(hint)).is_valid(value)


def test_a_model_is_shown_with_all_that_it_says_of_itself():
    assert schema_of(Address) == {
        "type": "object",
        "title": "Address",
        "description": "Where someone lives.",
        "examples": [{"a": 1}],
        "properties": {
            "line": {"type": "string", "description": "All of it.", "readOnly": True},
            "street": {
                "type": "string",
                "description": "Its name.",
                "title": "Street",
                "examples": ["Main St"],
            },
            "number": {"type": "integer", "minimum": 1, "default": 3, "deprecated": True},
            "kind": {"enum": ["home", "work"], "default": "home"},
            "color": {"enum": ["red", "blue"], "x-type": "Enum", "default": "blue"},
            "since": {
                "type": "string",
                "format": "date",
                "x-type": "date",
                "formatExclusiveMinimum": "2000-01-01",
                "default": "2020-01-02",
            },
            "fee": {
                "anyOf": [{"type": "number"}, {"type": "string"}],
                "x-type": "Decimal",
                "minimum": 0.5,
                "default": "1.5",
            },
            "enteredAt": {
                "type": "string",
                "format": "date-time",
                "x-type": "datetime",
                "x-name": "entered",
            },
            "floor": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "description": "Above ground.",
                "default": None,
            },
        },
        "required": ["street", "enteredAt"],
        "additionalProperties": False,
    }


def test_what_a_tool_returns_is_shown_by_its_names_and_types():
    def f() -> Address: ...

    f.__annotations__["return"] = Address
    shown = json.loads(spec_from_function(f).output_schema)

    assert shown["properties"]["entered"] == {"x-type": "datetime"}
    assert shown["required"] == ["street", "entered"]


def test_a_parameters_own_text_stands_before_that_of_its_class():
    def f(a, b):
        """Does.

        Args:
            a: The first.
        """

    f.__annotations__ = {"a": Address, "b": Address}
    shown = json.loads(spec_from_function(f).input_schema)["properties"]

    assert (shown["a"]["description"], shown["b"]["description"]) == (
        "The first.",
        "Where someone lives.",
    )


def test_dataclasses_typed_dicts_and_named_tuples_say_what_they_know():
    side, extent, spot = schema_of(Side), schema_of(Extent), schema_of(Spot)

    assert side["description"] == "A side."
    assert side["properties"] == {
        "length": {"type": "number", "description": "In metres."},
        "note": {"type": "string", "default": "", "description": "What to know."},
        "marks": {"type": "array", "items": {"type": "integer"}},
    }
    assert schema_of(Measured)["properties"]["area"] == {"type": "number", "readOnly": True}
    assert extent["description"] == "How large."
    assert extent["properties"]["width"]["description"] == "From left to right."
    assert extent["properties"]["depth"]["description"] == "From front to back."
    assert "description" not in spot
    assert spot["properties"]["y"] == {"type": "integer", "default": 0}
    assert [each["additionalProperties"] for each in (side, extent, spot)] == [False] * 3


def test_outside_of_models_values_keep_the_forms_with_their_types():
    @dataclasses.dataclass
    class Plain:
        day: dt.date = dt.date(2020, 1, 2)

    assert schema_of(dt.date) == {"x-type": "date"}
    assert schema_of(Plain)["properties"]["day"] == {
        "x-type": "date",
        "default": {"$date": "2020-01-02"},
    }


def test_a_named_tuple_may_be_a_list_also_where_constraints_are_around_it():
    def f(v):
        return v

    f.__annotations__["v"] = Annotated[list[Spot], annotated_types.MaxLen(2)]
    given = [[1], {"x": 2}]

    assert is_valid(given, f.__annotations__["v"])
    assert ToolFunction(f).bind([given], {}) == ([[Spot(1), Spot(2)]], {})
    assert not is_valid([[]], list[Spot])
    assert not is_valid([[1, 2, 3]], list[Spot])


@pytest.mark.parametrize(
    ("config", "shown"), [({}, False), ({"extra": "forbid"}, False), ({"extra": "ignore"}, None)]
)
def test_surplus_fields_are_shown_as_they_are_taken(config: Any, shown: Any):
    made = pydantic.create_model("Made", __config__=pydantic.ConfigDict(**config), a=(int, 1))

    assert schema_of(made).get("additionalProperties") is shown
    if shown is False:
        with pytest.raises(SerializationError):
            deserialize_value(any_from_json('{"b":1}'), made)


def test_hints_of_surplus_fields_are_shown():
    class Open(pydantic.BaseModel, extra="allow"):
        __pydantic_extra__: dict[str, dt.date]

    class Open2(pydantic.BaseModel, extra="allow"):
        a: int = 1

    assert schema_of(Open)["additionalProperties"]["format"] == "date"
    assert "additionalProperties" not in schema_of(Open2)


class Aliased(pydantic.BaseModel):
    both: int = pydantic.Field(validation_alias=pydantic.AliasChoices("x", "y"))
    deep: int = pydantic.Field(validation_alias=pydantic.AliasPath("p", 0))
    last: int = pydantic.Field(
        validation_alias=pydantic.AliasChoices(pydantic.AliasPath("p", 1), "z")
    )
    plain: int = pydantic.Field(1, alias="Plain")


class Camel(pydantic.BaseModel, alias_generator=lambda name: name.title()):
    one: int
    two: int = 2


@pydantic.dataclasses.dataclass
class Checked:
    """Is checked."""

    one: int = pydantic.Field(alias="One", description="The first.", gt=0)
    late: int = pydantic.Field(default=0, init=False)


@pytest.mark.parametrize("cls", [Aliased, Camel, Checked, Address])
def test_fields_are_called_as_pydantic_calls_them(cls: Any):
    own = pydantic.TypeAdapter(cls).json_schema()
    shown = schema_of(cls)

    known = {name for name, each in shown["properties"].items() if "readOnly" not in each}
    assert known == own["properties"].keys() - {"late"}
    assert shown.get("required") == own.get("required")
    for name in known:
        assert shown["properties"][name].get("description") == own["properties"][name].get(
            "description", shown["properties"][name].get("description")
        )


def test_a_model_whose_hints_are_known_later_is_shown_by_its_aliases_too():
    class Later(pydantic.BaseModel):
        items: list[Missing] = pydantic.Field(alias="theItems")  # noqa: F821

    globals()["Missing"] = int
    try:
        assert schema_of(Later)["required"] == ["theItems"]
    finally:
        del globals()["Missing"]


class Odd(pydantic.BaseModel):
    at: pydantic.AwareDatetime
    url: pydantic.HttpUrl
    secret: pydantic.SecretStr
    text: pydantic.Json[list[int]]
    inner: pydantic.Json[Address]
    key: pydantic.UUID4
    raw: pydantic.Base64Bytes
    doubled: Annotated[int, pydantic.BeforeValidator(int)]


def test_types_of_pydantics_are_shown_as_it_shows_them():
    properties = schema_of(Odd)["properties"]

    assert properties["at"] == {"type": "string", "format": "date-time", "x-type": "datetime"}
    assert properties["url"]["format"] == "uri"
    assert properties["secret"]["type"] == "string"
    assert properties["text"]["contentMediaType"] == "application/json"
    assert properties["inner"]["type"] == "string"
    assert properties["key"] == {"type": "string", "format": "uuid4", "x-type": "UUID"}
    assert properties["raw"]["type"] == "string"
    assert properties["doubled"]["type"] == "integer"


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]


def model_of(hint: Any) -> Any:
    return pydantic.create_model("Made", v=(hint, pydantic.Field(alias="theV")), w=(int, 1))


class Fish(pydantic.BaseModel):
    kind: Literal["fish"] = pydantic.Field("fish", alias="Kind")


class Shark(pydantic.BaseModel):
    kind: Literal["shark"] = pydantic.Field("shark", alias="Kind")


TAGGED: Any = Annotated[Union[Cat, Dog], pydantic.Field(discriminator="kind")]
CALLED: Any = Annotated[Union[Fish, Shark, None], pydantic.Discriminator("kind")]
CHOSEN: Any = Annotated[
    Union[Annotated[Cat, pydantic.Tag("cat")], Annotated[Dog, pydantic.Tag("dog")]],
    pydantic.Discriminator(lambda value: value["kind"]),
]


@pytest.mark.parametrize("make", [model_of, lambda hint: hint], ids=["in a model", "by itself"])
@pytest.mark.parametrize(
    ("hint", "members", "tag"),
    [(TAGGED, [Cat, Dog], "kind"), (CALLED, [Fish, Shark, None], "Kind"), (CHOSEN, [Cat, Dog], "")],
)
def test_unions_with_a_discriminator_show_their_members_and_the_tag(
    hint: Any, members: list[Any], tag: str, make: Any
):
    shown = schema_of(make(hint))
    shown = shown["properties"]["theV"] if "properties" in shown else shown
    shown.pop("x-name", None)

    said = {"discriminator": {"propertyName": tag}, "required": [tag]} if tag else {}
    assert shown == {"anyOf": [schema_of(member) for member in members], **said}
    assert not is_valid({}, hint)
    assert is_valid({tag or "kind": "fish" if tag == "Kind" else "cat"}, hint)


def test_a_model_may_hold_itself():
    given = {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}]}

    assert is_valid(given, Tree)
    assert not is_valid({"value": 1, "children": [3]}, Tree)


def test_defaults_that_each_process_would_write_otherwise_are_left_out():
    class Held(pydantic.BaseModel):
        items: set[str] = {"a", "b"}

    class Sets(pydantic.BaseModel):
        none: set[str] = set()
        some: set[str] = {"a", "b"}
        held: Held = Held()
        more: list[Any] = [{"a": {1, 2}}]

    @dataclasses.dataclass
    class Frozen:
        some: frozenset[str] = frozenset({"a", "b"})

    with_defaults = {
        name for name, each in schema_of(Sets)["properties"].items() if "default" in each
    }
    assert with_defaults == {"none"}
    assert "default" not in schema_of(Frozen)["properties"]["some"]


def test_bounds_that_json_cannot_write_are_left_out():
    class Bounded(pydantic.BaseModel):
        low: float = pydantic.Field(0.0, ge=float("-inf"), lt=Decimal("7"))
        span: dt.timedelta = pydantic.Field(dt.timedelta(hours=1), le=dt.timedelta(days=1))
        odd: Any = float("nan")
        cents: Decimal = pydantic.Field(Decimal(1), multiple_of=Decimal("0.01"))
        tens: Decimal = pydantic.Field(Decimal(1), multiple_of=Decimal(10))

    properties = schema_of(Bounded)["properties"]
    assert properties["low"] == {"type": "number", "exclusiveMaximum": 7, "default": 0.0}
    assert (properties["span"]["formatMaximum"], properties["span"]["default"]) == ("P1D", "PT1H")
    assert "default" not in properties["odd"]
    assert "multipleOf" not in properties["cents"]
    assert properties["tens"]["multipleOf"] == 10


MOMENT = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone.utc)
SAMPLES: list[tuple[Any, Any]] = [
    (int, 1),
    (float, 0.5),
    (str, "a"),
    (bool, True),
    (bytes, b"a"),
    (type(None), None),
    (dt.datetime, MOMENT),
    (dt.date, dt.date(2024, 5, 6)),
    (dt.time, dt.time(1, 2, 3)),
    (dt.timedelta, dt.timedelta(seconds=90)),
    (uuid.UUID, uuid.UUID(int=7)),
    (Decimal, Decimal("1.10")),
    (Color, Color.RED),
    (Rights, Rights.READ | Rights.WRITE),
    (Literal["a", 1], 1),
    (Any, {"a": [1]}),
    (Spot, Spot(1, 2)),
    (Side, Side(1.0)),
    (Extent, {"width": 1}),
    (Tree, Tree(value=1, children=[Tree(value=2)])),
    (Union[Tree, Spot], Spot(1)),
    (Annotated[int, pydantic.Field(gt=0)], 1),
    (Annotated[Decimal, pydantic.Field(gt=0, max_digits=5)], Decimal(3)),
    (pydantic.AwareDatetime, MOMENT),
    (pydantic.RootModel[dict[str, dt.date]], pydantic.RootModel[dict[str, dt.date]]({})),
]
WRAPPERS: list[tuple[Any, Any]] = [
    (lambda hint: hint, lambda value: value),
    (lambda hint: Optional[hint], lambda _value: None),
    (lambda hint: list[hint], lambda value: [value, value]),
    (lambda hint: dict[str, hint], lambda value: {"k": value}),
    (lambda hint: dict[int, hint], lambda value: {1: value}),
    (lambda hint: tuple[hint, int], lambda value: (value, 1)),
    (lambda hint: tuple[hint, ...], lambda value: (value,)),
    (lambda hint: Annotated[list[hint], annotated_types.MaxLen(2)], lambda value: [value]),
    (lambda hint: Union[hint, int], lambda value: value),
]


def outer_model_of(hint: Any) -> Any:
    return pydantic.create_model("Outer", theV=(list[model_of(hint)], ...))


@pytest.mark.parametrize("make", [model_of, outer_model_of])
@pytest.mark.parametrize("wrapper", range(len(WRAPPERS)))
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample[0]))
def test_what_a_model_writes_is_valid_and_is_taken(sample: Any, wrapper: int, make: Any):
    hint_around, value_around = WRAPPERS[wrapper]
    hint, value = hint_around(sample[0]), value_around(sample[1])
    cls = make(hint)
    wanted = cls(theV=value) if make is model_of else cls(theV=[{"theV": value}])
    text = wanted.model_dump_json(by_alias=True)

    assert deserialize_value(any_from_json(text), cls) == wanted
    jsonschema.validate(json.loads(text), schema_of(cls))


@pytest.mark.parametrize(
    "sample",
    [sample for sample in SAMPLES if sample[0] is not pydantic.AwareDatetime],
    ids=lambda sample: str(sample[0]),
)
def test_what_a_class_of_any_kind_takes_is_valid(sample: Any):
    hint, value = sample
    kinds = [
        dataclasses.make_dataclass("D", [("v", hint), ("w", int, 1)]),
        tx.TypedDict("T", {"v": hint, "w": tx.NotRequired[int]}),  # type: ignore[operator, misc]
        NamedTuple("N", [("v", hint)]),
    ]
    text = json.dumps({"v": json.loads(written(value))})
    for cls in kinds:
        deserialize_value(any_from_json(text), cls)
        jsonschema.validate(json.loads(text), schema_of(cls))


def written(value: Any) -> str:
    """The JSON form of a value of which an object of a class is a plain object."""
    if dataclasses.is_dataclass(value):
        value = {"length": 1.0}
    if isinstance(value, (Tree, tuple)):
        value = {"value": 1} if isinstance(value, Tree) else {"x": 1}
    if isinstance(value, (pydantic.RootModel, enum.Enum)):
        value = value.root if isinstance(value, pydantic.RootModel) else value.value
    return to_json(value)


def test_what_a_model_with_aliases_and_computed_fields_dumps_is_valid_for_its_schema():
    class Line(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(
            alias_generator=pydantic.alias_generators.to_camel, populate_by_name=True
        )

        unit_price: int

        @pydantic.computed_field
        def total_price(self) -> int:
            return 2 * self.unit_price

    schema = json_schema(Line)

    assert list(schema["properties"]) == ["unitPrice", "totalPrice"]
    jsonschema.validate(json.loads(Line(unit_price=1).model_dump_json(by_alias=True)), schema)
