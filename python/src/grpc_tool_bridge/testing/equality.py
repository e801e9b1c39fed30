# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""Strict comparison of values: by type and value, NaN with its sign, dicts with the order of their keys."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import enum
import math
import struct
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.message import Message

from grpc_tool_bridge.values import EnumValue, Record
from grpc_tool_bridge.values.classes import is_model, is_named_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["difference"]


def difference(want: Any, got: Any, path: str = "$") -> str:
    """Says where two values first differ, in type or value, and how.

    0.0 is not -0.0, 1 is no True, a datetime has its offset and the name of its zone, a DataFrame its
    dtypes, index, ``attrs`` and ``freq``, an array its dtype, shape and order. Sets have no order.

    Args:
        want: What was sent.
        got: What came back.
        path: What to call it.

    Returns:
        A sentence that begins with the path of the difference; "" if there is none.
    """
    if type(want) is not type(got):
        return f"{path}: want a {_type(want)}, got a {_type(got)} ({got!r:.80})"
    library = type(want).__module__.partition(".")[0]
    compare = _LIBRARIES.get(library)
    if compare is not None:
        return compare(want, got, path)
    for base, compare in _COMPARISONS:
        if isinstance(want, base):
            return compare(want, got, path)
    if isinstance(want, tuple) and not is_named_tuple(type(want)):
        return _sequences(cast("Sequence[Any]", want), got, path)
    fields = _fields(want)
    if fields is not None:
        return _mappings(fields, _fields(got) or {}, path)
    return "" if want == got else _unlike(want, got, path)


def _type(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _unlike(want: object, got: object, path: str) -> str:
    return f"{path}: want {want!r:.200}, got {got!r:.200}"


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Record):
        return {"class_name": value.class_name, **value.fields}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if is_named_tuple(type(value)):
        return value._asdict()
    if isinstance(value, BaseException):
        return {"args": value.args, "text": str(value), **vars(value)}
    if is_model(type(value)):
        return {**vars(value), **(value.model_extra or {})}
    return None


def _floats(want: float, got: float, path: str) -> str:
    if math.isnan(want) and math.isnan(got):
        same = math.copysign(1, want) == math.copysign(1, got)
    else:
        same = struct.pack(">d", want) == struct.pack(">d", got)
    return "" if same else _unlike(want, got, path)


def _complexes(want: complex, got: complex, path: str) -> str:
    return _floats(want.real, got.real, path + ".real") or _floats(
        want.imag, got.imag, path + ".imag"
    )


def _decimals(want: Decimal, got: Decimal, path: str) -> str:
    return "" if want.as_tuple() == got.as_tuple() else _unlike(want, got, path)


def _zone(value: Any) -> object:
    """What of a zone has to come back: its name, if it has one of the zone database."""
    zone = value.tzinfo
    return zone if isinstance(zone, dt.timezone) else getattr(zone, "key", None)


def _moments(want: Any, got: Any, path: str) -> str:
    for attribute in ("nanosecond", "fold"):
        if getattr(want, attribute, 0) != getattr(got, attribute, 0):
            return _unlike(want, got, f"{path}.{attribute}")
    same = (
        want.replace(tzinfo=None) == got.replace(tzinfo=None)
        and want.utcoffset() == got.utcoffset()
        and _zone(want) == _zone(got)
    )
    return "" if same else _unlike(want, got, path)


def _sequences(want: Sequence[Any], got: Sequence[Any], path: str) -> str:
    if len(want) != len(got):
        return f"{path}: want {len(want)} items, got {len(got)}"
    return _first(
        difference(item, other, f"{path}[{index}]")
        for index, (item, other) in enumerate(zip(want, got, strict=True))
    )


def _sets(want: Any, got: Any, path: str) -> str:
    left = list(got)
    if len(want) != len(left):
        return f"{path}: want {len(want)} items, got {len(left)}"
    for item in want:
        like = next((index for index, other in enumerate(left) if not difference(item, other)), -1)
        if like < 0:
            return f"{path}: the item {item!r:.80} is missing in {left!r:.200}"
        del left[like]
    return ""


def _mappings(want: Mapping[Any, Any], got: Mapping[Any, Any], path: str) -> str:
    return _sequences(list(want), list(got), path + ".keys()") or _first(
        difference(item, other, f"{path}[{key!r:.60}]")
        for (key, item), other in zip(want.items(), got.values(), strict=True)
    )


def _first(differences: Iterable[str]) -> str:
    return next(filter(None, differences), "")


_COMPARISONS: Sequence[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any, Any, str], str]]] = (
    (EnumValue, lambda want, got, path: _mappings(vars(want), vars(got), path)),
    (enum.Enum, lambda want, got, path: "" if want is got else _unlike(want, got, path)),
    (float, _floats),
    (complex, _complexes),
    (Decimal, _decimals),
    ((dt.datetime, dt.time), _moments),
    ((list, collections.deque, array.array), _sequences),
    ((set, frozenset), _sets),
    (dict, _mappings),
    (
        Message,
        lambda want, got, path: (
            ""
            if want.SerializeToString(deterministic=True)
            == got.SerializeToString(deterministic=True)
            else _unlike(want, got, path)
        ),
    ),
)


