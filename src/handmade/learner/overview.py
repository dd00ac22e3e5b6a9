"""What a learner has done so far, from their own record: for `handmade progress`."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass

from handmade import checks
from handmade.learner import progress, texts

PAUSE = datetime.timedelta(minutes=15)  # a longer gap between two events is a pause, and is not counted


@dataclass
class ExerciseDone:
    """An exercise: how often it was checked, whether a check passed, and how many of its hints are open."""

    name: str
    tries: int = 0
    passed: bool = False
    hints: int = 0


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
        done = LessonDone(name, about["title"], [ExerciseDone(e) for e in checks.load_lesson(name[3:])])
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


def next_step(lessons: list[LessonDone]) -> tuple[LessonDone, str] | None:
    """Return where to go on: the first exercise that is not done, from the lesson last worked in, then from the first lesson.

    None where all is done.
    """
    latest = max(lessons, key=lambda lesson: lesson.last)
    start = lessons.index(latest) if latest.begun else 0
    for lesson in (*lessons[start:], *lessons[:start]):
        for exercise in lesson.exercises:
            if not exercise.passed:
                return lesson, exercise.name
    return None


def as_text(lessons: list[LessonDone], only: str = "") -> list[str]:
    """Return the overview in lines: one for each lesson, or, for `only` a lesson's number or name, one for each exercise."""
    if only:
        return [
            line for lesson in lessons if only in (lesson.name, lesson.name[:2]) for line in _details(lesson)
        ]
    width = max(len(lesson.title) for lesson in lessons)
    lines = []
    for lesson in lessons:
        hints = sum(exercise.hints for exercise in lesson.exercises)
        seen = [
            f"{lesson.passed:2} of {len(lesson.exercises):2} done",
            f"{lesson.minutes:3.0f} min" if lesson.begun else "",
            f"{hints} hint{'s' if hints != 1 else ''} opened" if hints else "",
        ]
        lines.append(f"{lesson.title:<{width}}   {'   '.join(part for part in seen if part)}")
    then = next_step(lessons)
    lines.append("")
    lines.append(
        f"Next: {then[1]}, in {then[0].name}/{then[0].name}.ipynb"
        if then
        else "All exercises have passed their checks."
    )
    return lines


def _details(lesson: LessonDone) -> list[str]:
    lines = [lesson.title]
    for exercise in lesson.exercises:
        state = "✓ done" if exercise.passed else "… tried" if exercise.tries else "○ not yet"
        seen = [
            state,
            f"{exercise.tries} check{'s' if exercise.tries != 1 else ''}" if exercise.tries else "",
            f"{exercise.hints} hint{'s' if exercise.hints != 1 else ''} opened" if exercise.hints else "",
        ]
        lines.append(f"  {exercise.name:<28} {'   '.join(part for part in seen if part)}")
    lines.append(f"  guesses: {lesson.guesses}   written answers compared: {lesson.answers}")
    return lines
