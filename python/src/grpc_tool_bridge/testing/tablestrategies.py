# Values of every type go through here, so that most are of an unknown one.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""hypothesis strategies for tables, series and arrays of pandas, polars, pyarrow and numpy.

Needs hypothesis and these four libraries.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import importlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Values = st.SearchStrategy[Any]

# Their own types say less than Any where a strict reader wants to know all.
np: Any = importlib.import_module("numpy")
pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")
pa: Any = importlib.import_module("pyarrow")

__all__ = [
    "arrays",
    "dataframes",
    "polars_frames",
    "pyarrow_tables",
    "series",
    "table_kinds",
    "tables",
]

_ROWS = 6
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - pandas gives it its zone
_CENTURY = 3_000_000_000

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_INT64 = st.integers(-(2**63), 2**63 - 1)
_NAN = float("nan")
_FLOAT = st.floats(allow_nan=False) | st.sampled_from([_NAN, -_NAN, -0.0, float("inf")])
# Of hypothesis' own floats of 32 bits, those that are too large end the example.
_SINGLE = st.floats(allow_nan=False).map(lambda number: ctypes.c_float(number).value) | (
    st.sampled_from([_NAN, -_NAN])
)
_MISSING = st.sampled_from([None, _NAN, -_NAN, pd.NaT, pd.NA])
_SECONDS = st.integers(-_CENTURY, _CENTURY)
_MOMENT = _SECONDS.map(lambda seconds: _EPOCH + dt.timedelta(seconds=seconds))
_DECIMAL = st.integers(-(10**9), 10**9).map(lambda digits: Decimal(digits).scaleb(-2))


def tables() -> Values:
    """Tables, series and arrays of all four libraries."""
    drawn = [values for _, weight, values, _ in table_kinds() for _ in range(weight)]
    return st.sampled_from(drawn).flatmap(lambda values: values)


def table_kinds() -> list[tuple[str, int, Values, Callable[[Any], bool]]]:
    """The kinds of tables, series and arrays: the name of each, its weight, its values, and what they are."""
    single = polars_frames().filter(lambda frame: frame.width > 0)
    polars_series = single.map(lambda frame: frame.to_series(0))

    def of(kind: type[Any]) -> Callable[[Any], bool]:
        return lambda value: type(value) is kind

    return [
        ("pandas.DataFrame", 2, dataframes(), of(pd.DataFrame)),
        ("pandas.Series", 2, series(), of(pd.Series)),
        ("polars.DataFrame", 1, polars_frames(), of(pl.DataFrame)),
        ("polars.Series", 1, polars_series, of(pl.Series)),
        ("pyarrow.Table", 1, pyarrow_tables(), of(pa.Table)),
        ("numpy.ndarray", 2, arrays(), of(np.ndarray)),
    ]


def _nullable(cells: Values) -> Values:
    return st.none() | cells


def _integers(bits: int, *, signed: bool) -> Values:
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


def _objects(cells: Sequence[Any]) -> Any:
    made = np.empty(len(cells), dtype=object)
    made[:] = [*cells]
    return made


