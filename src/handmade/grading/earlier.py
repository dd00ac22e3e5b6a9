"""Earlier lessons' parts, as text, for a submission that uses them. Grading gives everybody the course's own, so that one mistake costs once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from handmade import checks
from handmade.grading.inside.standins import PARTS
from handmade.learner.texts import lesson_names

_IMPORT = re.compile(r"(?m)^from handmade\.reference\.(\w+) import")


class EarlierParts:
    """The parts that a submission may have: those of all lessons before the first of its own, which holds one of `exercises`.

    Where no exercise is known (an assignment of the instructor's own), those of all lessons.
    """

    def __init__(self, exercises: Iterable[str]) -> None:
        own = {found.lesson for name in exercises if (found := checks.find(name)) is not None}
        order = [name[3:] for name in lesson_names()]
        known = set(checks.lessons())
        first = min((order.index(lesson) for lesson in own if lesson in order), default=len(order))
        self.lessons = [lesson for lesson in order[:first] if lesson in known]

    def texts(self, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the lesson of each name, and the modules' texts in the order in which they can be run.

        Raises ValueError for a name that no earlier lesson has.
        """
        lessons: dict[str, str] = {}
        texts: dict[str, str] = {}
        for name in names:
            found = checks.find(name)
            if found is None or found.lesson not in self.lessons:
                raise ValueError(f"there is no part {name!r} of an earlier lesson")
            lessons[name] = found.lesson
            self._add(found.lesson, texts)
        return lessons, texts

    def _add(self, lesson: str, texts: dict[str, str]) -> None:
        """Add a lesson's module after those that it imports."""
        if lesson in texts:
            return
        text = checks.reference_text(lesson)
        for needed in _IMPORT.findall(text):
            self._add(needed, texts)
        texts[lesson] = _IMPORT.sub(rf"from {PARTS}.\1 import", text)
