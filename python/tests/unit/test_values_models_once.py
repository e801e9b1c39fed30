"""Validators inside of typed dicts in models, and behind names: they run once, however the value was sent."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator
from typing_extensions import TypeAliasType, TypedDict

from grpc_tool_bridge.values import Record, convert


class Counted(TypedDict):
    """A dict whose validators are seen to run."""

    after: Annotated[int, AfterValidator(lambda given: given + 1)]
    before: Annotated[int, BeforeValidator(lambda given: given + 1)]


class Plain(TypedDict):
    """One of which only what came last changes it."""

    after: Annotated[int, AfterValidator(lambda given: given + 1)]


class Held(BaseModel):
    """A model with some."""

    alone: Plain
    listed: list[Plain]
    optional: Plain | None
    counted: Counted
    data: bytes = b""


_FIELDS: dict[str, Any] = {
    "alone": {"after": 1},
    "listed": [{"after": 1}],
    "optional": {"after": 1},
    "counted": {"after": 1, "before": 1},
}


@pytest.mark.parametrize(
    "value", [_FIELDS, {**_FIELDS, "data": b"x"}, Record("Held", {**_FIELDS, "data": b"x"})]
)
def test_validators_in_typed_dicts_run_once(value: Any) -> None:
    made = convert(value, Held)

    assert made.alone == {"after": 2}
    assert made.listed == [{"after": 2}]
    assert made.optional == {"after": 2}
    assert made.counted == {"after": 2, "before": 2}


class Other(TypedDict):
    """A dict that is told from the others by its field."""

    other: str


Raised = TypeAliasType("Raised", Annotated[int, AfterValidator(lambda given: given + 1)])


@dataclasses.dataclass
class Whole:
    """A class that pydantic does not make anew of its objects."""

    raised: Raised
    plain: Plain


class Inner(BaseModel):
    """A model in a model."""

    plain: Plain


class Either(BaseModel):
    """A model of unions."""

    one: Plain | Other | None = None
    listed: list[Plain | Other] = []
    inside: list[Plain] | dict[str, Plain] | tuple[Plain, int] | str = ""
    named: Raised | str = ""
    names: list[Raised] | str = ""
    whole: Whole | str = ""
    inner: Inner | str = ""
    data: bytes = b""


@pytest.mark.parametrize(
    ("field", "given", "want"),
    [
        ("one", {"after": 1}, {"after": 2}),
        ("listed", [{"other": "a"}, {"after": 1}], [{"other": "a"}, {"after": 2}]),
        ("inside", [{"after": 1}], [{"after": 2}]),
        ("inside", {"a": {"after": 1}}, {"a": {"after": 2}}),
        ("inside", ({"after": 1}, 5), ({"after": 2}, 5)),
        ("named", 1, 2),
        ("names", [1], [2]),
        ("whole", {"raised": 1, "plain": {"after": 1}}, Whole(2, {"after": 2})),
        ("inner", {"plain": {"after": 1}}, Inner.model_construct(plain={"after": 2})),
    ],
)
def test_validators_in_unions_run_once(field: str, given: Any, want: Any) -> None:
    for value in ({field: given}, {field: given, "data": b"x"}, Record("Either", {field: given})):
        assert getattr(convert(value, Either), field) == want
