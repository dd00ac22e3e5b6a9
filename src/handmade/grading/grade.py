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
from nbgrader.converters import Autograde

from handmade.grading import cache
from handmade.grading.cluster import run_there
from handmade.grading.desk import Desk
from handmade.grading.execution import Settings
from handmade.grading.intake import RELEASE, TIMESTAMP, take_in
from handmade.grading.jobs import Task, run_here, task
from handmade.grading.lookup import result_of
from handmade.grading.runner import EXECUTE
from handmade.grading.submissions import Submissions
from handmade.grading.table import AUTOGRADED, FAILED, GRADED, graded_students, read_graded
from handmade.grading.work import options as options_of

EXECUTORS = ("nbgrader.preprocessors.Execute", "handmade.grading.executor.IsolatedExecute")
LOOK_UP = "handmade.grading.lookup.LookUp"

Progress = Callable[[str, int], contextlib.AbstractContextManager[Callable[[], None]]]


@dataclass
class Graded:
    """What a run did: whom it executed and wrote, whom it left as they were, and what went wrong."""

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
    progress: Progress = silent,
    work: str = EXECUTE,
) -> Graded:
    """Grade the students whose names match a glob, and return what was done.

    `jobs` processes of this machine execute, or, with a `scheduler`'s address, the workers of its Dask cluster. `work` names
    the function that executes. Raises NoRelease, Busy, NoCluster, with a sentence for the instructor.
    """
    with desk.locked():
        take_in(desk.root, lesson, students)
        submissions = Submissions(desk, lesson, students)
        release = nbformat.read(desk.root / RELEASE / lesson / f"{lesson}.ipynb", as_version=4)
        options = options_of(desk.seed, release, settings or Settings())
        kept = cache.Cache(desk.root, lesson)
        kept.tidy()
        keys: dict[str, str] = {}
        did = Graded()
        with progress("Executing", len(submissions.students)) as tick:
            asked: set[str] = set()

            def needed() -> Iterator[Task]:
                for student in submissions.students:
                    notebook = submissions.read(student)
                    keys[student] = key = cache.key(notebook, options)
                    if key in asked or FAILED not in (kept.get(key) or {FAILED: ""}):
                        tick()
                    else:
                        asked.add(key)
                        yield task(key, notebook, options, work)

            for done in run_there(needed(), scheduler) if scheduler else run_here(needed(), jobs):
                kept.put(done.key, result_of(done))
                did.executed += 1
                tick()
        graded = graded_students(desk.db_url, desk.course_id, lesson)
        for student, key in keys.items():
            up_to_date = student in graded and _is_written(desk.root, student, lesson, key)
            (did.unchanged if up_to_date else did.written).append(student)
        if did.written:
            with progress("Writing", len(did.written)) as tick:
                did.errors = _write(desk, lesson, students, tuple(did.unchanged), options, work, tick)
        for student, key in keys.items():
            reason = (kept.get(key) or {}).get(FAILED)
            if reason:
                did.failed[student] = reason
    return did


def _is_written(root: Path, student: str, lesson: str, key: str) -> bool:
    """Return whether the graded notebook holds this result, for what was handed in at the same time."""
    notebook = read_graded(root, student, lesson)
    if notebook is None or notebook.metadata.get(GRADED, {}).get("key") != key:
        return False
    times = [
        path.read_bytes() if path.is_file() else b""
        for path in (root / folder / student / lesson / TIMESTAMP for folder in ("submitted", AUTOGRADED))
    ]
    return times[0] == times[1]


def _write(
    desk: Desk,
    lesson: str,
    students: str,
    excluded: tuple[str, ...],
    options: dict[str, Any],
    work: str,
    tick: Callable[[], None],
) -> list[str]:
    """Run nbgrader's Autograde over all but the excluded, and return what went wrong."""
    app = desk.application("AutogradeApp")
    app.config.LookUp.update(options=options, desk=str(desk.root), work=work)
    steps = app.config.Autograde.autograde_preprocessors
    app.config.Autograde.autograde_preprocessors = [LOOK_UP if step in EXECUTORS else step for step in steps]
    return desk.run(app, Autograde, lesson, students, excluded, tick)
