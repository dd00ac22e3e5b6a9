"""Hints, predictions and rubrics: their words stand in the lessons' text, and `make build` puts them beside this file."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib import resources
from typing import Any

from handmade.checks.message import Message, show
from handmade.checks.result import Shown
from handmade.learner import progress

_opened: dict[str, int] = {}
_guesses: dict[str, Any] = {}


class Words:
    """A text in Markdown that a notebook renders, and plain Python prints."""

    def __init__(self, markdown: str) -> None:
        self.markdown = markdown

    def __repr__(self) -> str:
        return self.markdown

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"text/markdown": self.markdown, "text/plain": self.markdown}, raw=True)


@cache
def _texts(kind: str) -> dict[str, Any]:
    """Return all texts of one kind ("hints", "rubrics", "predictions"), of all lessons, by name."""
    found: dict[str, Any] = {}
    for name in lesson_names():
        found |= of_lesson(name)[kind]
    return found


@cache
def of_lesson(name: str) -> dict[str, Any]:
    """Return a lesson's title, its exercises in order, which of them are a stretch, and hints, rubrics and predictions by name."""
    file = resources.files("handmade.learner").joinpath("texts", f"{name}.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def lesson_names() -> list[str]:
    """Return the lessons in their order, each as its folder is named: 01_matmul, 02_perceptron, …"""
    files = resources.files("handmade.learner").joinpath("texts").iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def _look_up(kind: str, name: str) -> Any:
    texts = _texts(kind)
    if name not in texts:
        near = difflib.get_close_matches(str(name), texts, n=1)
        raise ValueError(
            f"there are no {kind} for {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return texts[name]


def hint(name: str, level: int | None = None) -> Words:
    """Return the next hint of an exercise: the first on the first call, then the second, then the third.

    `level` shows one again without opening a new one. Raises ValueError for an unknown name or level.
    """
    hints = _look_up("hints", name)
    before = max(
        _opened.get(name, 0), max((e.get("level", 0) for e in progress.events("hint", name)), default=0)
    )
    if level is not None and not 1 <= level <= len(hints):
        raise ValueError(f"expected a level from 1 to {len(hints)}, got {level}")
    wanted = level or min(before + 1, len(hints))
    _opened[name] = max(before, wanted)
    if wanted > before:
        progress.record("hint", name, level=wanted)
    after = (
        "Run it again for the next one."
        if wanted < len(hints)
        else "This is the last one. The solutions notebook holds one way to write it."
    )
    return Words(f"**Hint {wanted} of {len(hints)} for `{name}`.** {hints[wanted - 1]}\n\n*{after}*")


def predict(name: str, guess: Any = None) -> Shown:
    """Keep a guess, made before the outcome is shown; None asks for one. Nothing is graded."""
    _look_up("predictions", name)
    if guess is None:
        step = "Write your guess in place of `None` and run this cell. A wrong guess teaches more than none; nobody grades it."
        return Shown(Message("○", "your guess first", (("prose", step),)))
    _guesses[name] = guess
    progress.record("guess", name, guess=str(guess)[:200])
    return Shown(Message("●", f"your guess is kept: {show(guess)}", (("prose", "Now run the next cell."),)))


def reveal(name: str, outcome: Any) -> Shown:
    """Show what happened beside the learner's guess, if there is one; a text is shown as the sentence that it is."""
    _look_up("predictions", name)
    kept = progress.events("guess", name)
    guess = show(_guesses[name]) if name in _guesses else (repr(kept[-1]["guess"]) if kept else None)
    said = f"You guessed {guess}." if guess is not None else "You made no guess this time."
    happened = outcome if isinstance(outcome, str) else f"It is {show(outcome)}."
    return Shown(Message("●", f"{said} {happened}"))


def rubric(name: str, answered: bool = False) -> Shown | Words:
    """Return what a good answer to a written question holds, once `answered` is True."""
    text = _look_up("rubrics", name)
    if not answered:
        step = "Write your answer in the cell above. Then put `True` in place of `False` here and run this cell: it shows what a good answer holds."
        return Shown(Message("○", "your answer first", (("prose", step),)))
    progress.record("answered", name)
    return Words(f"**What a good answer holds.** Compare it with yours.\n\n{text}")
