"""Grade a class: all submissions executed side by side, then one writer for the gradebook.

1. Take in what was handed in (`intake`).
2. Execute each submission that has no result yet, by `jobs` or on a `cluster`; each result goes to the `cache` at once.
3. nbgrader's own Autograde runs once over all who need it, with `LookUp` in place of its Execute.

A run may be killed at any point. Whatever was in the cache stays done; and a student counts as graded when the graded
notebook, which nbgrader writes last, holds the key of the result. So the next run goes on from there, and repeats at most
what was half done; repeating changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.converters import Autograde

from handmade.grading import cache
from handmade.grading.cluster import There
from handmade.grading.config import RECORD
from handmade.grading.desk import Desk
from handmade.grading.execution import Settings
from handmade.grading.intake import RELEASE, SUBMITTED, TIMESTAMP, take_in
from handmade.grading.jobs import Done, Here, Places, Task, task
from handmade.grading.lookup import result_of
from handmade.grading.runner import EXECUTE
from handmade.grading.submissions import Submissions
from handmade.grading.table import AUTOGRADED, FAILED, graded_students, read_graded
from handmade.grading.work import options as options_of

EXECUTOR = "handmade.grading.executor.IsolatedExecute"  # the line of the desk's configuration that LookUp stands in for
LOOK_UP = "handmade.grading.lookup.LookUp"

Progress = Callable[[str, int], contextlib.AbstractContextManager[Callable[[], None]]]


class NotIsolated(RuntimeError):
    """Isolation was required and is not whole, or the desk is configured without it."""


@dataclass
class Graded:
    """What a run did: how many it executed, whom it wrote and left as they were, and what went wrong."""

    executed: int = 0
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@contextlib.contextmanager
def silent(label: str, length: int) -> Iterator[Callable[[], None]]:
    """Show no progress."""
    yield lambda: None


def grade(
    desk: Desk,
    lesson: str,
    *,
    jobs: int = 1,
    scheduler: str = "",
    students: str = "*",
    settings: Settings | None = None,
    say: Callable[[str], None] = lambda sentence: None,
    progress: Progress = silent,
    work: str = EXECUTE,
) -> Graded:
    """Grade the students whose names match a glob, and return what was done.

    `jobs` processes of this machine execute, or, with a `scheduler`'s address, the workers of its Dask cluster. `say` is told
    at the start what isolation is in force; `work` names the function that executes. `settings` take the place of those that the desk is configured with. Raises NoRelease, Busy, NoCluster and
    NotIsolated, with a sentence for the instructor.
    """
    if EXECUTOR not in desk.steps:
        raise NotIsolated(
            f"This desk is configured without {EXECUTOR}: grade with `nbgrader autograde {lesson}`, which then "
            "runs the submissions as you, or put it back."
        )
    with desk.locked():
        take_in(desk.root, lesson, students)
        submissions = Submissions(desk, lesson, students)
        release = nbformat.read(desk.root / RELEASE / lesson / f"{lesson}.ipynb", as_version=4)
        settings = settings or desk.settings()
        options = options_of(submissions.graded, desk.seed, release, settings, desk.secret_folders)
        run = _Run(desk, submissions, options, work)
        most = max(1, len(submissions.students))  # no process starts, for seconds, that has no work
        with There(scheduler) if scheduler else Here(min(jobs, most)) as places:
            run.try_out(places, say)
            with progress("Executing", len(submissions.students)) as tick:
                run.execute(places, tick)
        stale = run.stale()
        with progress("Writing", len(stale)) if stale else contextlib.nullcontext(lambda: None) as tick:
            run.write(stale, students, tick)
        return run.did


class _Run:
    """One run over the submissions of a lesson."""

    def __init__(self, desk: Desk, submissions: Submissions, options: dict[str, Any], work: str) -> None:
        self.desk, self.submissions, self.lesson = desk, submissions, submissions.lesson
        self.options, self.work = options, work
        self.cache = cache.Cache(desk.root, self.lesson)
        self.cache.tidy()
        self.keys: dict[str, str] = {}  # of each student's result
        self.reasons: dict[str, str] = {}  # why there is none, by key
        self.did = Graded()

    def try_out(self, places: Places, say: Callable[[str], None]) -> None:
        """Execute next to nothing everywhere, and say what isolation was in force."""
        nothing = new_notebook(cells=[new_code_cell("None", id="nothing")])
        found: dict[str, list[str]] = {}
        for place, done in places.run_everywhere(task("", nothing, self.options, self.work)).items():
            _refuse(done)
            said = in_words(done.result["isolation"]) if done.result else f"not known: {done.reason}"
            found.setdefault(said, []).append(place)
        for said, where in found.items():
            say(f"Isolation: {said}" + (f" (on {len(where)} workers)" if any(where) else ""))

    def execute(self, places: Places, tick: Callable[[], None]) -> None:
        """Execute what has no result yet, each once, and keep every result as it comes."""
        for done in places.run(self._needed(tick)):
            _refuse(done)
            self._keep(done)
            self.did.executed += 1
            tick()

    def _needed(self, tick: Callable[[], None]) -> Iterator[Task]:
        asked: set[str] = set()
        for student in self.submissions.students:
            notebook = self.submissions.read(student)
            key = cache.key(notebook, self.options)
            self.keys[student] = key
            result = self.cache.get(key)
            if key in asked or (result is not None and FAILED not in result):
                tick()
            else:
                asked.add(key)
                yield task(key, notebook, self.options, self.work)

    def _keep(self, done: Done) -> None:
        self.cache.put(done.key, result_of(done))
        if done.result is None:
            self.reasons[done.key] = done.reason

    def stale(self) -> list[str]:
        """Return the students whose graded notebook and gradebook do not hold their result."""
        graded = graded_students(self.desk.db_url, self.desk.course_id, self.lesson)
        stale = []
        for student, key in self.keys.items():
            if key in self.reasons:
                self.did.failed[student] = self.reasons[key]
            if student in graded and self._is_written(student, key):
                self.did.unchanged.append(student)
            else:
                stale.append(student)
        return stale

    def _is_written(self, student: str, key: str) -> bool:
        """Return whether the graded notebook holds this result, for what was handed in at the same time."""
        notebook = read_graded(self.desk.root, student, self.lesson)
        record = {} if notebook is None else notebook.metadata.get(RECORD, {})
        if record.get("key") != key or record.get(FAILED) != self.reasons.get(key):
            return False
        submitted, graded = (
            self.desk.root / folder / student / self.lesson / TIMESTAMP for folder in (SUBMITTED, AUTOGRADED)
        )
        return _bytes(submitted) == _bytes(graded)

    def write(self, stale: list[str], students: str, tick: Callable[[], None]) -> None:
        """Run nbgrader's Autograde over the stale among the students that the glob names."""
        self.did.written = stale
        if not stale:
            return
        app = self.desk.application("AutogradeApp")
        app.config.LookUp.update(options=self.options, work=self.work)
        steps = app.config.Autograde.autograde_preprocessors
        app.config.Autograde.autograde_preprocessors = [LOOK_UP if s == EXECUTOR else s for s in steps]
        fresh = tuple(self.did.unchanged)
        self.did.errors = self.desk.run(app, Autograde, self.lesson, students, fresh, tick)


def in_words(isolation: dict[str, str]) -> str:
    """Return in one line what isolation was in force, and what was not.

    >>> in_words({"files": "Landlock", "network": "a network of its own", "user": ""})
    'Landlock (files), a network of its own; nothing for: user'
    """
    there = [what if layer in what else f"{what} ({layer})" for layer, what in isolation.items() if what]
    missing = [layer for layer, what in isolation.items() if not what]
    said = ", ".join(there) or "none"
    return f"{said}; nothing for: {', '.join(missing)}" if missing else said


def _refuse(done: Done) -> None:
    """Raise NotIsolated where a place says that it lacks what was required: then no submission can be executed there."""
    if done.kind == "IsolationMissing":
        raise NotIsolated(f"{done.reason} Isolation was required, so nothing was executed there.")


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
