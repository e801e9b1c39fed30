# ruff: noqa: UP007, UP045 - both forms of unions are tested
from __future__ import annotations

import datetime as dt
import inspect
import typing
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from google.protobuf import timestamp_pb2
from hintsamples import Color, Model, Options, Pair, Point, Root, Wrapped

from grpc_tool_bridge import schema
from grpc_tool_bridge.schema import type_name
from grpc_tool_bridge.values import EnumValue, Record


@pytest.mark.parametrize(
    ("hint", "name", "nullable"),
    [
        (inspect.Parameter.empty, "any", False),
        (Any, "any", False),
        (None, "none", False),
        (bool, "bool", False),
        (int, "int", False),
        (Optional[int], "int", True),
        (int | None, "int", True),
        (Union[int, str], "any", False),
        (int | str | None, "any", True),
        (Literal["a", "b"], "str", False),
        (Literal["a", None], "str", True),
        (Literal["a", 1], "any", False),
        (Annotated[float, "how far"], "float", False),
        (typing.NewType("Key", str), "str", False),
        (bytearray, "bytes", False),
        (list[int], "list", False),
        (Sequence[int], "any", False),
        (tuple[int, ...], "tuple", False),
        (frozenset[int], "set", False),
        (dict[str, int], "dict", False),
        (Options, "dict", False),
        (dt.datetime, "datetime", False),
        (dt.date, "date", False),
        (dt.time, "time", False),
        (dt.timedelta, "timedelta", False),
        (Decimal, "Decimal", False),
        (uuid.UUID, "UUID", False),
        (Color, "Enum", False),
        (EnumValue, "Enum", False),
        (Point, "record", False),
        (Pair, "record", False),
        (Model, "record", False),
        (Record, "record", False),
        (ValueError, "record", False),
        (pd.DataFrame, "DataFrame", False),
        (pl.DataFrame, "DataFrame", False),
        (pd.Series, "Series", False),
        (pa.Table, "Table", False),
        (np.ndarray, "ndarray", False),
        (timestamp_pb2.Timestamp, "message", False),
        (Root, "any", False),
        (Optional[Root], "any", True),
        (Wrapped, "any", False),
        (complex, "any", False),
        (Callable[[], int], "any", False),
        (typing.TypeVar("T", bound=int), "int", False),
        (typing.TypeVar("S"), "any", False),
    ],
    ids=str,
)
def test_a_hint_has_a_name_in_the_protocol(hint, name, nullable):
    assert type_name(hint) == (name, nullable)
    assert name in schema.TYPE_NAMES
