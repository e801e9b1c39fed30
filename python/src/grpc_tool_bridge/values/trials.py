"""What was tried for the parts of a value inside of a union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fault import Fault
from .wrappers import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from .containers import Fit

__all__ = ["NESTED", "Trials"]

NESTED = frozenset({dict, list, tuple, set, frozenset, Record})
"""The classes of values that have parts."""


class Trials:
    """Makes parts what hints ask for, and tries no part for one hint twice.

    Each member of a union looks at all that is inside of a value. In a tree whose nodes are unions each level
    would double the work, so that a small text of JSON could keep a program busy for hours.

    Args:
        fit_with: Makes of a part what a hint asks for; parts of it by the function that it is given.
    """

    def __init__(self, fit_with: Callable[[Any, Any, Fit], Any]) -> None:
        self._fit_with = fit_with
        # By the ids of a part and a hint, which are kept with the outcome: ids are used again.
        self._outcomes: dict[tuple[int, int], tuple[Any, Any, Any]] = {}

    def fit(self, value: Any, hint: Any) -> Any:
        """Makes of a part what a hint asks for.

        Raises:
            Fault: It does not fit.
        """
        if type(value) not in NESTED:
            return self._fit_with(value, hint, self.fit)
        key = id(value), id(hint)
        known = self._outcomes.get(key)
        if known is None:
            try:
                outcome = self._fit_with(value, hint, self.fit)
            except Fault as fault:
                outcome = fault.copy()
            known = self._outcomes[key] = value, hint, outcome
        if isinstance(known[2], Fault):
            raise known[2].copy() from known[2].__cause__
        return known[2]
