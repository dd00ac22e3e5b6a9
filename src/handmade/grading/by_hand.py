"""Calls that an exercise is about: found where a learner writes them instead of the thing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """A forbidden call in an answer."""

    exercise: str
    call: str
    line: int

    @property
    def sentence(self) -> str:
        """For the instructor."""
        return f"`{self.exercise}` calls `{self.call}` (line {self.line}), which it is to be written without."

    @property
    def to_learner(self) -> str:
        """For the learner."""
        return f"Line {self.line} calls `{self.call}`. Here it is to be written without it."


def found(solutions: Mapping[str, str]) -> dict[str, list[Found]]:
    """Return the forbidden calls in the solution cells, by exercise."""
    return {}
