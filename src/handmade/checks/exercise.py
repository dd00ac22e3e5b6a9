"""An exercise: its points, its cases, and the mistakes that its check recognises.

@exercise(points=1, level=1, minutes=5)
def dot(rng):
    yield case(np.array([1, 2]), np.array([3, 4]), expect=11)
    yield rejects(np.array([1, 2]), np.array([1, 2, 3]))

@dot.misconception("You multiplied the entries and did not add them up.", "How many numbers come out of a dot product?")
def entries_not_added(a, b):
    return a * b
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.checks.case import Case

# Functions of libraries that several exercises are about, for `by_hand`.
SOFTMAX = ("softmax", "log_softmax", "Softmax", "LogSoftmax")
CROSS_ENTROPY = ("cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss")
ATTENTION = ("scaled_dot_product_attention", "MultiheadAttention", "multi_head_attention_forward")

LEVELS = {1: "a warm-up", 2: "straightforward", 3: "takes some thought", 4: "hard", 5: "very hard"}
PUBLIC_SEED = 0
SEED_VARIABLE = "HANDMADE_SEED"  # where a grader puts the secret seed of the hidden cases


@dataclass(frozen=True)
class Misconception:
    """A typical mistake: a short wrong implementation, what it means (`says`) and the way out (`asks`)."""

    name: str
    says: str
    asks: str
    implementation: Any


@dataclass
class Exercise:
    """What a learner must write, and how it is judged."""

    name: str
    lesson: str
    points: int
    level: int
    minutes: int
    stretch: bool
    seconds: float
    by_hand: tuple[str, ...]
    cases_from: Callable[[np.random.Generator], Iterator[Case]]
    misconceptions: list[Misconception] = field(default_factory=list)

    @property
    def reference(self) -> Any:
        """The right answer: the function or class of this name in the lesson's reference module."""
        return getattr(importlib.import_module(f"handmade.reference.{self.lesson}"), self.name)

    @property
    def level_word(self) -> str:
        """The level in words."""
        return LEVELS[self.level]

    def cases(self, seed: int = PUBLIC_SEED) -> list[Case]:
        """Return the cases that a seed gives: the fixed ones first, then those drawn at random."""
        return list(self.cases_from(np.random.default_rng([seed, zlib.crc32(self.name.encode())])))

    def misconception(self, says: str, asks: str) -> Callable[[Any], Any]:
        """Register the decorated wrong implementation as a typical mistake of this exercise."""

        def register(implementation: Any) -> Any:
            name = implementation.__name__.strip("_").replace("_", " ")
            self.misconceptions.append(Misconception(name, says, asks, implementation))
            return implementation

        return register


def exercise(
    *,
    points: int,
    level: int,
    minutes: int,
    stretch: bool = False,
    seconds: float = 5.0,
    by_hand: tuple[str, ...] = (),
) -> Callable[[Callable[[np.random.Generator], Iterator[Case]]], Exercise]:
    """Make an Exercise of a function that yields cases, drawn from the generator that it is given.

    The function's name is the exercise's, and the name of its solution in `handmade.reference`. `level` is from
    1 to 5, `minutes` what a learner may expect to need, `seconds` the time that one candidate has for all cases. `by_hand` names the functions of libraries that do
    what the exercise is about ("@" is the operator): who grades is told of an answer that uses them.
    """
    if level not in LEVELS:
        raise ValueError(f"expected a level from 1 to 5, got {level}")

    def make(cases_from: Callable[[np.random.Generator], Iterator[Case]]) -> Exercise:
        lesson = cases_from.__module__.rpartition(".")[2]
        return Exercise(
            cases_from.__name__, lesson, points, level, minutes, stretch, seconds, by_hand, cases_from
        )

    return make
