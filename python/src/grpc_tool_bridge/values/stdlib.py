"""Hints of the standard library's classes that travel as something simpler: ranges, arrays, paths, addresses."""

from __future__ import annotations

import array
import collections
import ipaddress
import os
import pathlib
import zoneinfo
from typing import TYPE_CHECKING, Any, cast

from .fault import Fault, told
from .misfit import misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ADDRESSES", "REMAKERS", "TEXTS"]

ADDRESSES: tuple[type[Any], ...] = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
"""Addresses and networks, which travel as their text."""


def _range(value: Any) -> range:
    if type(value) is not list:
        raise misfit(value, "range: a list of ints in equal steps")
    items = cast("Sequence[Any]", value)
    for index, item in enumerate(items):
        if type(item) is not int:
            fault = misfit(item, "int, of a range")
            fault.at(index)
            raise fault
    made = _range_through(items)
    for index, (item, expected) in enumerate(zip(items, made, strict=False)):
        if item != expected:
            raise _off_step(index, f"want {expected!s:.40}, got {item!s:.40}", made.step)
    if len(made) != len(items):
        raise _off_step(1, f"got {items[1]!s:.40} twice", 0)
    return made


def _range_through(items: Sequence[int]) -> range:
    """The range of the first two items, as long as the list."""
    if not items:
        return range(0)
    step = items[1] - items[0] if len(items) > 1 else 1
    return (
        range(items[0], items[0] + step * len(items), step) if step else range(items[0], items[0])
    )


def _off_step(index: int, what: str, step: int) -> Fault:
    fault = Fault(f"{what}: the items of a range are in equal steps, here of {step!s:.40}")
    fault.at(index)
    return fault


def _array(value: Any) -> array.array[Any]:
    """An array of the narrowest of the codes q, Q and d; the one that it had does not travel."""
    if type(value) is not list:
        raise misfit(value, "array: a list of ints or of floats")
    items = cast("Sequence[Any]", value)
    kind: type[Any] = cast("type[Any]", type(items[0])) if items else int
    for index, item in enumerate(items):
        if kind not in (int, float) or type(item) is not kind:
            fault = misfit(item, "int or float, the same for all items of an array")
            fault.at(index)
            raise fault
    if kind is float:
        return array.array("d", items)
    try:
        return array.array("q", items)
    except OverflowError:
        return _unsigned(items)


def _unsigned(items: Sequence[int]) -> array.array[int]:
    for index, item in enumerate(items):
        if not 0 <= item < 1 << 64:
            fault = Fault("want int that fits 64 bits with the other items of an array")
            fault.at(index)
            raise fault
    return array.array("Q", items)


def _of_text(make: Callable[[str], Any], name: str) -> Callable[[Any], Any]:
    def remake(value: Any) -> Any:
        if type(value) is not str:
            raise misfit(value, f"{name}: a str")
        try:
            return make(value)
        except Exception as error:
            raise Fault(f"want {name}: {told(error)}") from error

    return remake


TEXTS: Mapping[type[Any], Callable[[str], Any]] = {
    **{cls: cls for cls in ADDRESSES},
    pathlib.PurePath: pathlib.PurePath,
    pathlib.PurePosixPath: pathlib.PurePosixPath,
    pathlib.PureWindowsPath: pathlib.PureWindowsPath,
    pathlib.Path: pathlib.Path,
    type(pathlib.Path()): pathlib.Path,
    os.PathLike: pathlib.Path,
    zoneinfo.ZoneInfo: zoneinfo.ZoneInfo,
    collections.UserString: collections.UserString,
}
"""Classes that are made of a text again, and what makes them."""

REMAKERS: Mapping[type[Any], Callable[[Any], Any]] = {
    range: _range,
    array.array: _array,
    **{cls: _of_text(make, cls.__name__) for cls, make in TEXTS.items()},
}
"""What makes an object of a class of the value that it travels as. Each raises a Fault."""
