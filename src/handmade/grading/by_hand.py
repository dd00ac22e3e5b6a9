"""Calls that an exercise is about: found where an answer makes them instead of writing the thing itself.

What to look for stands with the check (`@exercise(…, by_hand=("softmax", …))`). This reads the text and is easily deceived by somebody who
wants to; it is for the instructor's eyes, and points are lost by it only where the instructor says so.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from handmade import checks
from handmade.grading.selection import names_of

# Whose functions are meant: a name that was imported from anywhere else is the learner's own.
_LIBRARIES = {"torch", "numpy", "np", "F", "nn", "scipy", "sklearn", "tiktoken", "tokenizers", "transformers"}


@dataclass(frozen=True)
class Found:
    """A call in an answer to an exercise that is about what is called."""

    exercise: str
    call: str
    text: str  # of the line

    @property
    def sentence(self) -> str:
        """For the instructor."""
        return f"`{self.exercise}` uses `{self.call}`, which the exercise is about: `{self.text}`"

    @property
    def to_learner(self) -> str:
        """For the learner."""
        return (
            f"This exercise is about writing it yourself, and your answer uses `{self.call}`: `{self.text}`"
        )


def found(solutions: Mapping[str, str], others: Collection[str] = ()) -> dict[str, list[Found]]:
    """Return the calls that are to be written by hand, by exercise.

    `solutions` are the texts of the solution cells by exercise, `others` the texts of the learner's other cells: of these, those
    count with an exercise whose names its answer needs.
    """
    helpers = [(text, names_of(text)) for text in others]
    result = {}
    for name, source in solutions.items():
        exercise = checks.find(name)
        if exercise is None or not exercise.by_hand:
            continue
        texts, needed = [source], set(names_of(source).needed)
        for _ in helpers:
            for text, names in helpers:
                if names.bound & needed and text not in texts:
                    texts.append(text)
                    needed |= names.needed
        imported = _imported(others) | _imported([source])
        calls = [f for text in texts for f in _calls(name, text, set(exercise.by_hand), imported)]
        if calls:
            result[name] = list(dict.fromkeys(calls))
    return result


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imported(texts: Collection[str]) -> dict[str, str]:
    """Return what names that were imported from a library are called there."""
    names: dict[str, str] = {}
    for text in texts:
        for node in ast.walk(_parsed(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _LIBRARIES:
                names |= {alias.asname or alias.name: alias.name for alias in node.names}
    return names


def _calls(exercise: str, text: str, forbidden: set[str], imported: Mapping[str, str]) -> Iterator[Found]:
    lines = text.splitlines()
    for node in ast.walk(_parsed(text)):
        uses = [node.func] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.ClassDef):
            uses += node.bases  # class LayerNorm(nn.LayerNorm)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and "@" in forbidden:
            yield Found(exercise, "@", lines[node.lineno - 1].strip()[:120])
        for use in uses:
            name = use.attr if isinstance(use, ast.Attribute) else ""
            if isinstance(use, ast.Name):
                name = imported.get(use.id, "")
            if name in forbidden:
                yield Found(exercise, ast.unparse(use)[:60], lines[use.lineno - 1].strip()[:120])
