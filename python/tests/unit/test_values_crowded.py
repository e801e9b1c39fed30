"""Numbers and the like of which many have one hash are refused as keys, before they are compared with each other."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from decimal import Decimal
from fractions import Fraction

import pytest

from grpc_tool_bridge import SerializationError
from grpc_tool_bridge.values import (
    EnumValue,
    Record,
    deserialize_value,
    from_json,
    serialize_value,
    to_json,
)
from grpc_tool_bridge.values.distinct import MAX_ALIKE

MODULUS = 2**61 - 1
"""Python's hash of a number is its remainder by this."""


def alike(count):
    """Values that have one hash, by what they are."""
    numbers = [number * MODULUS for number in range(1, count + 1)]
    by_parts = [complex(10**12 - 1_000_003 * number, number) for number in range(count)]
    return {
        "ints": numbers,
        "negative ints": [-number - 7 for number in numbers],
        "decimals": [Decimal(number) for number in numbers],
        "fractions": [Fraction(number, 3) for number in numbers],
        "numbers of several types": [*numbers[1:], Decimal(0)],
        "complex numbers": by_parts,
        "UUIDs": [uuid.UUID(int=number) for number in numbers],
        "tuples": [(number, "x") for number in numbers],
        "frozensets": [frozenset([number]) for number in numbers],
        "records": [Record("C", {"f": number}) for number in numbers],
        "members": [EnumValue("C", "F", number) for number in numbers],
    }


KINDS = [*alike(1)]


def lists(keys):
    """The JSON texts of a set and a dict of such keys."""
    items = ",".join(to_json(key) for key in keys)
    pairs = ",".join(f"[{to_json(key)},1]" for key in keys)
    return f'{{"$set":[{items}]}}', f'{{"$map":[{pairs}]}}'


@pytest.mark.parametrize("kind", KINDS)
def test_few_keys_of_one_hash_arrive(kind):
    keys = alike(MAX_ALIKE)[kind]
    assert len(set(map(hash, keys))) == 1
    keys += range(1, 50)

    for value in (set(keys), frozenset(keys), dict.fromkeys(keys, "v")):
        assert deserialize_value(serialize_value(value)) == value
        assert from_json(to_json(value)) == value
    assert deserialize_value(serialize_value(keys), set[object]) == set(keys)


@pytest.mark.parametrize("kind", KINDS)
def test_many_keys_of_one_hash_are_refused_with_the_first_of_them(kind):
    keys = alike(MAX_ALIKE + 1)[kind]
    assert len(set(map(hash, keys))) == 1
    keys = [*range(1, 50), *keys]
    said = rf"{MAX_ALIKE + 1} of the {len(keys)} %s have the hash of this .*send a list, or texts"

    for value, step, what in [
        (set(keys), r"[", "items"),
        (frozenset(keys), r"[", "items"),
        (dict.fromkeys(keys, "v"), "[key 49]", "keys"),
    ]:
        with pytest.raises(SerializationError, match=said % what) as found:
            deserialize_value(serialize_value([value]))
        assert found.value.path.startswith("$[0]" + step)
    for text, step, what in zip(
        lists(keys), ('["$set"][49]', '["$map"][key 49]'), ("items", "keys"), strict=True
    ):
        with pytest.raises(SerializationError, match=said % what) as found:
            from_json(text)
        assert found.value.path == "$" + step
    for hint in (set[object], frozenset[object]):
        with pytest.raises(SerializationError, match=said % "items"):
            deserialize_value(serialize_value(keys), hint)


def test_what_a_hint_makes_of_texts_is_refused_too():
    places = [ipaddress.IPv6Address(2**128 - 1 ^ number * MODULUS) for number in range(102)]
    texts = [f"{place}/128" for place in places]
    networks = list(map(ipaddress.IPv6Network, texts))
    assert len(set(map(hash, networks))) == 1

    for value, hint, path in [
        (texts, set[ipaddress.IPv6Network], "$[0]"),
        (dict.fromkeys(texts, 1), dict[ipaddress.IPv6Network, int], "$[key 0]"),
    ]:
        with pytest.raises(SerializationError, match="102 of the 102") as found:
            deserialize_value(serialize_value(value), hint)
        assert found.value.path == path
    few = deserialize_value(serialize_value(texts[:MAX_ALIKE]), set[ipaddress.IPv6Network])
    assert few == set(networks[:MAX_ALIKE])


def test_ordinary_keys_arrive_however_many_they_are():
    start = dt.datetime(2024, 5, 6, tzinfo=dt.timezone.utc)
    for keys in [
        [number << 40 for number in range(-3000, 3000)],
        [2.0**exponent for exponent in range(-1074, 1024)],
        [*range(-3000, 3000), *(number / 3 + 0.1 for number in range(3000))],
        [float("nan") for _ in range(300)],
        [Decimal("NaN") for _ in range(300)],
        [Decimal(1).scaleb(exponent) for exponent in range(-3000, 3000)],
        [start + dt.timedelta(microseconds=number) for number in range(3000)],
        [dt.timedelta(number, number) for number in range(-3000, 3000)],
        [(a, b) for a in range(-60, 60) for b in range(-60, 60)],
        [None, True, "a", b"a", *(str(number) for number in range(300)), 5],
    ]:
        value = dict.fromkeys(keys)
        got = deserialize_value(serialize_value(value))
        assert len(got) == len(value)
        assert str(got) == str(value)
