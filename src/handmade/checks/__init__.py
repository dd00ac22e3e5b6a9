"""What each exercise must satisfy. One module a lesson; `exercise.py` shows how one is written.

compare     is an answer right, and if not, how does it differ
guard       call a candidate and come back, whatever it does
case        one question put to a candidate
draw        random numbers that print exactly
exercise    an exercise: its points, its cases, its misconceptions
run         judge a candidate
message     the verdict in words
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from functools import cache
from pathlib import Path

from handmade import reference
from handmade.checks.exercise import Exercise


def lessons() -> list[str]:
    """Return the module names of all lessons that have a reference and checks, in alphabetical order."""
    here, there = ({m.name for m in pkgutil.iter_modules(path)} for path in (__path__, reference.__path__))
    return sorted(here & there)


def reference_text(lesson: str) -> str:
    """Return the source of a lesson's reference module. Raises LookupError where there is none."""
    spec = importlib.util.find_spec(f"handmade.reference.{lesson}")
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module handmade.reference.{lesson}")
    return Path(spec.origin).read_text(encoding="utf-8")


def load_lesson(lesson: str) -> dict[str, Exercise]:
    """Return a lesson's exercises by name, in the order in which its module defines them."""
    module = importlib.import_module(f"{__name__}.{lesson}")
    return {
        value.name: value
        for value in vars(module).values()
        if isinstance(value, Exercise) and value.lesson == lesson
    }


def find(name: str) -> Exercise | None:
    """Return the exercise of this name, or None. Only the lesson that defines it is imported: some import torch."""
    lesson = _lesson_of().get(name)
    return load_lesson(lesson).get(name) if lesson else None


@cache
def _lesson_of() -> dict[str, str]:
    """Return the lesson of each exercise, read from the modules' text."""
    texts = {lesson: (pkgutil.get_data(__name__, f"{lesson}.py") or b"").decode() for lesson in lessons()}
    return {name: lesson for lesson in texts for name in re.findall(r"(?m)^def (\w+)\(rng\b", texts[lesson])}
