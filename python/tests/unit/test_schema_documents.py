# ruff: noqa: UP007, UP045 - both forms of unions are tested
from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from decimal import Decimal  # noqa: TC003 - models' hints are read
from typing import Annotated, Any, Literal, Optional, Union

import annotated_types
import jsonschema
import pydantic
import pytest
from hintsamples import Color, Deep, Model, Options, Pair, Point, Positive, Root, Sized, Wrapped

from grpc_tool_bridge.schema import json_schema
from grpc_tool_bridge.values import Record


@dataclasses.dataclass
class Tree:
    children: list[Tree]


class Forest(pydantic.RootModel[dict[str, "Forest"]]):
    pass


class Priced(pydantic.BaseModel):
    price: Decimal = pydantic.Field(gt=0)
    tags: Annotated[set[str], annotated_types.MaxLen(3)] = set()
    size: int = pydantic.Field(1, ge=1)


class Nested(pydantic.BaseModel):
    children: list[Nested] = pydantic.Field(max_length=3)


Item = typing.TypeVar("Item")


class Page(pydantic.BaseModel, typing.Generic[Item]):
    items: list[Item]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Any, {}),
        (int, {"type": "integer"}),
        (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (list[float], {"type": "array", "items": {"type": "number"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (dict, {"type": "object"}),
        (dict[int, str], {"x-type": "dict"}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Color, {"enum": ["red"], "x-type": "Enum"}),
        (bytes, {"x-type": "bytes"}),
        (tuple[int, int], {"x-type": "tuple"}),
        (complex, {}),
        (Record, {"type": "object"}),
        (
            Point,
            {
                "type": "object",
                "properties": {"x": {"type": "number"}, "y": {"type": "number", "default": 0.0}},
                "required": ["x"],
                "additionalProperties": False,
            },
        ),
        (
            Pair,
            {
                "type": ["object", "array"],
                "properties": {
                    "left": {"type": "integer"},
                    "right": {"type": "string", "default": ""},
                },
                "required": ["left"],
                "additionalProperties": False,
                "prefixItems": [{"type": "integer"}, {"type": "string", "default": ""}],
                "minItems": 1,
                "maxItems": 2,
            },
        ),
        (
            Options,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        ),
        (
            Model,
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer", "default": 1},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        ),
        (Root, {"type": "array", "items": {"type": "integer"}}),
        (pydantic.RootModel[int], {"type": "integer"}),
        (list[Root], {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        (
            Forest,
            {
                "$ref": "#/$defs/Forest",
                "$defs": {
                    "Forest": {
                        "type": "object",
                        "additionalProperties": {"$ref": "#/$defs/Forest"},
                    }
                },
            },
        ),
        (
            Wrapped,
            {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"a": {"type": "integer"}},
                        "required": ["a"],
                        "additionalProperties": False,
                    },
                    {},
                ]
            },
        ),
        (
            Priced,
            {
                "type": "object",
                "properties": {
                    "price": {
                        "anyOf": [{"type": "number"}, {"type": "string"}],
                        "x-type": "Decimal",
                        "exclusiveMinimum": 0,
                    },
                    "tags": {
                        "type": "array",
                        "items": {"type": "string"},
                        "uniqueItems": True,
                        "x-type": "set",
                        "maxItems": 3,
                        "default": [],
                    },
                    "size": {"type": "integer", "minimum": 1, "default": 1},
                },
                "required": ["price"],
                "additionalProperties": False,
            },
        ),
        (
            Page[str],
            {
                "type": "object",
                "properties": {"items": {"type": "array", "items": {"type": "string"}}},
                "required": ["items"],
                "additionalProperties": False,
            },
        ),
        (Sized, {"enum": [1.5, {"$decimal": "1.10"}], "x-type": "Enum"}),
        (Literal[b"a", Color.RED], {"enum": [{"$bytes": "YQ=="}, "red"]}),
        (
            Tree,
            {
                "$ref": "#/$defs/Tree",
                "$defs": {
                    "Tree": {
                        "type": "object",
                        "properties": {
                            "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
                        },
                        "required": ["children"],
                        "additionalProperties": False,
                    }
                },
            },
        ),
        (
            Annotated[int, annotated_types.Ge(1), annotated_types.Lt(9)],
            {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
        ),
        (
            Annotated[Optional[int], pydantic.Field(ge=0)],
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "minimum": 0},
        ),
        (
            Annotated[Union[str, list[int]], annotated_types.MaxLen(3)],
            {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}],
                "maxLength": 3,
                "maxItems": 3,
            },
        ),
        (
            Nested,
            {
                "$ref": "#/$defs/Nested",
                "$defs": {
                    "Nested": {
                        "type": "object",
                        "properties": {
                            "children": {
                                "type": "array",
                                "items": {"$ref": "#/$defs/Nested"},
                                "maxItems": 3,
                            }
                        },
                        "required": ["children"],
                        "additionalProperties": False,
                    }
                },
            },
        ),
        (Positive, {"type": "integer", "exclusiveMinimum": 0}),
        (typing.NewType("Key", Positive), {"type": "integer", "exclusiveMinimum": 0}),
        (
            Deep,
            {
                "$ref": "#/$defs/Deep",
                "$defs": {
                    "Deep": {
                        "anyOf": [
                            {"type": "array", "items": {"$ref": "#/$defs/Deep"}},
                            {"type": "integer", "minimum": 0},
                        ]
                    }
                },
            },
        ),
        (
            Annotated[str, annotated_types.Len(1, 5)],
            {"type": "string", "minLength": 1, "maxLength": 5},
        ),
        (
            Annotated[list[int], annotated_types.MinLen(1)],
            {**json_schema(list[int]), "minItems": 1},
        ),
        (
            Annotated[str, pydantic.Field(pattern="^a", max_length=3)],
            {"type": "string", "pattern": "^a", "maxLength": 3},
        ),
        (Annotated[float, {"multipleOf": 0.5}, "text"], {"type": "number", "multipleOf": 0.5}),
        (
            Annotated[int, annotated_types.Interval(gt=0, le=5)],
            {"type": "integer", "exclusiveMinimum": 0, "maximum": 5},
        ),
    ],
    ids=str,
)
def test_a_hint_has_a_json_schema(hint, expected):
    made = json_schema(hint)
    assert made == expected
    jsonschema.Draft202012Validator.check_schema(made)
