"""Cells of tables that hold themselves or are very deep are refused; none ends the program."""

from __future__ import annotations

import collections
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from grpc_tool_bridge import framenesting
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, serialize_value


def list_in_itself():
    cell = [1]
    cell.append(cell)
    return cell


def dict_in_itself():
    cell = {"a": 1}
    cell["b"] = {"c": [cell]}
    return cell


def ordered_in_itself():
    cell = collections.OrderedDict(a=1)
    cell["b"] = cell
    return cell


def tuple_in_itself():
    inner = []
    inner.append((inner,))
    return (inner,)


def array_in_itself():
    cell = np.empty(1, object)
    cell[0] = cell
    return cell


def values_in_themselves():
    cell = {}
    cell["a"] = cell.values()
    return cell["a"]


def nested(levels):
    cell = 1
    for _ in range(levels):
        cell = [cell]
    return cell


def objects(*cells):
    column = np.empty(len(cells), object)
    for row, cell in enumerate(cells):
        column[row] = cell
    return pd.Series(column)


CYCLES = [
    list_in_itself,
    dict_in_itself,
    ordered_in_itself,
    tuple_in_itself,
    array_in_itself,
    values_in_themselves,
]


@pytest.mark.parametrize("make", CYCLES)
def test_a_cell_that_holds_itself_is_refused_with_its_column_and_row(make):
    with pytest.raises(SerializationError, match=r"column 'a' holds a .* a cycle cannot") as caught:
        serialize_value(pd.DataFrame({"a": objects(None, make())}))

    assert caught.value.path == "$.a[1]"


def test_a_cell_that_holds_itself_does_not_end_the_program():
    # given: a program of its own, which a crash would end instead of this one
    program = (
        "import pandas as pd, grpc_tool_bridge as g\n"
        "cell = []; cell.append(cell)\n"
        "try: g.serialize_value(pd.DataFrame({'a': pd.Series([cell], dtype=object)}))\n"
        "except g.SerializationError as error: print(error.path)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)  # noqa: PLW1510

    assert (done.returncode, done.stdout.strip()) == (0, "$.a[0]")


def test_in_a_series_an_index_and_a_list_the_path_leads_there_too():
    cell = list_in_itself()
    cases = {
        "$[0]": objects(cell),
        "$.s[0]": objects(cell).rename("s"),
        "$[1].a[0]": [1, pd.DataFrame({"a": objects(cell)})],
    }

    for path, value in cases.items():
        with pytest.raises(SerializationError, match="cycle") as caught:
            serialize_value(value)
        assert caught.value.path == path


def test_an_index_of_tuples_that_hold_themselves_is_refused():
    index = pd.Index([tuple_in_itself()], dtype=object, tupleize_cols=False)

    with pytest.raises(SerializationError, match=r"the index holds a tuple with .* cycle"):
        serialize_value(pd.DataFrame({"a": [1]}, index=index))


@pytest.mark.parametrize("levels", [64, 70, 5_000, 30_000])
def test_a_cell_that_is_too_deep_is_refused_with_column_row_and_limit(levels):
    with pytest.raises(
        SerializationError, match=r"column 'p' holds a list .* deeper than 64 levels"
    ) as caught:
        serialize_value(pd.DataFrame({"p": objects([1], nested(levels))}))

    assert caught.value.path == "$.p[1]"


def test_cells_as_deep_as_may_be_come_back():
    frame = pd.DataFrame({"p": objects(nested(63), nested(63))})

    again = deserialize_value(serialize_value(frame))

    assert again["p"].tolist() == frame["p"].tolist()


def test_containers_that_are_in_several_places_are_no_cycle():
    shared = [1, 2]
    frame = pd.DataFrame({"p": objects([shared, shared], [shared], [])})

    again = deserialize_value(serialize_value(frame))

    assert again["p"].tolist() == [[[1, 2], [1, 2]], [[1, 2]], []]


def test_few_containers_that_would_make_very_many_are_refused_at_once():
    cell = [1]
    for _ in range(60):
        cell = [cell, cell]

    with pytest.raises(SerializationError, match="more than 16777216 elements") as caught:
        serialize_value(pd.DataFrame({"p": objects(cell)}))

    assert caught.value.path == "$.p[0]"


def test_a_container_that_was_seen_before_counts_with_all_its_levels():
    shared = nested(40)
    deeper = nested(0)
    for _ in range(30):
        deeper = [deeper, shared]

    with pytest.raises(SerializationError, match="deeper than 64 levels") as caught:
        serialize_value(pd.DataFrame({"p": objects(shared, deeper)}))

    assert caught.value.path == "$.p[1]"


class Ones(list):
    """One that never ends when it is iterated."""

    def __iter__(self):
        return itertools.repeat(1)


class SetOfOnes(set):
    """As ``Ones``."""

    def __iter__(self):
        return itertools.repeat(1)


class DictOfOnes(dict):
    """As ``Ones``."""

    def __iter__(self):
        return itertools.repeat("a")


@pytest.mark.parametrize("cell", [Ones([1]), [Ones([1])], DictOfOnes(a=1), [(DictOfOnes(a=1),)]])
def test_what_a_cell_of_a_subclass_holds_counts_not_what_it_gives_without_end(cell):
    with pytest.raises(SerializationError, match="column 'a' holds objects that Arrow") as caught:
        serialize_value(pd.DataFrame({"a": objects(None, cell)}))

    assert caught.value.path == "$.a[1]"


def test_a_cell_that_is_iterated_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(framenesting, "MAX_ELEMENTS", 1000)

    with pytest.raises(SerializationError, match="a SetOfOnes of more than 1000 el") as caught:
        serialize_value(pd.DataFrame({"a": objects(None, [SetOfOnes([1])])}))

    assert caught.value.path == "$.a[1]"


def test_categories_that_hold_themselves_are_refused():
    labels = pd.Index([tuple_in_itself()], dtype=object, tupleize_cols=False)
    try:
        categories = pd.Categorical.from_codes([0], labels)
    except TypeError:
        pytest.skip("pandas 2 asks for the hash of categories")

    with pytest.raises(SerializationError, match="cycle") as caught:
        serialize_value(pd.DataFrame({"c": categories}))

    assert caught.value.path == "$.c[0]"
