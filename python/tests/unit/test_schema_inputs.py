"""What a tool's schema says of each parameter: its notes, its default, and what it refers to."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

import jsonschema
import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import ToolFunction, input_properties, json_schema


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 2


@dataclasses.dataclass
class Side:
    length: float = 1.0
    since: dt.date = dt.date(2024, 5, 6)


class Spot(NamedTuple):
    x: int
    y: int = 0


class Line(pydantic.BaseModel):
    unit_price: int = pydantic.Field(alias="unitPrice")
    due: dt.date = dt.date(2024, 5, 6)


class Tree(pydantic.BaseModel):
    children: list[Tree] = []


@dataclasses.dataclass
class Left:
    right: Right | None = None


@dataclasses.dataclass
class Right:
    left: Left | None = None


Deep = tx.TypeAliasType("Deep", "list[Deep] | int")


def schema_of(fn: Any) -> dict[str, Any]:
    made = json.loads(ToolFunction(fn).spec.input_schema)
    jsonschema.Draft202012Validator.check_schema(made)
    return made


def taking(hint: Any = None, default: Any = ...) -> Any:
    """A function of one argument."""
    if default is ...:

        def f(v):
            return v
    else:

        def f(v=default):
            return v

    f.__annotations__ = {} if hint is None else {"v": hint}
    return f


@pytest.mark.parametrize(
    ("hint", "default", "shown"),
    [
        (Color, Color.RED, "red"),
        (Size, Size.BIG, 2),
        (list[int], [1, 2], [1, 2]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict[int, str], {1: "a"}, {"$map": [[1, "a"]]}),
        (Side, Side(2.0), {"length": 2.0, "since": {"$date": "2024-05-06"}}),
        (list[Side], [Side()], [{"length": 1.0, "since": {"$date": "2024-05-06"}}]),
        (Spot, Spot(1), {"x": 1, "y": 0}),
        (Line, Line(unitPrice=1), {"unitPrice": 1, "due": "2024-05-06"}),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (frozenset[int], frozenset({1}), [1]),
        (Decimal, Decimal("1.10"), {"$decimal": "1.10"}),
        (dt.timedelta, dt.timedelta(seconds=1), {"$timedelta": "1000000"}),
        (float, float("inf"), {"$float": "Infinity"}),
        (int | None, None, None),
        (dict, {"$date": "2024-05-06"}, {"$object": {"$date": "2024-05-06"}}),
    ],
    ids=str,
)
def test_a_default_is_shown_as_a_caller_would_write_it(hint: Any, default: Any, shown: Any):
    function = ToolFunction(taking(hint, default))
    schema = json.loads(function.spec.input_schema)["properties"]["v"]

    assert schema["default"] == shown
    if not isinstance(default, float):
        jsonschema.validate(shown, schema)


@pytest.mark.parametrize(
    "default", [object(), {"a", "b"}, [{1, 2}], lambda: 1, iter([1]), dataclasses.field()]
)
def test_a_default_without_a_form_or_in_any_order_is_not_shown(default: Any):
    assert schema_of(taking(None, default))["properties"]["v"] == {}


@pytest.mark.parametrize("as_default", [True, False])
def test_what_a_field_says_of_a_parameter_is_shown(as_default: bool):
    field = pydantic.Field(
        title="Amount", description="How much.", examples=[1, 2], ge=1, deprecated=True
    )
    fn = taking(int, field) if as_default else taking(Annotated[int, field])

    assert schema_of(fn)["properties"]["v"] == {
        "type": "integer",
        "minimum": 1,
        "title": "Amount",
        "description": "How much.",
        "examples": [1, 2],
        "deprecated": True,
    }


def test_of_two_fields_the_outer_one_says_more_and_the_docstring_most():
    inner = Annotated[int, pydantic.Field(title="Inner", description="inner", examples=[1])]

    def f(v):
        """Does.

        Args:
            v: The text.
        """

    f.__annotations__["v"] = Annotated[inner, pydantic.Field(title="Outer", description="outer")]
    shown = schema_of(f)["properties"]["v"]

    assert (shown["title"], shown["description"], shown["examples"]) == ("Outer", "The text.", [1])


@pytest.mark.parametrize(
    ("hint", "fits", "misfits"),
    [
        (Tree, {"children": [{"children": []}]}, {"children": [{"children": [{"x": 1}]}]}),
        (Left, {"right": {"left": {"right": None}}}, {"right": {"left": {"left": None}}}),
        (Deep, [[1], []], [["a"]]),
        (list[Tree], [{}], [{"children": [{"children": [1]}]}]),
    ],
)
def test_what_is_inside_of_itself_is_described_at_every_depth(hint: Any, fits: Any, misfits: Any):
    def f(v, w):
        return v

    f.__annotations__ = {"v": hint, "w": hint}
    function = ToolFunction(f)
    schema = schema_of(f)
    by_itself = jsonschema.Draft202012Validator(input_properties(function.spec)["w"])

    jsonschema.validate({"v": fits, "w": fits}, schema)
    assert by_itself.is_valid(fits)
    function.bind([fits, fits], {})
    assert not jsonschema.Draft202012Validator(schema).is_valid({"v": fits, "w": misfits})
    assert not by_itself.is_valid(misfits)
    with pytest.raises(ToolExecutionError):
        function.bind([fits, misfits], {})


def test_classes_of_one_name_stand_apart():
    def other() -> Any:
        @dataclasses.dataclass
        class Tree:
            trees: list[Any]

        Tree.__annotations__["trees"] = list[Tree]
        Tree.__dataclass_fields__["trees"].type = list[Tree]
        return Tree

    definitions = json_schema(tuple[Tree, int] | Tree | other())["$defs"]

    assert [list(each["properties"]) for each in definitions.values()] == [["children"], ["trees"]]
    assert list(definitions) == ["Tree", "Tree_2"]


class Nested(NamedTuple):
    a: Spot
    b: Spot = Spot(1)


def test_items_of_a_named_tuple_are_described_by_their_place():
    validator = jsonschema.Draft202012Validator(json_schema(Nested))

    assert validator.is_valid([[1, 2], {"x": 3}])
    assert not validator.is_valid([["1"]])
    assert not validator.is_valid([[1], [1, "2"]])
    assert not validator.is_valid({"a": [1, "2"]})


def test_schemas_of_named_tuples_in_one_another_do_not_double():
    hint: Any = int
    for _ in range(20):
        hint = NamedTuple("Around", [("inner", hint)])  # type: ignore[misc]  # noqa: UP014

    assert len(json.dumps(json_schema(hint))) < 20_000


LETTERS = r"^\p{L}+$"


class Named(pydantic.BaseModel):
    name: str = pydantic.Field(pattern=LETTERS)
    key: Annotated[pydantic.SecretStr, pydantic.Field(pattern=LETTERS)] = pydantic.SecretStr("a")


@pytest.mark.parametrize(
    ("hint", "fits", "misfits"),
    [
        (Annotated[str, pydantic.Field(pattern=LETTERS)], "äb", "1"),
        (list[Annotated[str, pydantic.StringConstraints(pattern=LETTERS)]], ["äb"], ["1"]),
        (Named, {"name": "äb"}, {"name": "1"}),
    ],
)
def test_a_pattern_that_only_pydantic_reads_is_no_keyword(hint: Any, fits: Any, misfits: Any):
    function = ToolFunction(taking(hint))
    schema = schema_of(function.fn)

    assert json.dumps(LETTERS) in json.dumps(schema)
    assert '"pattern"' not in json.dumps(schema)
    jsonschema.validate({"v": fits}, schema)
    function.bind([fits], {})
    with pytest.raises(ToolExecutionError, match="pattern"):
        function.bind([misfits], {})


def test_a_pattern_that_nobody_would_read_is_refused_with_its_tool():
    with pytest.raises(TypeError, match=re.escape(f"pattern {LETTERS!r} of argument 'v'")):
        ToolFunction(taking(Annotated[str, {"pattern": LETTERS}]))


def test_flags_of_a_pattern_stand_in_it():
    hint = Annotated[str, pydantic.Field(pattern=re.compile("^a.b$", re.IGNORECASE | re.DOTALL))]
    function = ToolFunction(taking(hint))

    schema = schema_of(function.fn)["properties"]["v"]
    assert schema["pattern"] == "(?is:^a.b$)"
    jsonschema.validate("A\nB", schema)
    function.bind(["A\nB"], {})


def test_computed_and_late_fields_have_their_types():
    class Area(pydantic.BaseModel):
        side: int

        @pydantic.computed_field(title="All")
        @property
        def area(self) -> int:
            return self.side**2

        @pydantic.computed_field
        @property
        def since(self) -> dt.date:
            return dt.date(2024, 5, 6)

        @pydantic.computed_field(return_type=list[int])
        @property
        def sides(self) -> Any:
            return [self.side] * 4

    properties = json_schema(Area)["properties"]
    assert properties["area"] == {"type": "integer", "title": "All", "readOnly": True}
    assert properties["since"] == {
        "type": "string",
        "format": "date",
        "x-type": "date",
        "readOnly": True,
    }
    assert properties["sides"]["items"] == {"type": "integer"}
    jsonschema.validate(json.loads(Area(side=2).model_dump_json()), json_schema(Area))


def test_a_field_with_an_alias_says_what_results_call_it():
    assert json_schema(Line)["properties"]["unitPrice"] == {
        "type": "integer",
        "x-name": "unit_price",
    }