_PANDAS: Mapping[str, tuple[Values, Callable[[Sequence[Any]], Any]]] = {
    **{
        f"{'int' if signed else 'uint'}{bits}": (
            _integers(bits, signed=signed),
            lambda cells, name=f"{'int' if signed else 'uint'}{bits}": np.array(cells, dtype=name),
        )
        for bits in (8, 16, 32, 64)
        for signed in (True, False)
    },
    "float64": (_FLOAT, lambda cells: np.array(cells, dtype="float64")),
    "float32": (
        _SINGLE,
        lambda cells: np.array(cells, dtype="float32"),
    ),
    "bool": (st.booleans(), lambda cells: np.array(cells, dtype="bool")),
    "str": (_TEXT, lambda cells: pd.array(cells, dtype="str")),
    "string": (_nullable(_TEXT), lambda cells: pd.array(cells, dtype="string")),
    "Int64": (_nullable(_INT64), lambda cells: pd.array(cells, dtype="Int64")),
    "UInt8": (_nullable(st.integers(0, 255)), lambda cells: pd.array(cells, dtype="UInt8")),
    "Float64": (_nullable(_FLOAT), lambda cells: _nullable_floats(cells, "float64")),
    "Float32": (_nullable(_SINGLE), lambda cells: _nullable_floats(cells, "float32")),
    "halves": (_nullable(_FLOAT), lambda cells: _arrow_cells(cells, pa.float16())),
    "doubles": (_nullable(_FLOAT), lambda cells: _arrow_cells(cells, pa.float64())),
    "boolean": (_nullable(st.booleans()), lambda cells: pd.array(cells, dtype="boolean")),
    "datetime64[ns]": (_nullable(_MOMENT), lambda cells: np.array(cells, dtype="datetime64[ns]")),
    "datetime64[us]": (_nullable(_MOMENT), lambda cells: np.array(cells, dtype="datetime64[us]")),
    "datetime64[s]": (_nullable(_MOMENT), lambda cells: np.array(cells, dtype="datetime64[s]")),
    "zone": (
        _nullable(_MOMENT),
        lambda cells: pd.DatetimeIndex(np.array(cells, dtype="datetime64[ns]"), tz="Europe/Berlin"),
    ),
    "timedelta": (
        _nullable(_SECONDS.map(lambda seconds: dt.timedelta(seconds=seconds))),
        lambda cells: np.array(cells, dtype="timedelta64[ns]"),
    ),
    "category": (
        _nullable(st.sampled_from("abc")),
        lambda cells: pd.Categorical(cells, list("cabd")),
    ),
    "ordered": (
        _nullable(st.sampled_from([3, 1])),
        lambda cells: pd.Categorical(cells, [3, 1, 2], ordered=True),
    ),
    "bytes": (_nullable(st.binary(max_size=5)), lambda cells: pd.array(cells, dtype="object")),
    "date": (_nullable(st.dates()), lambda cells: pd.array(cells, dtype="object")),
    "decimal": (_nullable(_DECIMAL), lambda cells: pd.array(cells, dtype="object")),
    **{
        f"{name} and what is missing": (cells | _MISSING, _objects)
        for name, cells in {
            "texts": _TEXT,
            "floats": _FLOAT,
            "ints": _INT64,
            "bools": st.booleans(),
            "dates": st.dates(),
            "lists": st.lists(_nullable(_FLOAT), max_size=3),
        }.items()
    },
    "period": (_SECONDS, lambda cells: pd.PeriodIndex(_moments(cells), freq="D")),
}


def _nullable_floats(cells: Sequence[float | None], dtype: str) -> Any:
    """Floats with NaN and NA apart."""
    values = np.array([0.0 if cell is None else cell for cell in cells], dtype=dtype)
    mask = np.array([cell is None for cell in cells], dtype=bool)
    return pd.arrays.FloatingArray(values, mask)


def _arrow_cells(cells: Sequence[Any], kind: Any) -> Any:
    plain = pa.array(cells, pa.float64())
    with np.errstate(over="ignore"):
        values = plain.to_numpy(zero_copy_only=False).astype(kind.to_pandas_dtype())
    mask = plain.is_null().to_numpy(zero_copy_only=False)
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, kind, mask=mask)]))


def _moments(seconds: Sequence[int]) -> Any:
    return pd.DatetimeIndex(np.array(seconds, dtype="datetime64[s]"))


_NAMES: Values = st.one_of(
    _TEXT,
    st.sampled_from(["a", "b", "0", "index", "__index_level_0__", "$bytes"]),
)
_LABELS: Values = st.one_of(_NAMES, st.integers(0, 5), st.none(), st.tuples(_TEXT, st.integers()))


@st.composite
def dataframes(draw: st.DrawFn) -> Any:
    """DataFrames: columns of all dtypes, names of all kinds and twice, indexes of all kinds, ``attrs``."""
    rows = draw(st.integers(0, _ROWS))
    kinds = draw(st.lists(st.sampled_from([*_PANDAS]), max_size=5))
    index = draw(_index(rows))
    columns = [_column(draw, kind, rows, index) for kind in kinds]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    frame.columns = draw(_column_names(len(columns)))
    frame.attrs = draw(_attrs())
    return frame


def _column(draw: st.DrawFn, kind: str, rows: int, index: Any) -> Any:
    cells, make = _PANDAS[kind]
    return pd.Series(make(draw(st.lists(cells, min_size=rows, max_size=rows))), index=index)


def _attrs() -> Values:
    return st.just({}) | st.dictionaries(_TEXT, _INT64 | st.tuples(_TEXT) | st.binary(), max_size=2)