# Tables. Each comparison is given objects of its library, so that this is loaded already.


def _pandas(want: Any, got: Any, path: str) -> str:
    pandas = sys.modules["pandas"]
    if not isinstance(want, (pandas.DataFrame, pandas.Series)):
        if want is got:  # NaT and NA are equal to nothing
            return ""
        return "" if want == got and str(want) == str(got) else _unlike(want, got, path)
    is_frame = isinstance(want, pandas.DataFrame)
    test = pandas.testing
    check = test.assert_frame_equal if is_frame else test.assert_series_equal
    exact: dict[str, Any] = {"check_column_type": "exact"} if is_frame else {}
    try:
        check(
            _but_objects(want),
            _but_objects(got),
            check_exact=True,
            check_index_type="exact",
            **exact,
        )
    except AssertionError as error:
        return f"{path}: {error!s:.600}"
    found = difference(want.attrs, got.attrs, path + ".attrs")
    if is_frame:
        found = found or _labels(want.columns, got.columns, path + ".columns")
    else:
        found = found or difference(want.name, got.name, path + ".name")
    return found or _labels(want.index, got.index, path + ".index") or _cells(want, got, path)


def _but_objects(value: Any) -> Any:
    """The same with columns of a category in the place of objects, which pandas compares loosely, or not at all."""
    pandas = sys.modules["pandas"]
    frame = value.to_frame() if isinstance(value, pandas.Series) else value.copy(deep=False)
    for position, dtype in enumerate(frame.dtypes):
        if str(dtype) == "object":
            frame.isetitem(position, pandas.Categorical(["object"] * len(frame)))
    return frame.iloc[:, 0].rename(value.name) if isinstance(value, pandas.Series) else frame


def _labels(want: Any, got: Any, path: str) -> str:
    if type(want) is not type(got):
        return f"{path}: want a {_type(want)}, got a {_type(got)}"
    found = difference(list(want.names), list(got.names), path + ".names")
    if str(want.dtype) in {"Float32", "Float64"} and not found:
        return _nullable_floats(want.to_series(), got.to_series(), path)
    return found or difference(list(want), list(got), path)


def _cells(want: Any, got: Any, path: str) -> str:
    """Compares what pandas' own comparison takes for equal: signs of zero and NaN, types of objects."""
    pandas = sys.modules["pandas"]
    if isinstance(want, pandas.Series):
        want, got = want.to_frame(), got.to_frame()
    for position in range(want.shape[1]):
        column, other = want.iloc[:, position], got.iloc[:, position]
        name = f"{path}.iloc[:, {position}]"
        found = _column(column, other, name)
        if found:
            return found
    return ""


def _column(want: Any, got: Any, path: str) -> str:
    dtype = str(want.dtype)
    if dtype.startswith("float"):
        return _arrays(want.to_numpy(), got.to_numpy(), path)
    if dtype in {"Float32", "Float64"}:
        return _nullable_floats(want, got, path)
    return difference([*want], [*got], path) if dtype == "object" else ""


def _nullable_floats(want: Any, got: Any, path: str) -> str:
    """Compares floats of which NaN is one, and NA another."""
    numbers, others = (
        cells.to_numpy(dtype=cells.dtype.numpy_dtype, na_value=0.0) for cells in (want, got)
    )
    return _arrays(want.isna().to_numpy(), got.isna().to_numpy(), path + ".isna()") or _arrays(
        numbers, others, path
    )


def _polars(want: Any, got: Any, path: str) -> str:
    name = "assert_frame_equal" if hasattr(want, "schema") else "assert_series_equal"
    try:
        getattr(__import__("polars.testing").testing, name)(want, got, check_exact=True)
    except AssertionError as error:
        return f"{path}: {error!s:.600}"
    return ""


def _pyarrow(want: Any, got: Any, path: str) -> str:
    if not hasattr(want, "schema"):
        return "" if want == got else _unlike(want, got, path)
    if not want.schema.equals(got.schema, check_metadata=True):
        return _unlike(want.schema, got.schema, path + ".schema")
    # Table.equals takes no NaN for itself.
    return _first(
        difference(column.to_pylist(), other.to_pylist(), f"{path}.{name}")
        for name, column, other in zip(want.column_names, want.columns, got.columns, strict=True)
    )


def _arrays(want: Any, got: Any, path: str) -> str:
    if not hasattr(want, "dtype") or not hasattr(want, "tobytes"):
        return "" if want == got else _unlike(want, got, path)
    for attribute in ("dtype", "shape"):
        if getattr(want, attribute) != getattr(got, attribute):
            found, other = getattr(want, attribute), getattr(got, attribute)
            return _unlike(found, other, f"{path}.{attribute}")
    if getattr(want, "ndim", 0) and want.flags.f_contiguous != got.flags.f_contiguous:
        return f"{path}: want order {want.flags!r:.80}, got {got.flags!r:.80}"
    return "" if want.tobytes() == got.tobytes() else _unlike(want, got, path)


_LIBRARIES: Mapping[str, Callable[[Any, Any, str], str]] = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
    "numpy": _arrays,
}
