"""The submissions of a lesson as they are graded: each student's code with the graded cells of the gradebook.

nbgrader puts the gradebook's cells (hidden tests are in them) in place of what was handed in when it grades. Here the same
is done before, for all students, so that their code can run side by side; with one look at the gradebook for all of them.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_grade, is_locked

from handmade.grading.desk import Desk
from handmade.grading.intake import SUBMITTED, NoRelease


class Submissions:
    """Who handed in a lesson at a desk, and their notebooks. Raises NoRelease where the gradebook does not know the lesson."""

    def __init__(self, desk: Desk, lesson: str, students: str = "*") -> None:
        self.folder = desk.root / SUBMITTED
        self.lesson = lesson
        self.students = sorted(
            path.parent.parent.name
            for path in self.folder.glob(f"*/{lesson}/{lesson}.ipynb")
            if fnmatch.fnmatchcase(path.parent.parent.name, students)
        )
        with Gradebook(desk.db_url, desk.course_id) as gradebook:
            try:
                notebook = gradebook.find_notebook(lesson, lesson)
            except MissingEntry:
                raise NoRelease(
                    f"The gradebook knows no {lesson}. Run first: nbgrader generate_assignment {lesson}"
                ) from None
            self._sources: dict[str, str] = {c.name: c.source for c in notebook.source_cells if c.locked}
            code = {c.name for c in notebook.grade_cells if c.cell_type == "code"}
            #: The text of each graded code cell, by grade_id.
            self.graded = {name: text for name, text in self._sources.items() if name in code}
            self._points: dict[str, float] = {c.name: c.max_score for c in notebook.grade_cells}

    def path(self, student: str) -> Path:
        """Return where a student's notebook is."""
        return self.folder / student / self.lesson / f"{self.lesson}.ipynb"

    def read(self, student: str) -> NotebookNode:
        """Return a student's notebook with the gradebook's text in its locked cells."""
        notebook: Any = nbformat.read(self.path(student), as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in self._sources and is_locked(cell):
                cell.source = self._sources[name]
            if name in self._points and is_grade(cell):
                cell.metadata.nbgrader["points"] = self._points[name]
            if cell.cell_type == "code":
                cell.outputs = []
        return notebook
