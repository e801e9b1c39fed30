"""Hints that no value fits which travels, such as functions, patterns and iterators that are sent to."""

from __future__ import annotations

import collections.abc as abc
import functools
import re
import types
import typing
from typing import Any, Final

import typing_extensions as tx

from grpc_tool_bridge.values.hintforms import bare
from grpc_tool_bridge.values.misfit import name_of

from .hints import noted_hint, union_members

__all__ = ["is_unfit", "refuse_unfit"]

_UNFIT: Final[tuple[Any, ...]] = (
    abc.Callable,  # pyright: ignore[reportUnknownMemberType]
    *(types.FunctionType, functools.partial, type, types.ModuleType),
    *(abc.Generator, abc.AsyncGenerator, abc.AsyncIterator, abc.AsyncIterable),
    *(abc.Awaitable, abc.Coroutine, abc.KeysView, abc.ValuesView, abc.ItemsView),
    *(re.Pattern, re.Match, slice, tx.Never, tx.NoReturn, typing.NoReturn, tx.Unpack),
)


def refuse_unfit(name: str, hint: Any, function: str) -> None:
    """Refuses a parameter that could be given nothing.

    Raises:
        TypeError: No value that travels fits its hint.
    """
    if is_unfit(hint):
        raise TypeError(
            f"the type hint {name_of(bare(hint))} of {name!r} in {function} takes no value that travels: declare"
            " what does, such as a str that names it, and make the object of it in the function"
        )


def is_unfit(hint: Any) -> bool:
    """Reports whether no value that travels fits a hint."""
    noted = noted_hint(hint)
    if noted is not None and noted.model is not None:  # pydantic makes it of something else
        return False
    hint = bare(hint)
    members = union_members(hint)
    if members is not None:
        return all(map(is_unfit, members))
    return (typing.get_origin(hint) or hint) in _UNFIT
