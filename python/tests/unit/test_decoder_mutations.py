"""Broken bytes and texts, made of good ones: what comes is a value or a SerializationError, and nothing else."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from pathlib import Path

import polars as pl
import pytest
from google.protobuf.any_pb2 import Any
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from roundtrips import VALUES

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.testing.strategies import plain_values
from grpc_tool_bridge.testing.tablestrategies import tables
from grpc_tool_bridge.values import (
    any_from_json,
    convert,
    deserialize_value,
    from_json,
    serialize_value,
    to_json,
)

VECTORS = [
    vector
    for path in sorted((Path(__file__).parents[3] / "value/testdata/vectors").glob("*.json"))
    for vector in json.loads(path.read_text(encoding="utf-8")).get("vectors", [])
]
GOOD = [Any.FromString(bytes.fromhex(vector["any"])) for vector in VECTORS]
GOOD = [encoded for encoded in GOOD if len(encoded.value) < 2_000]
TEXTS = [vector["json"] for vector in VECTORS if len(vector["json"]) < 2_000]

pytestmark = pytest.mark.skipif(not VECTORS, reason="the vectors are not shipped with the package")

many = settings(
    max_examples=VALUES, deadline=None, print_blob=True, suppress_health_check=[*HealthCheck]
)
mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "put", "double", "drop"]),
        st.floats(0, 1),
        st.binary(max_size=4),
    ),
    min_size=1,
    max_size=4,
)


def broken(data, changes):
    """Changes bytes here and there; the places are shares of the length."""
    for what, share, new in changes:
        at = int(share * len(data))
        if what == "flip":
            data = data[:at] + bytes(byte ^ 0x81 for byte in data[at : at + 1]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at]
        elif what == "put":
            data = data[:at] + new + data[at + len(new) :]
        elif what == "double":
            data = data[:at] + data[at : at + 9] + data[at:]
        else:
            data = data[:at] + data[at + 3 :]
    return data


def names_a_path(error):
    assert error.path.startswith("$"), error


def decoded_or_refused(encoded, hint=None):
    """Decodes what may be broken; what is a value then has a form that stays, on the wire and as JSON."""
    try:
        value = deserialize_value(encoded, hint)
    except SerializationError as error:
        names_a_path(error)
        return
    if hint is not None:
        return
    again = serialize_value(value)
    once_more = serialize_value(deserialize_value(again))
    assert (once_more.type_url, once_more.value) == (again.type_url, again.value)
    try:
        text = to_json(again)
    except SerializationError:
        return  # a protobuf message without a JSON form
    assert to_json(any_from_json(text)) == text


@many
@given(st.sampled_from(GOOD), mutations)
def test_broken_bytes_are_a_value_or_refused(encoded, changes):
    decoded_or_refused(Any(type_url=encoded.type_url, value=broken(encoded.value, changes)))


@many
@given(plain_values().map(serialize_value), mutations)
def test_broken_bytes_of_generated_values_are_a_value_or_refused(encoded, changes):
    decoded_or_refused(Any(type_url=encoded.type_url, value=broken(encoded.value, changes)))


@many
@given(st.sampled_from(GOOD), st.sampled_from(sorted({encoded.type_url for encoded in GOOD})))
def test_a_type_url_that_lies_about_its_bytes_is_a_value_or_refused(encoded, url):
    decoded_or_refused(Any(type_url=url, value=encoded.value))


@many
@given(
    st.sampled_from(GOOD),
    st.sampled_from([int, float, str, bytes, list[int], dict[str, int], tuple[int, ...], set[str]]),
)
def test_a_value_of_another_type_than_the_hint_is_refused_with_its_path(encoded, hint):
    decoded_or_refused(encoded, hint)


@settings(many, max_examples=VALUES // 5)
@given(tables().map(serialize_value), mutations)
def test_broken_tables_are_a_table_or_refused(encoded, changes):
    changed = Any(type_url=encoded.type_url, value=broken(encoded.value, changes))
    try:
        deserialize_value(changed)
    except SerializationError as error:
        names_a_path(error)


@many
@given(st.sampled_from(TEXTS), mutations)
@example('{"a":1,"a":2}', [])
@example('"\\ud800"', [])
@example("[" * 65 + "]" * 65, [])
@example("[" * 100_000, [])
@example("1e400", [])
@example("1" * 4301, [])
@example('{"$datetime":"2024-05-06T07:08:09+99:00"}', [])
@example('{"$frame":{"kind":"pandas.DataFrame","arrow":"gASV"}}', [])
def test_broken_json_is_a_value_or_refused(text, changes):
    text = broken(text.encode(), changes).decode(errors="replace")
    try:
        value = from_json(text)
    except SerializationError as error:
        names_a_path(error)
        return
    decoded_or_refused(serialize_value(value))


POLARS = [
    serialize_value(table)
    for table in (
        pl.DataFrame({"i": [1, None, 3], "s": ["a", None, "ü"], "l": [[1], [], None]}),
        pl.DataFrame(
            {"c": pl.Series(["b", "a", "b"], dtype=pl.Categorical), "b": [True, None, False]}
        ),
        pl.Series("x", [1.5, None, float("nan")]),
    )
]


@settings(many, max_examples=VALUES // 4)
@given(st.sampled_from(POLARS), mutations)
def test_broken_bytes_of_polars_are_a_table_or_refused(encoded, changes):
    """polars panics over some of them, with what is no Exception."""
    changed = Any(type_url=encoded.type_url, value=broken(encoded.value, changes))
    try:
        deserialize_value(changed)
    except SerializationError as error:
        names_a_path(error)


@pytest.mark.parametrize("encoded", POLARS, ids=["columns", "categories", "series"])
def test_bytes_of_a_small_polars_table_that_are_turned_over_are_a_table_or_refused(encoded):
    for at in range(0, len(encoded.value), 3):
        data = bytearray(encoded.value)
        data[at] ^= 0x81
        try:
            deserialize_value(Any(type_url=encoded.type_url, value=bytes(data)))
        except SerializationError as error:
            names_a_path(error)


@pytest.mark.parametrize("hint", [int, list[int], dict[str, float], "anything"])
def test_every_vector_cut_at_every_byte_is_a_value_or_refused(hint):
    for encoded in GOOD[:: 1 if hint == "anything" else 4]:
        if len(encoded.value) > 120:
            continue
        for end in range(len(encoded.value)):
            cut = Any(type_url=encoded.type_url, value=encoded.value[:end])
            decoded_or_refused(cut, None if hint == "anything" else hint)


@settings(many, max_examples=VALUES // 5)
@given(st.sampled_from(GOOD), mutations)
def test_decoding_allocates_in_proportion_to_the_input(encoded, changes):
    changed = Any(type_url=encoded.type_url, value=broken(encoded.value, changes))
    tracemalloc.start()
    try:
        deserialize_value(changed)
    except SerializationError:
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most <= 2**21 + 1_000 * len(changed.value)


def test_hints_do_not_change_what_is_refused():
    for encoded, hint in itertools.product(GOOD[:40], [int, str]):
        try:
            value = deserialize_value(encoded)
        except SerializationError:
            continue
        try:
            made = convert(value, hint)
        except SerializationError:
            with pytest.raises(SerializationError):
                deserialize_value(encoded, hint)
        else:
            assert deserialize_value(encoded, hint) == made
