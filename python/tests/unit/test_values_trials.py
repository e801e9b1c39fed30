"""Trees of unions are looked at once, however deep: a small text cannot keep a program busy."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import pytest

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import (
    convert,
    deserialize_value,
    from_json,
    serialize_value,
)

DEPTH = 30


@dataclasses.dataclass
class Add:
    left: Add | Mul | int
    op: Literal["add"] = "add"


@dataclasses.dataclass
class Mul:
    left: Add | Mul | int
    op: Literal["mul"] = "mul"


@dataclasses.dataclass
class Sum:
    parts: list[Sum | Product | int]
    op: Literal["sum"] = "sum"


@dataclasses.dataclass
class Product:
    parts: list[Sum | Product | int]
    op: Literal["product"] = "product"


def tree(make: Any, depth: int, leaf: Any = 1) -> Any:
    for _ in range(depth):
        leaf = make(leaf)
    return leaf


@pytest.mark.parametrize(
    ("cls", "hint"),
    [(Mul, Mul), (Mul, Add | Mul)],
    ids=str,
)
def test_a_deep_tree_of_unions_is_made_of_dicts_and_of_records(cls, hint):
    want = tree(lambda left: cls(left=left), DEPTH)
    assert convert(tree(lambda left: {"left": left, "op": "mul"}, DEPTH), hint) == want
    assert convert(serialized(want), hint) == want


def serialized(value: Any) -> Any:
    return deserialize_value(serialize_value(value))


def test_a_deep_tree_of_lists_of_unions_is_made_of_json():
    text = '{"parts":[' * 30 + "1" + '],"op":"product"}' * 30
    made = convert(from_json(text), Sum | Product)
    assert made == tree(lambda part: Product([part]), 30)


def test_a_leaf_that_fits_nothing_is_found_in_a_deep_tree():
    with pytest.raises(SerializationError, match="want Add or Mul or int, got str") as caught:
        convert(tree(lambda left: {"left": left, "op": "mul"}, DEPTH, "x"), Mul)
    assert caught.value.path == "$" + ".left" * DEPTH


def test_a_part_that_is_there_twice_is_refused_where_it_is():
    part = {"left": "x"}
    for index in (0, 1):
        with pytest.raises(SerializationError) as caught:
            convert([{"left": 1}] * index + [part, part], list[Mul] | dict[str, int])
        assert caught.value.path == f"$[{index}].left"
