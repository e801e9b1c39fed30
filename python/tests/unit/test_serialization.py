"""The testing strategy's own tests of values, with the imports that it leaves out."""

from __future__ import annotations

import pandas as pd
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import ListValue, NullValue, Struct
from google.protobuf.wrappers_pb2 import BoolValue, DoubleValue, Int64Value, StringValue

from grpc_tool_bridge import deserialize_value, serialize_value


class TestSerialization:
    """Test value serialization/deserialization."""

    # NullValue is an enum and cannot be packed: None travels as google.protobuf.Value.
    @pytest.mark.parametrize(
        ("value", "expected_type"),
        [
            ("hello", StringValue),
            (42, Int64Value),
            (3.14, DoubleValue),
            (True, BoolValue),
            (None, NullValue),
            ([1, 2, 3], ListValue),
            ({"key": "value"}, Struct),
        ],
    )
    def test_basic_types(self, value, expected_type):
        """Test serialization of basic Python types."""
        # Act
        serialized = serialize_value(value)
        deserialized = deserialize_value(serialized)

        # Assert
        assert isinstance(serialized, Any)
        assert deserialized == value
        if expected_type is not NullValue:
            assert serialized.Is(expected_type.DESCRIPTOR)

    def test_dataframe_serialization(self):
        """Test pandas DataFrame serialization."""
        # Arrange
        df = pd.DataFrame({"A": [1, 2, 3], "B": ["x", "y", "z"]})

        # Act
        serialized = serialize_value(df)
        deserialized = deserialize_value(serialized)

        # Assert
        assert isinstance(deserialized, pd.DataFrame)
        pd.testing.assert_frame_equal(df, deserialized)
        assert serialized.type_url == "type.googleapis.com/pandas.DataFrame"

    def test_nested_structures(self):
        """Test complex nested data structures."""
        # Arrange
        data = {
            "users": [
                {"id": 1, "name": "Alice", "scores": [95, 87, 92]},
                {"id": 2, "name": "Bob", "scores": [88, 91, 85]},
            ],
            "metadata": {"version": "1.0", "count": 2},
        }

        # Act
        serialized = serialize_value(data)
        deserialized = deserialize_value(serialized)

        # Assert
        assert deserialized == data

    def test_unknown_type_fallback(self):
        """Test serialization of unknown types."""

        # Arrange
        class CustomObject:
            def __str__(self):
                return "custom_object"

        obj = CustomObject()

        # Act
        serialized = serialize_value(obj)
        deserialized = deserialize_value(serialized)

        # Assert
        assert deserialized == "custom_object"
        assert "python.CustomObject" in serialized.type_url
