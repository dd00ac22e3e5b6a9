"""The pass over submitted/ before grading: find each student's notebook, repair it, and keep what was handed in.

Afterwards every student who handed in anything has submitted/<student>/<lesson>/<lesson>.ipynb, and nbgrader can grade
it. Where that differs from what was handed in, submitted_originals/<student>/<lesson>/ holds the untouched original and
repairs.json. A pass that is repeated changes nothing; a file that was handed in anew is looked at anew.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from handmade.grading import reading
from handmade.grading.sanitise import sanitise, written

SUBMITTED = "submitted"
ORIGINALS = "submitted_originals"
RELEASE = "release"
RECORD = "repairs.json"
NOTE_ID = "handmade-note"
_NOT_HANDED_IN = {"timestamp.txt", ".DS_Store", "Thumbs.db", "desktop.ini", "submission_secret.txt"}
_MOST_FILES = 1_000  # looked at in one student's folder


@dataclass
class Record:
    """What was done about one student's submission of one lesson.

    `unreadable` is the reason why a blank notebook is graded in place of what was handed in, or "".
    `handed_in` has the SHA-256 of each file by name, `result` that of the notebook which is graded.
    `original` is the name under which the file that was repaired is kept, "" where there was none.
    """

    student: str
    lesson: str
    repairs: list[str] = field(default_factory=list)
    unreadable: str = ""
    original: str = ""
    handed_in: dict[str, str] = field(default_factory=dict)
    result: str = ""

    @property
    def sentences(self) -> list[str]:
        """What to tell, most important first."""
        return ([self.unreadable] if self.unreadable else []) + self.repairs


class NoRelease(FileNotFoundError):
    """The lesson was not yet generated at this desk."""


def take_in(desk: Path, lesson: str, students: str = "*") -> list[Record]:
    """Make every submission of a lesson gradable, and return the records of those that needed it.

    `students` is a glob of student names. Raises NoRelease where the desk has no release of the lesson.
    """
    release_file = desk / RELEASE / lesson / f"{lesson}.ipynb"
    if not release_file.is_file():
        raise NoRelease(
            f"There is no release of {lesson} at this desk. Run first: nbgrader generate_assignment {lesson}"
        )
    release = nbformat.read(release_file, as_version=4)
    records = []
    for folder in sorted((desk / SUBMITTED).glob(f"*/{lesson}")):
        student = folder.parent.name
        if folder.is_dir() and fnmatch.fnmatchcase(student, students):
            records.append(_take_in_one(desk, student, lesson, release))
    return [record for record in records if record.sentences]


def load_record(desk: Path, student: str, lesson: str) -> Record | None:
    """Return what was done about a submission, or None where nothing was, or nothing is known."""
    try:
        return Record(**json.loads(_record_file(desk, student, lesson).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _record_file(desk: Path, student: str, lesson: str) -> Path:
    return desk / ORIGINALS / student / lesson / RECORD


def _take_in_one(desk: Path, student: str, lesson: str, release: NotebookNode) -> Record:
    folder = desk / SUBMITTED / student / lesson
    target = folder / f"{lesson}.ipynb"
    before = load_record(desk, student, lesson)
    is_ours = before is not None and target.is_file() and _hash(target) == before.result
    record = Record(student, lesson)
    try:
        files = dict(_files(folder))
        if is_ours and before is not None:
            files.pop(target.name, None)
            if before.original:
                files[target.name if before.original in before.handed_in else before.original] = (
                    _record_file(desk, student, lesson).parent / before.original
                )
        record.handed_in = {name: _hash(path) for name, path in sorted(files.items())}
        if is_ours and before is not None and before.handed_in == record.handed_in:
            return before
        notebook, chosen = _read(files, target.name, lesson, release, record)
    except Exception as error:  # whatever one submission does, the others are graded
        record.repairs, record.unreadable, chosen = (
            [],
            f"It could not be repaired ({error!r:.200}). Ask your instructor.",
            "",
        )
        notebook = None
    _write(desk, record, notebook, files.get(chosen), release, target)
    return record
