from __future__ import annotations

from grpc_tool_bridge.schema import parse_docstring


class TestDocstrings:
    def test_numpy(self):
        parsed = parse_docstring(
            """Adds.

            Parameters
            ----------
            a : int
                The first.
            b, c : float, optional
                The others,
                both.

            Returns
            -------
            int
                The sum.
            """
        )
        assert parsed.description == "Adds."
        assert parsed.arguments == {
            "a": "The first.",
            "b": "The others, both.",
            "c": "The others, both.",
        }

    def test_rest(self):
        parsed = parse_docstring(
            """Adds.

            :param a: The first,
                in two lines.
            :param int b: The second.
            :type a: int
            :returns: The sum.
            """
        )
        assert parsed.description == "Adds."
        assert parsed.arguments == {"a": "The first, in two lines.", "b": "The second."}

    def test_google_with_text_behind_it(self):
        parsed = parse_docstring(
            """Adds.

            Args:
                a: The first: of two.
                **more: The rest.

            Raises:
                ValueError: never.
            """
        )
        assert parsed.arguments == {"a": "The first: of two.", "more": "The rest."}
        assert parsed.description == "Adds."

    def test_none_and_plain_text(self):
        assert parse_docstring(None).description == ""
        assert parse_docstring("Returns\nthe sum.").description == "Returns\nthe sum."
