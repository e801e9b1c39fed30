"""Series of pandas as Arrow IPC streams: as DataFrames of one column."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grpc_tool_bridge.framefaults import UNNAMED
from grpc_tool_bridge.framelabels import is_name, noted_name, read_name
from grpc_tool_bridge.framepandas import decode_dataframe, encode_dataframe, encode_named
from grpc_tool_bridge.values.fault import Fault

if TYPE_CHECKING:
    from grpc_tool_bridge.framebounds import Budget, Data
    from grpc_tool_bridge.framestreams import Unwritten

__all__ = ["decode_series", "encode_series"]


def encode_series(series: Any) -> Unwritten:
    """Encodes a Series as a DataFrame of one column."""
    name = noted_name(series.name, "the name of the series", encode_dataframe, decode_dataframe)
    plain = importlib.import_module("pandas").Series(series, copy=False)  # without attrs
    frame = plain.to_frame(name="values" if not is_name(series.name) else series.name)
    frame.attrs = {"attrs": dict(series.attrs), "name": name}
    try:
        return encode_named(frame, [series.name if type(series.name) is str else UNNAMED])
    except Fault as fault:
        if fault.steps[-2:] == [".attrs", ".attrs"]:
            fault.leave()
        raise


def decode_series(pandas: Any, data: Data, budget: Budget) -> Any:
    """Decodes a Series."""
    frame = decode_dataframe(pandas, data, budget)
    notes = dict(frame.attrs)
    frame.attrs = {}
    if frame.shape[1] != 1:
        raise Fault(f"a series is a table of 1 column, not {frame.shape[1]}")
    series = frame.iloc[:, 0]
    name = notes.get("name", frame.columns[0])
    series.name = read_name(pandas, name, budget, decode_dataframe)
    series.attrs = notes.get("attrs", {})
    return series
