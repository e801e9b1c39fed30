# ruff: noqa: UP007, UP045 - both forms of unions are tested
"""What a worker takes, its schema takes, and the other way about: each hint is tried with the same pieces of JSON.

Where they differ it is on purpose, and said in OPEN, STRICTER and LAXER.
"""

from __future__ import annotations

import array
import collections
import collections.abc as abc
import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import pathlib
import typing
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping, MutableSequence, Reversible, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar, Union

import annotated_types as at
import jsonschema
import pydantic
import pytest
import typing_extensions as tx

from grpc_tool_bridge.errors import ToolExecutionError
from grpc_tool_bridge.schema import ToolFunction
from grpc_tool_bridge.values import from_json

T = TypeVar("T")
Bound = TypeVar("Bound", bound=int)
Either = TypeVar("Either", int, str)


class Color(enum.Enum):
    RED = "red"
    ONE = 1


class Size(enum.IntEnum):
    SMALL = 1
    BIG = 2


class Letter(str, enum.Enum):
    A = "a"


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Plain:
    x: int
    y: str = "a"
    z: int | None = None


@dataclasses.dataclass
class Bounded:
    x: Annotated[int, {"minimum": 1}] = 1


@dataclasses.dataclass
class Lacking:
    x: int = None  # type: ignore[assignment]
    _: dataclasses.KW_ONLY
    y: str = "a"


@dataclasses.dataclass
class Held(Generic[T]):
    v: T
    w: list[T] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class HeldInt(Held[int]):
    pass


class Spot(typing.NamedTuple):
    x: int
    y: str = "a"


class Pair(tx.NamedTuple, Generic[T]):
    v: T


class Partial(tx.TypedDict, total=False):
    x: tx.Required[int]
    y: str


class Further(Partial):
    z: tx.NotRequired[tx.ReadOnly[int]]


class Keyed(tx.TypedDict, Generic[T]):
    v: T


class Limited(tx.TypedDict):
    x: Annotated[int, {"minimum": 1}]


class Model(pydantic.BaseModel):
    x: int
    y: str = "a"
    z: list[int] | None = None


class Strict(pydantic.BaseModel, strict=True):
    x: int
    d: dt.date | None = None


class Open(pydantic.BaseModel, extra="allow"):
    x: int


class Aliased(pydantic.BaseModel):
    price: int = pydantic.Field(alias="p")


class Generated(pydantic.BaseModel, Generic[T]):
    v: T


class Root(pydantic.RootModel[list[int]]):
    pass


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"
    x: int = 1


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"


class Tree(pydantic.BaseModel):
    v: int
    kids: list[Tree] = []


@dataclasses.dataclass
class Node:
    v: int
    next: Node | None = None


Deep = tx.TypeAliasType("Deep", "list[Deep] | int")
Many = tx.TypeAliasType("Many", list[T], type_params=(T,))  # type: ignore[misc]
Key = typing.NewType("Key", str)