def _column_names(count: int) -> Values:
    several = st.lists(_LABELS, min_size=count, max_size=count)
    return st.one_of(
        st.lists(_NAMES, min_size=count, max_size=count, unique=True).map(
            lambda names: pd.Index(names, dtype="str")
        ),
        several.map(lambda names: pd.Index(names, dtype=object, tupleize_cols=False)),
        st.just(pd.RangeIndex(count)),
        st.just(pd.Index([3 - number for number in range(count)], dtype="int64", name="numbers")),
        st.just(pd.date_range("2024-01-01", periods=count)),
        st.just(pd.MultiIndex.from_arrays([["x"] * count, [*range(count)]], names=["level", None])),
    )


def _index(rows: int) -> Values:
    names = st.one_of(st.none(), _NAMES, st.integers(0, 3))
    count: dict[str, Any] = {"min_size": rows, "max_size": rows}
    one = st.one_of(
        st.builds(
            lambda start, step: pd.RangeIndex(start, start + rows * step, step),
            st.integers(-9, 9),
            st.sampled_from([1, 2, -1]),
        ),
        st.lists(_TEXT, **count).map(lambda cells: pd.Index(cells, dtype="str")),
        st.lists(_INT64, **count).map(lambda cells: pd.Index(cells, dtype="int64")),
        st.lists(_FLOAT, **count).map(lambda cells: pd.Index(cells, dtype="float64")),
        st.lists(_SINGLE, **count).map(lambda cells: pd.Index(cells, dtype="float32")),
        st.lists(_nullable(_FLOAT), **count).map(
            lambda cells: pd.Index(_nullable_floats(cells, "float64"))
        ),
        st.lists(_nullable(_INT64), **count).map(lambda cells: pd.Index(cells, dtype="Int64")),
        st.lists(_FLOAT | _MISSING, **count).map(_object_index),
        st.lists(_TEXT | _MISSING, **count).map(_object_index),
        st.just(pd.interval_range(0, rows)),
        st.just(pd.date_range("2024-03-30", periods=rows, freq="h", tz="Europe/Berlin")),
        st.lists(_SECONDS, **count).map(_moments),
    )
    level = st.one_of(
        st.lists(_TEXT, **count),
        st.lists(_nullable(_INT64), **count).map(lambda cells: pd.array(cells, dtype="Int64")),
        st.lists(_FLOAT, **count).map(lambda cells: np.array(cells, dtype="float64")),
        st.just(pd.RangeIndex(rows)),
        st.just(pd.interval_range(0, rows)),
    )
    levels = st.builds(
        lambda first, second, name: pd.MultiIndex.from_arrays([first, second], names=[name, None]),
        level,
        level,
        names,
    )
    return st.one_of(
        st.builds(lambda index, name: index.rename(name), one, names),
        levels,
        levels.map(_with_plain_ints),
    )


def _object_index(cells: Sequence[Any]) -> Any:
    return pd.Index(_objects(cells), dtype=object, tupleize_cols=False)


def _with_plain_ints(index: Any) -> Any:
    """Levels of plain ints, of which some may be missing as in no other index."""
    return index.set_levels(
        [level.astype("int64") if str(level.dtype) == "Int64" else level for level in index.levels]
    )


@st.composite
def series(draw: st.DrawFn) -> Any:
    """Series of all dtypes, with names of all kinds."""
    rows = draw(st.integers(0, _ROWS))
    made = _column(draw, draw(st.sampled_from([*_PANDAS])), rows, draw(_index(rows)))
    made.name = draw(_LABELS)
    made.attrs = draw(_attrs())
    return made


_POLARS: Mapping[Any, Values] = {
    pl.Int8: _integers(8, signed=True),
    pl.UInt64: _integers(64, signed=False),
    pl.Int64: _INT64,
    pl.Float64: _FLOAT,
    pl.Float32: _SINGLE,
    pl.Boolean: st.booleans(),
    pl.String: _TEXT,
    pl.Binary: st.binary(max_size=5),
    pl.Date: st.dates(),
    pl.Time: st.times(),
    pl.Datetime("us", "Europe/Berlin"): _MOMENT,
    pl.Datetime("ns"): _MOMENT,
    pl.Duration("ms"): _SECONDS.map(lambda seconds: dt.timedelta(seconds=seconds)),
    pl.Decimal(20, 2): _DECIMAL,
    pl.List(pl.Int64): st.lists(_nullable(_INT64), max_size=3),
    pl.Struct({"a": pl.Int64, "b": pl.String}): st.fixed_dictionaries({"a": _INT64, "b": _TEXT}),
    pl.Null: st.none(),
    pl.Enum(["x", "y"]): st.sampled_from("xy"),
}


