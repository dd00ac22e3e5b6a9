"""Source text out of the reference: what the build copies into notebooks, and what must never reach a release."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType

from handmade.checks.exercise import Exercise

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
NOT_FOR_LEARNERS = {"jaxtyping", "__future__"}  # annotations are text in a notebook: nothing evaluates them


def _module(lesson: str) -> ModuleType:
    return importlib.import_module(f"handmade.reference.{lesson}")


def module_text(lesson: str) -> str:
    """Return the source of a lesson's reference module."""
    return Path(_module(lesson).__file__ or "").read_text(encoding="utf-8")


def exercise_source(exercise: Exercise) -> str:
    """Return the source of an exercise's reference, decorators, docstring, markers and all.

    Raises LookupError where the reference module defines no such name, or its body holds no solution region.
    """
    text = module_text(exercise.lesson)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == exercise.name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            lines = text.splitlines()[first - 1 :]
            rest = [
                i
                for i, line in enumerate(lines)
                if i > node.lineno - first and re.match(r"\S", line) and not line.startswith(")")
            ]
            source = "\n".join(lines[: rest[0]] if rest else lines).rstrip()
            if BEGIN not in source or END not in source:
                raise LookupError(
                    f"handmade.reference.{exercise.lesson}.{exercise.name} has no {BEGIN!r} … {END!r} in its body"
                )
            return source
    raise LookupError(f"handmade.reference.{exercise.lesson} defines no {exercise.name!r}")


def solution_regions(source: str) -> list[str]:
    """Return the texts between the solution markers."""
    return [part.partition(END)[0].strip("\n") for part in source.split(BEGIN)[1:]]


def answer_lines(exercise: Exercise) -> list[str]:
    """Return the telling lines of the answer, without any white space: no returns of a name, nothing short."""
    found = []
    for region in solution_regions(exercise_source(exercise)):
        for line in region.splitlines():
            code = re.sub(r"\s+", "", line)
            telling = len(code) >= 16 and not code.startswith(("#", "for", "return"))
            long_return = code.startswith("return") and len(code) >= 24
            if telling or long_return:
                found.append(code)
    return found


def learner_imports(lesson: str) -> list[str]:
    """Return the import lines of the reference module that a learner's code may need too, as written there."""
    text = module_text(lesson)
    kept = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
        else:
            continue
        if not names & NOT_FOR_LEARNERS:
            kept.append(ast.get_source_segment(text, node) or "")
    return kept