HINTS: dict[str, Any] = {
    "any": Any,
    "object": object,
    "none": None,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "optional": Optional[int],
    "int | str": int | str,
    "one of three": Union[int, str, None],
    "list | dict": list[int] | dict[str, int],
    "float | int": float | int,
    "bool | int": bool | int,
    "choices": Literal["a", 1],
    "choices with none": Literal["a", None],
    "choices of mixed kinds": Literal[True, "x", 2],
    "a member as a choice": Literal[Color.RED],
    "list": list,
    "list of int": list[int],
    "list of any": list[Any],
    "list of lists": list[list[int]],
    "list of optional": list[int | None],
    "Sequence": Sequence[int],
    "Iterable": Iterable[int],
    "Reversible": Reversible[int],
    "Collection": abc.Collection[str],
    "deque": collections.deque[int],
    "UserList": collections.UserList,
    "MutableSequence": MutableSequence[int],
    "dict": dict,
    "dict of int": dict[str, int],
    "dict of any": dict[str, Any],
    "dict of keys": dict[Key, int],
    "dict of choices": dict[Literal["a", "b"], int],
    "dict of members": dict[Letter, int],
    "Mapping": Mapping[str, float],
    "dict of long keys": dict[Annotated[str, at.MinLen(2)], int],
    "OrderedDict": collections.OrderedDict[str, int],
    "Counter": collections.Counter[str],
    "defaultdict": collections.defaultdict[str, list[int]],
    "ChainMap": collections.ChainMap[str, int],
    "enumeration": Color,
    "enumeration of ints": Size,
    "enumeration of texts": Letter,
    "flags": Rights,
    "list of members": list[Color],
    "dataclass": Plain,
    "dataclass with a bound": Bounded,
    "dataclass lacking": Lacking,
    "generic dataclass": Held[int],
    "generic dataclass of any": Held,
    "its subclass": HeldInt,
    "named tuple": Spot,
    "generic named tuple": Pair[int],
    "typed dict": Partial,
    "further typed dict": Further,
    "generic typed dict": Keyed[int],
    "typed dict with a bound": Limited,
    "list of typed dicts with a bound": list[Limited],
    "list of dataclass": list[Plain],
    "dict of dataclass": dict[str, Plain],
    "optional dataclass": Optional[Plain],
    "dataclass inside of itself": Node,
    "model": Model,
    "strict model": Strict,
    "open model": Open,
    "model with aliases": Aliased,
    "generic model": Generated[int],
    "root model": Root,
    "list of models": list[Model],
    "model inside of itself": Tree,
    "model or int": Model | int,
    "alias inside of itself": Deep,
    "generic alias": Many[int],
    "generic alias of str": Many[str],
    "tagged union": Annotated[Cat | Dog, pydantic.Field(discriminator="kind")],
    "untagged union": Union[Cat, Dog],
    "positive": Annotated[int, at.Gt(0)],
    "keyword": Annotated[int, {"minimum": 1}],
    "items": list[Annotated[int, at.Ge(0)]],
    "few": Annotated[list[int], at.MaxLen(1)],
    "long": Annotated[str, at.MinLen(2)],
    "small": Annotated[dict[str, int], at.MaxLen(1)],
    "optional positive": Optional[Annotated[int, at.Gt(0)]],
    "positive optional": Annotated[int | None, at.Gt(1)],
    "even": Annotated[int, at.MultipleOf(2)],
    "halves": Annotated[float, at.MultipleOf(0.5)],
    "pattern": Annotated[str, pydantic.Field(pattern="^a")],
    "distinct": Annotated[list[int], {"uniqueItems": True}],
    "const": Annotated[int, {"const": 1}],
    "enum": Annotated[str, {"enum": ["a", "b"]}],
    "enum of ints": Annotated[int, {"enum": [1, 2]}],
    "both": Annotated[Annotated[int, at.Ge(1)], at.Le(2)],
    "bound variable": Bound,
    "chosen variable": Either,
    "new type": typing.NewType("N", int),
    "LiteralString": tx.LiteralString,
    "PositiveInt": pydantic.PositiveInt,
    "StrictInt": pydantic.StrictInt,
    "FiniteFloat": pydantic.FiniteFloat,
    "constr": pydantic.constr(min_length=1, max_length=2),
    "shouted": Annotated[str, pydantic.AfterValidator(str.upper)],
    "range": range,
    "address": ipaddress.IPv4Address,
    "zone": zoneinfo.ZoneInfo,
    "url": pydantic.HttpUrl,
    "json": pydantic.Json[list[int]],
    "size": pydantic.ByteSize,
    "base64": pydantic.Base64Bytes,
    "path": pathlib.Path,
    "array": array.array,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "timedelta": dt.timedelta,
    "Decimal": Decimal,
    "UUID": uuid.UUID,
    "bytes": bytes,
    "dict of ints": dict[int, str],
    "tuple": tuple,
    "tuple of two": tuple[int, str],
    "tuple of many": tuple[int, ...],
    "set": set[int],
    "frozenset": frozenset[str],
    "bytes or a": Literal[b"a", "a"],
    "Fraction": Fraction,
    "complex": complex,
}
OPEN = {
    *("date", "datetime", "time", "timedelta", "Decimal", "UUID", "bytes", "dict of ints", "tuple"),
    *("tuple of two", "tuple of many", "set", "frozenset"),
    *("Fraction", "complex"),
}
"""JSON has no type for these: the schema takes all that the worker does, and more."""
STRICTER = {
    "range": {"[1,1]"},
    "flags": {"-1"},
    "address": None,
    "zone": None,
    "url": None,
    "json": None,
    "base64": None,
}
"""What the worker refuses of texts and lists that the schema takes, which cannot say more; None for any."""
LAXER = {
    **{name: {'{"x":"1"}'} for name in ("model", "open model", "untagged union", "model or int")},
    "list of models": {'[{"x":"1"}]'},
    "model with aliases": {'{"price":1}'},
    "root model": {"[true]"},
    "size": {"true", "false"},
}
"""What pydantic takes of its models beside the one form that is shown: texts of ints, names beside aliases."""
SAMPLES = [
    *("null", "true", "false", "0", "1", "2", "-1", "3", "1.5", "-0.5", '""', '"a"', '"ab"'),
    *('"abc"', '"x"', '"1"', '"red"', '"2024-05-06"', '"1.1.1.1"', '"UTC"', '"https://a.b/"'),
    *('"[1]"', "[]", "[1]", "[1,2]", "[1,1]", '[1,"a"]', '["a"]', '["a","b"]', "[1.5]", "[null]"),
    *("[[1]]", "[[]]", '[[["a"]]]', "[true]", "{}", '{"a":1}', '{"a":1,"b":2}', '{"a":"x"}'),
    *('{"x":1}', '{"x":"1"}', '{"x":1,"y":"b"}', '{"x":1,"y":2}', '{"x":1,"q":2}', '{"x":0}'),
    *('{"x":null}', '{"p":1}', '{"price":1}', '{"v":1}', '{"v":"a"}', '{"v":1,"w":["a"]}'),
    *('{"v":1,"w":[2]}', '{"v":1,"next":{"v":2}}', '{"v":1,"next":{"v":"b"}}', '{"ab":1}'),
    '{"v":1,"kids":[{"v":2,"kids":[{"v":3}]}]}',
    '{"v":1,"kids":[{"v":2,"kids":[{"v":"c"}]}]}',
    *('{"kind":"cat"}', '{"kind":"dog"}', '{"kind":"dog","x":1}', '{"kind":"cow"}'),
    *('[{"x":1}]', '[{"x":"a"}]', '[{"x":0}]', '[{"x":"1"}]', '{"a":{"x":1}}', '{"x":1,"z":null}'),
    *('{"x":1,"z":[1]}', '{"x":1,"z":3}', '{"x":1,"d":"2024-05-06"}', '{"1":"a"}', '{"a":[1]}'),
    *('{"a":null}', '{"a":1.5}', '["red"]', '{"a":{}}'),
]


@pytest.mark.parametrize("name", HINTS)
def test_a_schema_takes_what_the_worker_takes_and_nothing_else(name: str):
    def take(v):
        return v

    take.__annotations__ = {"v": HINTS[name]}
    function = ToolFunction(take)
    schema = json.loads(function.spec.input_schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    taken = {text for text in SAMPLES if is_taken(function, text)}
    valid = {text for text in SAMPLES if validator.is_valid({"v": json.loads(text)})}

    assert taken - valid == LAXER.get(name, set())
    if name in OPEN:
        assert valid == set(SAMPLES)
    elif STRICTER.get(name, ()) is not None:
        assert valid - taken == STRICTER.get(name, set())


def is_taken(function: ToolFunction, text: str) -> bool:
    try:
        function.bind([from_json(text)], {})
    except ToolExecutionError:
        return False
    return True
