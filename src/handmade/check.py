"""`from handmade import check`: one function for each exercise, and what helps around them.

check.dot(dot)              judge your `dot`; every exercise of the course has a function of its name here
check.hint("dot")           open the next hint, one level a call
check.predict("name", 3)    keep your guess before you run an experiment
check.reveal("name", 2)     show what happened beside your guess
check.rubric("name", True)  what a good written answer holds, once you have written yours
check.begin("01_matmul")    show what you have done, and what is next
check.keep_run(model, …)    keep a training run for the page of your GPT, which check.finish() writes
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from typing import Any

from handmade import checks
from handmade.checks.exercise import PUBLIC_SEED, SEED_VARIABLE, Exercise
from handmade.checks.message import message
from handmade.checks.result import CheckFailed, NotWritten, Shown
from handmade.checks.run import judge
from handmade.learner import notebook, parts, progress
from handmade.learner.finish import finish, keep_run
from handmade.learner.panel import begin
from handmade.learner.texts import hint, predict, reveal, rubric

__all__ = [
    "CheckFailed",
    "NotWritten",
    "Shown",
    "begin",
    "finish",
    "hint",
    "keep_run",
    "predict",
    "reveal",
    "rubric",
]


def __getattr__(name: str) -> Callable[..., Shown]:
    """Return the check of the exercise of this name."""
    if name.startswith("_"):
        raise AttributeError(name)
    exercise = checks.find(name)
    if exercise is None:
        names = __dir__()
        near = difflib.get_close_matches(name, names, n=1)
        raise AttributeError(
            f"there is no exercise {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return _checker(exercise)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for lesson in checks.lessons() for name in checks.load_lesson(lesson))})


def _checker(exercise: Exercise) -> Callable[..., Shown]:
    def checker(candidate: Any, *, hidden: bool = False) -> Shown:
        verdict = judge(exercise, candidate, _seed() if hidden else PUBLIC_SEED, hidden)
        progress.record("check", exercise.name, state=verdict.state)
        text = message(verdict)
        if verdict.passed:
            kept = "" if hidden else parts.keep(exercise.name, candidate)
            return Shown(text.and_prose(kept) if kept else text)
        raise NotWritten(text) if verdict.state == "not written" else CheckFailed(text)

    checker.__name__ = checker.__qualname__ = exercise.name
    checker.__doc__ = (
        f"Judge your `{exercise.name}`: call it as check.{exercise.name}({exercise.name}). "
        f"Raises CheckFailed with an explanation where it is not right yet."
    )
    return checker


def _seed() -> int:
    """Return the seed of the hidden cases: the grader's secret, or the public one where there is no grader."""
    text = os.environ.get(SEED_VARIABLE, "")
    if not text:
        return PUBLIC_SEED
    if not text.isdecimal():
        raise ValueError(f"expected a whole number of at least 0 in {SEED_VARIABLE}, got {text!r}")
    return int(text)


notebook.install()
