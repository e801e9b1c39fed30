"""Hints of items and of keys and values: lists, tuples, sets, dicts and their kind."""

from __future__ import annotations

import collections
import collections.abc as abc
import types
from typing import TYPE_CHECKING, Any, cast, get_origin

from .distinct import refuse_crowded, refuse_first
from .fault import PASSING, Fault, told
from .misfit import misfit, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Fit = Callable[[Any, Any], Any]
    """Makes of a part what its hint asks for; raises a Fault."""

__all__ = ["ITEMS", "MAPPINGS", "built", "fit_items", "fit_mapping", "fit_tuple"]


_MANY = (list, tuple, set, frozenset)

# Hints of items: what they accept, and what is made of it; None leaves it what it is.


ITEMS: Mapping[Any, tuple[tuple[type, ...], Callable[[list[Any]], Any] | None]] = {
    list: ((list,), list),
    collections.deque: ((list,), collections.deque),
    collections.UserList: ((list,), collections.UserList),
    abc.MutableSequence: ((list, tuple), list),
    abc.Sequence: ((list, tuple), None),
    abc.Reversible: ((list, tuple), None),
    abc.Collection: (_MANY, None),
    abc.Iterable: (_MANY, None),
    abc.Container: (_MANY, None),
    abc.Iterator: (_MANY, iter),
    set: ((list, set, frozenset), set),
    frozenset: ((list, set, frozenset), frozenset),
    abc.Set: ((list, set, frozenset), frozenset),
    abc.MutableSet: ((list, set, frozenset), set),
}


MAPPINGS: Mapping[Any, Callable[[dict[Any, Any]], Any]] = {
    dict: dict,
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
    collections.defaultdict: lambda items: collections.defaultdict(None, items),
    collections.ChainMap: collections.ChainMap,
    collections.UserDict: collections.UserDict,
    types.MappingProxyType: types.MappingProxyType,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
}


def fit_items(value: Any, origin: Any, hint: Any, fit: Fit) -> Any:
    """Makes a list, tuple or set what a hint of items asks for.

    Raises:
        Fault: It does not fit.
    """
    accepted, make = ITEMS[origin]
    if not isinstance(value, accepted):
        raise misfit(value, name_of(origin))
    items = list(cast("Sequence[Any]", value))
    if list(set(map(type, items))) != [hint]:  # a note that is a dict has no hash
        items = _each(items, hint, fit)
    if make in (set, frozenset):
        refuse_crowded(items, Fault.at, "item")
    made: Any = built(make or next(cls for cls in accepted if isinstance(value, cls)), items)
    if make in (set, frozenset):
        refuse_first(items, Fault.at, "item")
    return made


def _each(items: Sequence[Any], hint: Any, fit: Fit) -> list[Any]:
    fitted: list[Any] = []
    try:
        for item in items:
            fitted.append(fit(item, hint))  # noqa: PERF401 - counts those that fit
    except Fault as fault:
        fault.at(len(fitted))
        raise
    return fitted


def built(make: Callable[[Any], Any], items: Any, cls: Any = None) -> Any:
    """Calls what makes an object of its parts.

    Raises:
        Fault: It refuses them.
    """
    try:
        return make(items)
    except PASSING:
        raise
    except Exception as error:
        raise Fault(f"no {name_of(cls or make)} can be made of it: {told(error)}") from error


def fit_tuple(value: Any, args: tuple[Any, ...], fit: Fit) -> tuple[Any, ...]:
    """Makes a tuple of a list or tuple, each item by its own hint.

    Raises:
        Fault: It does not fit.
    """
    if not isinstance(value, (tuple, list)):
        raise misfit(value, "tuple")
    items = cast("Sequence[Any]", value)
    if len(args) == 2 and args[1] is Ellipsis:
        args = (args[0],) * len(items)
    elif args == ((),):
        args = ()
    if len(args) != len(items):
        raise Fault(f"want a tuple of {len(args)} items, got {len(items)}")
    fitted: list[Any] = []
    index = 0
    try:
        for index, (item, hint) in enumerate(zip(items, args, strict=True)):  # noqa: B007 - names the item that failed
            fitted.append(fit(item, hint))
    except Fault as fault:
        fault.at(index)
        raise
    return tuple(fitted)


def fit_mapping(value: Any, origin: Any, key_hint: Any, item_hint: Any, fit: Fit) -> Any:
    """Makes a dict what a hint of keys and values asks for.

    Raises:
        Fault: It does not fit.
    """
    if not isinstance(value, dict):
        raise misfit(value, name_of(origin))
    items = cast("dict[Any, Any]", value)
    keys = _fit_keys(items, key_hint, fit)
    fitted: dict[Any, Any] = {}
    key = None
    try:
        for key, item in items.items():  # noqa: B007 - names the value that failed
            fitted[keys[len(fitted)]] = fit(item, item_hint)
    except Fault as fault:
        fault.at(key)
        raise
    if origin is collections.defaultdict:
        return collections.defaultdict(_factory(item_hint), fitted)
    return MAPPINGS[origin](fitted)


_EMPTY: tuple[Any, ...] = (
    *(bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict),
    *(collections.deque, collections.Counter, collections.OrderedDict),
)


def _factory(hint: Any) -> Any:
    """What makes the values that a defaultdict does not have: the class of its hint, where that can be empty."""
    cls = get_origin(hint) or hint
    return cls if cls in _EMPTY else None


def _fit_keys(items: dict[Any, Any], hint: Any, fit: Fit) -> list[Any]:
    keys: list[Any] = []
    try:
        for key in items:
            keys.append(fit(key, hint))  # noqa: PERF401 - its length names the key that failed
    except Fault as fault:
        fault.at_key(len(keys))
        raise
    refuse_crowded(keys, Fault.at_key, "key")
    refuse_first(keys, Fault.at_key, "key")
    return keys
