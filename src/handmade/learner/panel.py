"""The panel under a notebook's first cell: what is done in this lesson and in all, and a link to what is next."""

from __future__ import annotations

import contextlib
import html
import sys
from dataclasses import dataclass
from typing import Any

from handmade.learner import colab, overview, progress, texts
from handmade.learner.overview import ExerciseDone, LessonDone

PLACE = "handmade-progress"  # the id under which a notebook finds the panel again, to renew it
LINK = "color:inherit;text-decoration:underline"  # a colour of our own would not suit every theme


@dataclass(frozen=True)
class Panel:
    """What a learner has done, with one lesson's exercises in full. `note` is a sentence below it."""

    lessons: list[LessonDone]
    here: LessonDone
    note: str = ""

    def text(self) -> str:
        """Return the panel as plain text."""
        lines = [*overview.as_text(self.lessons, self.here.name)[:-1], "", self._next()]
        return "\n".join([*lines, self.note] if self.note else lines)

    def html(self) -> str:
        """Return the panel as HTML: state by mark and word, never by colour alone; links work with the keyboard."""
        minutes = f" · {self.here.minutes:.0f} min" if self.here.begun else ""
        share = 100 * self.here.passed / max(1, len(self.here.exercises))
        rows = "".join(f"<li>{_exercise(self.here, exercise)}</li>" for exercise in self.here.exercises)
        others = "".join(
            f'<tr><td style="text-align:left">{self._lesson(lesson)}</td>'
            f'<td style="text-align:left">{html.escape(overview.summary(lesson).strip().replace("   ", ", "))}</td></tr>'
            for lesson in self.lessons
        )
        note = f'<p style="margin:0.4em 0">{html.escape(self.note)}</p>' if self.note else ""
        return (
            '<div class="handmade-progress" style="border:1px solid #7a7a7a;border-radius:4px;padding:0.5em 0.9em;margin:0.3em 0;max-width:52em">'
            f'<p style="margin:0"><strong>{html.escape(self.here.title)}</strong> · '
            f"{self.here.passed} of {len(self.here.exercises)} done{minutes}</p>"
            '<div aria-hidden="true" style="height:6px;margin:0.4em 0;border-radius:3px;background:rgba(128,128,128,0.3)">'
            f'<div style="height:6px;border-radius:3px;background:#2e8b57;width:{share:.0f}%"></div></div>'
            f'<ul style="list-style:none;padding:0;margin:0.4em 0;columns:18em">{rows}</ul>'
            f'<p style="margin:0.4em 0">{self._next_link()}</p>'
            f'<details style="margin:0.4em 0"><summary>All lessons</summary><table style="margin:0.4em 0">'
            f'<thead><tr><th style="text-align:left">lesson</th><th style="text-align:left">so far</th></tr></thead>'
            f"<tbody>{others}</tbody></table>"
            f'<p style="margin:0.4em 0">The record is a text file of yours, <code>{progress.FOLDER}/{progress.FILE}</code> beside the lessons; nothing is sent anywhere.</p>'
            f"</details>{note}</div>"
        )

    def bundle(self) -> dict[str, str]:
        """Return both forms, as Jupyter's display protocol wants them."""
        return {"text/html": self.html(), "text/plain": self.text()}

    def _next(self) -> str:
        then = overview.next_step(self.lessons, self.here)
        if then is None:
            return overview.ALL_DONE
        lesson, name = then
        return f"Next: {name}" if lesson is self.here else f"Next: {name}, in {lesson.title}"

    def _next_link(self) -> str:
        then = overview.next_step(self.lessons, self.here)
        if then is None:
            return html.escape(overview.ALL_DONE).replace("`", "")
        lesson, name = then
        where = "" if lesson is self.here else f" in {self._lesson(lesson)}"
        return f"<strong>Next:</strong> {_link(_address(lesson, name), name)}{where}"

    def _lesson(self, lesson: LessonDone) -> str:
        if lesson is self.here:
            return f"{html.escape(lesson.title)} (this one)"
        return _link(_address(lesson), lesson.title)


def _exercise(lesson: LessonDone, exercise: ExerciseDone) -> str:
    seen = html.escape(overview.details(exercise).partition("   ")[2].replace("   ", ", "))
    mark, _, state = exercise.state.partition(" ")
    said = f"{state}: {seen}" if seen else state
    return f"{mark} {_link(_address(lesson, exercise.name), exercise.name)} ({said})"


def _address(lesson: LessonDone, exercise: str = "") -> str:
    """Return where a lesson is, or the cell of an exercise; Colab finds the other lessons in the repository alone."""
    if colab.is_here():
        return colab.address(lesson.notebook)
    cell = f"#cell-id={exercise.replace('_', '-')}" if exercise else ""
    return f"../{lesson.notebook}{cell}"


def _link(address: str, words: str) -> str:
    return f'<a href="{html.escape(address, quote=True)}" style="{LINK}">{html.escape(words)}</a>'


_shown: list[str] = []  # the lesson whose panel this kernel shows, and the note below it


def begin(lesson: str) -> None:
    """Show the panel of a lesson, and renew it whenever something is recorded; in Colab, see first where the record is kept.

    Nothing is shown where no record is kept. Raises ValueError for a lesson that does not exist.
    """
    names = texts.lesson_names()
    if lesson not in names:
        raise ValueError(f"there is no lesson {lesson!r}; there are {', '.join(names)}")
    note = colab.keep_work() if colab.is_here() else ""
    if progress.root() is None:
        return
    _shown[:] = [lesson, note]
    progress.after_recording(_renew)
    _display(_panel(), display_id=PLACE)


def _renew() -> None:
    # A panel that cannot be renewed must not cost a learner their check.
    with contextlib.suppress(Exception):
        _display(_panel(), display_id=PLACE, update=True)


def _panel() -> Panel:
    lessons = overview.overview()
    here = next(lesson for lesson in lessons if lesson.name == _shown[0])
    return Panel(lessons, here, _shown[1])


def _display(panel: Panel, **options: Any) -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        if "update" not in options:
            print(panel.text())
        return
    from IPython.display import display

    display(panel.bundle(), raw=True, **options)
