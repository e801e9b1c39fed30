from __future__ import annotations

import json

from hintsamples import sample

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.schema import (
    ArgumentList,
    ArgumentSpec,
    ToolSpec,
    ToolType,
    input_properties,
    signature_from_spec,
    spec_from_function,
)


class TestSignatureFromSpec:
    def test_it_is_the_functions_own(self):
        made = signature_from_spec(spec_from_function(sample))
        assert str(made) == (
            "(a: int, b: float = 2.0, *rest: str, where: Optional[list] = None, limit: int = 3,"
            " **more: Any) -> dict"
        )

    def test_odd_specs_of_other_languages_have_one_too(self):
        spec = ToolSpec(
            name="odd",
            arguments=[
                ArgumentSpec(name="a", python_type="DataFrame"),
                ArgumentSpec(name="b", python_type="int", required=True),
                ArgumentSpec(name="max-size", python_type="int"),
                ArgumentSpec(name="a", python_type="int", required=True),
            ],
        )
        assert str(signature_from_spec(spec)) == "(*, a: int, b: int, **arguments) -> Any"

    def test_a_default_that_cannot_be_read_is_none(self):
        argument = ArgumentSpec(name="a", python_type="int")
        argument.default_value.type_url = "type.googleapis.com/dspex.bridge.Value"
        argument.default_value.value = b"\xff"
        spec = ToolSpec(name="x", arguments=[argument])
        assert signature_from_spec(spec).parameters["a"].default is None

    def test_the_documents_spec(self):
        spec = ToolSpec(
            tool_id="test_tool_456",
            name="calculate_sum",
            description="Adds two numbers",
            type=ToolType.STANDARD,
            arguments=[
                ArgumentSpec(name="a", python_type="int", required=True),
                ArgumentSpec(name="b", python_type="int", required=True),
            ],
        )
        assert str(signature_from_spec(spec)) == "(a: int, b: int) -> Any"
        ArgumentList("calculate_sum", spec.arguments).check((5, 37), {})


def test_models_are_told_each_arguments_schema():
    spec = spec_from_function(sample)
    assert input_properties(spec) == json.loads(spec.input_schema)["properties"]
    bare = pb.ToolSpec(
        input_schema="{",
        arguments=[
            ArgumentSpec(name="a", python_type="int", nullable=True, description="d"),
            ArgumentSpec(name="t", python_type="DataFrame"),
            ArgumentSpec(name="x"),
        ],
    )
    assert input_properties(bare) == {
        "a": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "d"},
        "t": {"x-type": "DataFrame"},
        "x": {},
    }
