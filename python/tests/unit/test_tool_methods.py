"""Methods of objects as tools: each object's has a mark of its own."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator  # noqa: TC003 - a hint of a tool

import pytest

from grpc_tool_bridge import tool
from grpc_tool_bridge.hosting import HostedTool, is_tool


class Shop:
    """An object with methods that are worth offering."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def price(self, count: int, *, tax: int = 1) -> int:
        """What so many cost."""
        return self.rate * count + tax

    async def later(self, count: int) -> int:
        """The same, later."""
        return self.rate * count

    async def each(self, count: int) -> AsyncIterator[int]:
        """One after the other."""
        for number in range(count):
            yield self.rate * number

    @classmethod
    def made(cls, rate: int) -> int:
        """Of the class."""
        return cls(rate).rate


def test_a_method_of_an_object_is_marked_with_its_options() -> None:
    shop = Shop(3)

    marked = tool(shop.price, name="price_of", idempotent=True)

    assert is_tool(marked)
    assert marked(2) == shop.price(2) == 7
    spec = HostedTool(marked).spec
    assert (spec.name, spec.description, spec.idempotent) == (
        "price_of",
        "What so many cost.",
        True,
    )
    assert [argument.name for argument in spec.arguments] == ["count", "tax"]


def test_the_marks_of_two_objects_are_apart_and_the_class_has_none() -> None:
    cheap, dear = tool(Shop(1).price, name="cheap"), tool(Shop(9).price, name="dear")

    assert [HostedTool(each).spec.name for each in (cheap, dear)] == ["cheap", "dear"]
    assert (cheap(1), dear(1)) == (2, 10)
    assert not is_tool(Shop.price)


def test_methods_stay_of_their_kind() -> None:
    shop = Shop(3)

    assert inspect.iscoroutinefunction(tool(shop.later))
    assert inspect.isasyncgenfunction(tool(shop.each))
    assert HostedTool(tool(shop.each)).streams
    assert tool(Shop.made)(4) == 4


def test_what_cannot_be_marked_is_told_what_to_do() -> None:
    with pytest.raises(
        TypeError, match=r"len.* cannot be marked as a tool: mark a function of yours"
    ):
        tool(len)
