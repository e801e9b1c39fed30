"""Validators inside of typed dicts in models: they run once, however the value was sent."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator
from typing_extensions import TypedDict

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
