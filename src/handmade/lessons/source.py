"""Source text out of the reference: what the build copies into notebooks, and what must never reach a release."""

from __future__ import annotations

import ast
import re

from handmade.checks import reference_text
from handmade.checks.exercise import Exercise

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
NOT_FOR_LEARNERS = {
    "jaxtyping",
    "__future__",
    "handmade",
}  # annotations are text in a notebook; earlier parts come by parts.use


def exercise_source(exercise: Exercise) -> str:
    """Return the source of an exercise's reference, decorators, docstring, markers and all.

    Raises LookupError where the reference module defines no such name, or its body holds no solution region.
    """
    source = _definition(exercise.lesson, exercise.name)
    markers = re.findall(f"{BEGIN}|{END}", source)
    if not markers or markers != [BEGIN, END] * (len(markers) // 2):
        raise LookupError(
            f"handmade.reference.{exercise.lesson}.{exercise.name} needs {BEGIN!r} … {END!r} in its body"
        )
    return source


def given_source(lesson: str, name: str) -> str:
    """Return the source of a helper of the reference, as the learner gets it.

    Raises LookupError where the reference module defines no such name, or it holds a solution region.
    """
    source = _definition(lesson, name)
    if BEGIN in source:
        raise LookupError(f"handmade.reference.{lesson}.{name} holds a solution, so it cannot be given")
    return source


def _definition(lesson: str, name: str) -> str:
    """Return the source of a function or class of a lesson's reference, decorators and comments in it included."""
    text = reference_text(lesson)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            lines = text.splitlines()
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            last = node.end_lineno or node.lineno
            while last < len(lines) and not re.match(r"\S", lines[last]):
                last += 1  # the closing marker is a comment: Python's tree ends before it
            return "\n".join(lines[first - 1 : last]).rstrip()
    raise LookupError(f"handmade.reference.{lesson} defines no {name!r}")


def solution_regions(source: str) -> list[str]:
    """Return the texts between the solution markers."""
    return [part.partition(END)[0].strip("\n") for part in source.split(BEGIN)[1:]]


def answer_lines(exercise: Exercise) -> list[str]:
    """Return the telling lines of the answer, without any white space: no returns of a name, nothing short."""
    found = []
    for region in solution_regions(exercise_source(exercise)):
        for line in region.splitlines():
            code = re.sub(r"\s+", "", re.sub(r"  # .*", "", line))
            telling = len(code) >= 16 and not code.startswith(("#", "for", "return"))
            long_return = code.startswith("return") and len(code) >= 24
            if telling or long_return:
                found.append(code)
    return found


def learner_imports(lesson: str) -> list[str]:
    """Return the import lines of the reference module that a learner's code may need too, as written there."""
    text = reference_text(lesson)
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