@st.composite
def polars_frames(draw: st.DrawFn) -> Any:
    """DataFrames of polars, with nulls."""
    rows = draw(st.integers(0, _ROWS))
    names = draw(st.lists(_TEXT, max_size=4, unique=True))
    return pl.DataFrame(
        [
            pl.Series(
                name,
                draw(st.lists(_nullable(_POLARS[kind]), min_size=rows, max_size=rows)),
                dtype=kind,
            )
            for name, kind in [(name, draw(st.sampled_from([*_POLARS]))) for name in names]
        ]
    )


_ARROW: Sequence[tuple[Any, Values]] = [
    (pa.int8(), _integers(8, signed=True)),
    (pa.uint64(), _integers(64, signed=False)),
    (pa.int64(), _INT64),
    (pa.float64(), _FLOAT),
    (pa.float32(), _SINGLE),
    (pa.bool_(), st.booleans()),
    (pa.string(), _TEXT),
    (pa.large_string(), _TEXT),
    (pa.binary(), st.binary(max_size=5)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.date32(), st.dates()),
    (pa.time64("us"), st.times()),
    (pa.timestamp("us", "Europe/Berlin"), _MOMENT),
    (pa.timestamp("ms"), _MOMENT),
    (pa.duration("s"), _SECONDS.map(lambda seconds: dt.timedelta(seconds=seconds))),
    (pa.decimal128(20, 2), _DECIMAL),
    (pa.list_(pa.int64()), st.lists(_nullable(_INT64), max_size=3)),
    (pa.large_list(pa.string()), st.lists(_TEXT, max_size=2)),
    (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": _nullable(_INT64)})),
    (pa.map_(pa.string(), pa.int64()), st.lists(st.tuples(_TEXT, _INT64), max_size=2)),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["x", "y"])),
    (pa.null(), st.none()),
]


@st.composite
def pyarrow_tables(draw: st.DrawFn) -> Any:
    """Tables of pyarrow: all types, nulls, names that are there twice, metadata, several chunks."""
    rows = draw(st.integers(0, _ROWS))
    fields = draw(st.lists(st.tuples(_TEXT, st.sampled_from(_ARROW)), max_size=4))
    columns = [
        pa.array(draw(st.lists(_nullable(cells), min_size=rows, max_size=rows)), type=kind)
        for _, (kind, cells) in fields
    ]
    metadata = draw(
        st.none() | st.dictionaries(st.binary(max_size=5), st.binary(max_size=5), min_size=1)
    )
    schema = pa.schema([(name, kind) for name, (kind, _) in fields], metadata=metadata)
    table = pa.Table.from_arrays(columns, schema=schema)
    return pa.concat_tables([table, table]) if draw(st.booleans()) else table


_DTYPES = [
    "bool",
    "int8",
    "uint8",
    "<i2",
    ">i2",
    "<i4",
    "uint32",
    "int64",
    ">i8",
    "uint64",
    "float16",
    "float32",
    "float64",
    ">f8",
    "complex64",
    "complex128",
    "datetime64[ns]",
    "datetime64[D]",
    "timedelta64[us]",
    "S4",
    "U3",
]


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Arrays of numpy of every plain dtype, of up to three dimensions, in either order."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    dtype = np.dtype(draw(st.sampled_from(_DTYPES)))
    count = int(np.prod(shape, dtype=int))
    if dtype.kind in "SU":
        cells = draw(
            st.lists(
                st.text("abcé" if dtype.kind == "U" else "abc", max_size=3),
                min_size=count,
                max_size=count,
            )
        )
        array = np.array(cells, dtype=dtype).reshape(shape)
    else:
        numbers = [byte // 2 for byte in draw(st.binary(min_size=count, max_size=count))]
        array = np.array(numbers, dtype="int64").astype(dtype).reshape(shape)
    if dtype.kind in "fc" and count and draw(st.booleans()):
        array.flat[0] = draw(st.sampled_from([float("nan"), -0.0, float("inf"), 5e-324]))
    return np.asfortranarray(array) if draw(st.booleans()) else array
