"""Names of a pandas table's columns that are no unique texts: described in its notes, and made again of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.framebounds import Budget
from grpc_tool_bridge.framecells import is_object
from grpc_tool_bridge.framedtypes import same_index
from grpc_tool_bridge.values.decode import decode
from grpc_tool_bridge.values.encode import encode
from grpc_tool_bridge.values.fault import Fault
from grpc_tool_bridge.values.kinds import surrogate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grpc_tool_bridge.framestreams import Unwritten

    _Encode = Callable[[Any], Unwritten]
    _Decode = Callable[[Any, bytes, Budget], Any]

__all__ = [
    "are_unique_strings",
    "described_labels",
    "is_name",
    "noted_name",
    "read_labels",
    "read_name",
]


def are_unique_strings(columns: Any) -> bool:
    """Reports whether the names of columns can be those of Arrow's."""
    import pandas as pd

    for label in columns if is_object(columns.dtype) and columns.nlevels == 1 else ():
        _check_hashable(label)
    try:
        plain = columns.nlevels == 1 and columns.is_unique and len(columns) > 0
    except Exception:  # noqa: BLE001 - pandas has no such look at labels of Arrow's views
        return False
    return (
        plain
        and not isinstance(columns, pd.MultiIndex)
        # An index of objects is another than one of texts since pandas 3.
        and columns.dtype == pd.Index(["a"]).dtype
        and all(type(name) is str for name in columns)
    )


def is_name(name: object) -> bool:
    """Reports whether something can be the name of a column or a level in pandas' metadata."""
    return name is None or type(name) is str


def described_labels(columns: Any, encode_frame: _Encode, decode_frame: _Decode) -> dict[str, Any]:
    """Describes the names of columns: one by one where the same are made of these, else as the index of a frame.

    Args:
        columns: The names.
        encode_frame: Encodes a DataFrame.
        decode_frame: Decodes one.

    Raises:
        Fault: In neither way the same names would arrive.
    """
    import pandas as pd

    names = [
        noted_name(name, "the name of the columns", encode_frame, decode_frame)
        for name in columns.names
    ]
    if isinstance(columns, pd.RangeIndex):
        return {"range": (columns.start, columns.stop, columns.step), "name": names[0]}
    if is_object(columns.dtype):  # so is that of several levels
        described = {"labels": _tuples(columns), "names": names}
        if _arrive(pd, columns, described, decode_frame):
            return described
    try:
        written = encode_frame(pd.DataFrame(index=columns)).write()
    except Exception as error:
        what = error.message if isinstance(error, Fault) else f"{error!s:.200}"
        raise Fault(f"the names of the columns, as an index: {what}") from error
    described = {"frame": bytes(written)}
    if _arrive(pd, columns, described, decode_frame):
        return described
    raise Fault(
        f"the names of the columns would come back as others, {columns!r:.200}: make them texts, such as with"
        " df.columns = df.columns.map(str)"
    )


def noted_name(name: object, what: str, encode_frame: _Encode, decode_frame: _Decode) -> object:
    """A name as it stands in the notes; one that is no value, such as a period, as the only label that there is.

    Raises:
        Fault: It cannot be sent; ``what`` is what the message calls it.
    """
    import pandas as pd

    if type(name) is str:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise Fault(f"{what}, {name!r:.60}, cannot be sent: {surrogate(error)}") from error
    if is_name(name):
        return name
    if type(name) is tuple:
        parts = cast("tuple[object, ...]", name)
        return tuple(noted_name(part, what, encode_frame, decode_frame) for part in parts)

    def described() -> dict[str, Any]:
        only = pd.Index([name], tupleize_cols=False)
        return described_labels(only, encode_frame, decode_frame)

    if type(name) in (pd.Timestamp, pd.Timedelta):  # of which values make the standard library's
        return described()
    try:
        encode(name, strict=True)
    except SerializationError as error:
        try:
            return described()
        except Fault:
            reason = error.message.removeprefix("$: ")
            raise Fault(f"{what}, {name!r:.60}, cannot be sent: {reason}") from error
    return name


def read_name(pandas: Any, noted: Any, budget: Budget, decode_frame: _Decode) -> Any:
    """Makes a name of what stands in the notes.

    Raises:
        Fault: It is none.
    """
    if type(noted) is tuple:
        parts = cast("tuple[Any, ...]", noted)
        return tuple(read_name(pandas, part, budget, decode_frame) for part in parts)
    if not isinstance(noted, dict):
        return noted
    labels = read_labels(pandas, cast("dict[str, Any]", noted), budget, decode_frame)
    if len(labels) != 1:
        raise Fault(f"malformed notes: a name is one label, not {len(labels)}")
    return labels[0]


def _arrive(pandas: Any, columns: Any, described: dict[str, Any], decode_frame: _Decode) -> bool:
    """Reports whether who reads this description makes the same names of it."""
    try:
        read = cast("Any", decode(encode(described, strict=True)))
        budget = Budget("pandas.DataFrame", len(described.get("frame", b"")))
        return same_index(columns, read_labels(pandas, read, budget, decode_frame))
    except Exception:  # noqa: BLE001 - whatever it is, these names are not made of it
        return False


def _tuples(columns: Any) -> list[Any]:
    """The names of columns, one by one."""
    if columns.nlevels == 1:
        return list(columns)
    plain = columns.set_names([None] * columns.nlevels)  # a name could be a number, as of a level
    levels = [list(plain.get_level_values(level)) for level in range(columns.nlevels)]
    return list(zip(*levels, strict=True))


def read_labels(
    pandas: Any, notes: Mapping[str, Any], budget: Budget, decode_frame: _Decode
) -> Any:
    """Makes the names of columns of their description.

    Raises:
        Fault: They are no names.
    """
    if "range" in notes:
        name = read_name(pandas, notes["name"], budget, decode_frame)
        return pandas.RangeIndex(*notes["range"], name=name)
    if "frame" in notes:
        return decode_frame(pandas, cast("bytes", notes["frame"]), budget).index
    labels = notes["labels"]
    names = [read_name(pandas, name, budget, decode_frame) for name in notes["names"]]
    for label in labels:
        _check_hashable(label)
    if len(names) > 1:
        return _multi_index(pandas, labels, names)
    return pandas.Index(labels, name=names[0], dtype=object, tupleize_cols=False)


def _check_hashable(label: Any) -> None:
    try:
        hash(label)
    except TypeError as error:
        raise Fault(f"want a hashable name of a column, got {label!r:.60}: {error}") from error


def _multi_index(pandas: Any, labels: list[Any], names: list[Any]) -> Any:
    index = pandas.MultiIndex.from_tuples(labels, names=names)
    for level in range(len(names)):
        items = [None if label[level] != label[level] else label[level] for label in labels]
        if index.levels[level].dtype.kind != "f" or not all(
            item is None or type(item) is int for item in items
        ):
            continue
        exact = pandas.MultiIndex.from_arrays([pandas.array(items, dtype="Int64")])
        index = index.set_levels(exact.levels[0].astype("int64"), level=level)
        index = index.set_codes(exact.codes[0], level=level)
    return index
