"""What a learner has done so far, from their own record: for `handmade progress` and the panel in each notebook."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass

from handmade.learner import progress, texts

ALL_DONE = "All exercises have passed their checks. `check.finish()` in a notebook, or `handmade finish`, makes a page of your GPT."
PAUSE = datetime.timedelta(minutes=15)  # a longer gap between two events is a pause, and is not counted


@dataclass
class ExerciseDone:
    """An exercise: how often it was checked, whether a check passed, and how many of its hints are open."""

    name: str
    stretch: bool = False
    tries: int = 0
    passed: bool = False
    hints: int = 0

    @property
    def state(self) -> str:
        """In what state it is, with a mark: done, tried or not yet."""
        return "✓ done" if self.passed else "… tried" if self.tries else "○ not yet"


@dataclass
class LessonDone:
    """A lesson: its folder's name, its title, its exercises in their order, and what else was done in it."""

    name: str
    title: str
    exercises: list[ExerciseDone]
    guesses: int = 0
    answers: int = 0
    minutes: float = 0.0
    last: int = 0  # the place in the record of the last event

    @property
    def passed(self) -> int:
        """How many exercises have passed their check."""
        return sum(exercise.passed for exercise in self.exercises)

    @property
    def hints(self) -> int:
        """How many hints are open."""
        return sum(exercise.hints for exercise in self.exercises)

    @property
    def notebook(self) -> str:
        """The lesson's notebook, from the folder that holds all lessons."""
        return f"{self.name}/{self.name}.ipynb"

    @property
    def begun(self) -> bool:
        """Whether anything was recorded in this lesson."""
        return self.last > 0


def overview() -> list[LessonDone]:
    """Return all lessons with what was recorded in each.

    The minutes of a lesson are those between two recorded steps, where the second is the lesson's and no more than 15 passed: reading
    before the first check, and the last paragraph, are not seen.
    """
    lessons, of_name = [], {}
    for name in texts.lesson_names():
        about = texts.of_lesson(name)
        exercises = [ExerciseDone(e, stretch=e in about["stretches"]) for e in about["exercises"]]
        done = LessonDone(name, about["title"], exercises)
        lessons.append(done)
        for known in (*about["predictions"], *about["rubrics"], *(e.name for e in done.exercises)):
            of_name[known] = done
    before: datetime.datetime | None = None
    for n, event in enumerate(progress.all_events(), start=1):
        lesson = of_name.get(event["name"]) if isinstance(event["name"], str) else None
        if lesson is None or event.get("state") == "not written":  # Run All in a lesson that waits is no try
            continue
        with contextlib.suppress(ValueError, TypeError):
            now = datetime.datetime.fromisoformat(event["time"]).replace(tzinfo=None)
            if before is not None and datetime.timedelta(0) <= now - before <= PAUSE:
                lesson.minutes += (now - before) / datetime.timedelta(minutes=1)
            before = now
        lesson.last = n
        _count(lesson, event)
    return lessons


def _count(lesson: LessonDone, event: dict[str, object]) -> None:
    exercise = next((e for e in lesson.exercises if e.name == event["name"]), None)
    if event["event"] == "guess":
        lesson.guesses += 1
    elif event["event"] == "answered":
        lesson.answers += 1
    elif exercise is not None and event["event"] == "check":
        exercise.tries += 1
        exercise.passed |= event.get("state") == "passed"
    elif exercise is not None and event["event"] == "hint":
        level = event.get("level")
        exercise.hints = max(exercise.hints, level if isinstance(level, int) else 1)


def next_step(lessons: list[LessonDone], here: LessonDone | None = None) -> tuple[LessonDone, str] | None:
    """Return where to go on: the first exercise that is not done, from the lesson `here`, then from the first lesson.

    As it comes, `here` is the lesson last worked in. A stretch is skipped. None where all is done.
    """
    latest = here or max(lessons, key=lambda lesson: lesson.last)
    start = lessons.index(latest) if here or latest.begun else 0
    for lesson in (*lessons[start:], *lessons[:start]):
        for exercise in lesson.exercises:
            if not exercise.passed and not exercise.stretch:
                return lesson, exercise.name
    return None


def as_text(lessons: list[LessonDone], only: str = "") -> list[str]:
    """Return the overview in lines: one for each lesson, or, for `only` a lesson's number or name, one for each exercise."""
    if only:
        return [
            line for lesson in lessons if only in (lesson.name, lesson.name[:2]) for line in _details(lesson)
        ]
    width = max(len(lesson.title) for lesson in lessons)
    lines = [f"{lesson.title:<{width}}   {summary(lesson)}".rstrip() for lesson in lessons]
    then = next_step(lessons)
    lines += ["", f"Next: {then[1]}, in {then[0].notebook}" if then else ALL_DONE]
    return lines


def summary(lesson: LessonDone) -> str:
    """Return what was done in a lesson, in a line."""
    seen = [
        f"{lesson.passed:2} of {len(lesson.exercises):2} done",
        f"{lesson.minutes:3.0f} min" if lesson.begun else "",
        _count_of(lesson.hints, "hint", "opened"),
    ]
    return "   ".join(part for part in seen if part)


def details(exercise: ExerciseDone) -> str:
    """Return what was done for an exercise, in a line."""
    seen = [
        exercise.state + (", a stretch" if exercise.stretch and not exercise.passed else ""),
        _count_of(exercise.tries, "check"),
        _count_of(exercise.hints, "hint", "opened"),
    ]
    return "   ".join(part for part in seen if part)


def _details(lesson: LessonDone) -> list[str]:
    lines = [lesson.title]
    lines += [f"  {exercise.name:<28} {details(exercise)}" for exercise in lesson.exercises]
    lines.append(f"  guesses: {lesson.guesses}   written answers compared: {lesson.answers}")
    return lines


def _count_of(n: int, thing: str, what: str = "") -> str:
    """Return "1 hint opened", "2 hints opened"; nothing for none."""
    return f"{n} {thing}{'s' if n != 1 else ''} {what}".rstrip() if n else ""
