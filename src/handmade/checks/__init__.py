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
import pkgutil

from handmade import reference
from handmade.checks.exercise import Exercise


def lessons() -> list[str]:
    """Return the module names of all lessons that have a reference and checks, in alphabetical order."""
    here, there = ({m.name for m in pkgutil.iter_modules(path)} for path in (__path__, reference.__path__))
    return sorted(here & there)


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
    for lesson in lessons():
        source = (pkgutil.get_data(__name__, f"{lesson}.py") or b"").decode()
        if f"\ndef {name}(rng" in source:
            return load_lesson(lesson).get(name)
    return None
